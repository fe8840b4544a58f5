"""Variables that look something up or calculate: a table of texts, a table of regular expressions, a list of
conditions, and a list of steps that begins with a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

from tagserver.config.conditions import ConditionCompiler, warn_of_undefined
from tagserver.config.keys import Block, Key, compiled
from tagserver.config.lint.comparisons import ROW, Comparison, pattern_hint
from tagserver.config.names import Names, lone_name
from tagserver.config.schema_parts import ANY, TEXT, ref
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.spelling import nfc
from tagserver.event.values import js_text
from tagserver.expressions import derive
from tagserver.expressions.conditions import BadPattern, all_of, compile_search
from tagserver.expressions.decimals import OPERATIONS, Step, calculation, exact
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import is_template

CHOICE = Block(
    "",
    Key("when", compiled(ref("when")), "the conditions, all of which must hold", needed=True),
    Key("value", compiled(ANY), "what the value is then; it may hold `{{ }}`", needed=True),
)


class AnyValue(Protocol):
    """Compiles a node that may hold `{{ }}`."""

    def __call__(self, node: Node, path: str) -> Value | None:
        """A value, or None after a problem."""
        ...


class Tables:
    """Compiles them. Each row has a name for people, under which tests learn whether it was used."""

    def __init__(self, any_value: AnyValue, names: Names, problems: Problems) -> None:
        self._any = any_value
        self._names = names
        self._conditions = ConditionCompiler(names, problems)
        self._problems = problems
        self._decoder = Decoder(problems)

    def lookup(self, value: Value, written: Node, table: Node, path: str) -> Value:
        """The row whose key is the value as text, in the same case. `written`: the value as it stands in the file."""
        rows: dict[str, tuple[str, Value]] = {}
        left = lone_name(written)
        keys = [key for key, _ in table.entries] if isinstance(table, Map) else []
        for key, label, made in self._rows(table, path):
            rows[key.text] = label, made
            warn_of_undefined(key, f"{path}.table", self._problems)
            if left is not None:
                self._names.compared.append(Comparison(left, ROW, key, keys, f"{path}.table"))

        def look_up(scope: Scope) -> Any:
            row = rows.get(nfc(js_text(value(scope))))
            if row is None:
                return MISSING
            scope.touch(row[0])
            return row[1](scope)

        return look_up

    def look_at_events(self, table: Node, path: str) -> None:
        """Of a table that is looked up by the event's name, the names that look misspelt."""
        keys = [key for key, _ in table.entries] if isinstance(table, Map) else []
        names = {key.text for key in keys}
        for key in keys:
            self._names.near.event(key.text, key.place, f"{path}.table", beside=names)

    def regex(self, value: Value, table: Node, path: str, *, full: bool, fold: bool, replace: bool) -> Value:
        """The first row whose expression fits: all of the text (`full`), in any case (`fold`). `replace`: the text in
        which the row's value stands for what fitted, with its groups; else the row's value."""
        rows = []
        for key, label, made in self._rows(table, path):
            try:
                search = compile_search(rf"^(?:{key.text})\z" if full else key.text, ignore_case=fold)
            except BadPattern as bad:
                self._problems.add("E120", key.place, f"{path}.table", f"{path}.table: {bad}", pattern_hint(key.text))
            else:
                rows.append((search, label, made))

        def look_up(scope: Scope) -> Any:
            text = js_text(value(scope))
            for search, label, made in rows:
                if (found := search(text)) is not None:
                    scope.touch(label)
                    return derive.replaced(text, found, made(scope)) if replace else made(scope)
            return MISSING

        return look_up

    def choose(self, node: Node, path: str) -> Value:
        """The value of the first row whose conditions hold."""
        rows: list[tuple[Callable[[Scope], bool], str, Value]] = []
        for number, (item, where) in enumerate(self._decoder.list(node, f"{path}.choose"), 1):
            parts = CHOICE.nodes(self._decoder, item, where)
            for needed in ("when", "value"):
                if needed not in parts:
                    self._decoder.missing(item.place, where, needed)
            if "when" in parts and "value" in parts:
                clauses = self._conditions.when(parts["when"], f"{where}.when")
                value = self._any(parts["value"], f"{where}.value")
                label = f"{path}: row {number}"
                self._names.rows.append(label)
                if value is not None:
                    rows.append((all_of([clause.test for clause in clauses]), label, value))

        def choose(scope: Scope) -> Any:
            for holds, label, value in rows:
                if holds(scope):
                    scope.touch(label)
                    return value(scope)
            return MISSING

        return choose

    def _rows(self, table: Node, path: str) -> Iterator[tuple[Scalar, str, Value]]:
        """The rows of a table in their order, each with its name for people; those with problems are left out."""
        if not isinstance(table, Map):
            self._decoder.wrong(table, f"{path}.table", "a map", "write {/: home, /cart: cart}")
            return
        for text, (key, held) in self._decoder.map(table, f"{path}.table").items():
            made = self._any(held, f"{path}.table.{text}")
            if not plain_key(key, f"{path}.table", self._problems) or made is None:
                continue
            self._names.rows.append(f"{path}: {text}")
            yield key, f"{path}: {text}", made


def plain_key(key: Scalar, path: str, problems: Problems) -> bool:
    """Whether a key is taken as it stands; braces in one would never be filled in."""
    if is_template(key.text):
        said = f"{path}: a key is taken as it stands, and cannot hold {{{{ }}}}"
        problems.add("E121", key.place, path, said, "use choose: with conditions")
        return False
    return True


def outcomes(nodes: Mapping[str, Node]) -> Iterator[Node]:
    """What stands in a variable, by its keys, as one of its values: a constant, the rows of a table, a default."""
    for key in ("constant", "template", "default"):
        if key in nodes:
            yield nodes[key]
    if isinstance(table := nodes.get("table"), Map):
        yield from (held for _, held in table.entries)
    if isinstance(items := nodes.get("coalesce"), Sequence):
        yield from items.items
    if isinstance(rows := nodes.get("choose"), Sequence):
        yield from (held for row in rows.items if isinstance(row, Map) and (held := row.get("value")) is not None)


STEP = Block(
    "",
    Key("plus", compiled(TEXT), "and this"),
    Key("minus", compiled(TEXT), "less this"),
    Key("times", compiled(TEXT), "so many times"),
    Key("divided by", compiled(TEXT), "by this; by 0 there is no result"),
    Key("missing", compiled({"type": ["number", "string"]}), "what counts where this step's value is missing"),
    anyOf=[{"required": [word]} for word in OPERATIONS],
)
_SHAPE = 'write ["{{ value }}", {minus: "{{ shipping }}"}, {times: 0.9}]'
_STEPS = f"{', '.join(OPERATIONS)}"


class Calculations:
    """Compiles them."""

    def __init__(self, any_value: AnyValue, names: Names, problems: Problems) -> None:
        self._any = any_value
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, node: Node, path: str) -> Value | None:
        """The result of the steps; None after a problem."""
        if not isinstance(node, Sequence):
            self._decoder.wrong(node, path, "a list of steps", _SHAPE)
            return None
        if len(node.items) < 2:
            self._problems.add("E113", node.place, path, f"{path} calculates nothing", _SHAPE)
            return None
        items = enumerate(self._decoder.list(node, path))
        steps = [self._step(item, where, first=not number) for number, (item, where) in items]
        return calculation([step for step in steps if step is not None]) if None not in steps else None

    def _step(self, node: Node, path: str, *, first: bool) -> Step | None:
        if first and isinstance(node, Scalar):
            return self._made("plus", node, None, path)
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a step", f"say what is done with it: {_STEPS}")
            return None
        entries = self._decoder.map(node, path, STEP.keys)
        words = [word for word in entries if word in OPERATIONS]
        if len(words) != 1:
            if len(entries) == len(node.entries):
                self._problems.add("E113", node.place, path, f"{path} needs exactly one of {_STEPS}")
            return None
        (word,) = words
        if first and word in ("times", "divided by"):
            self._problems.add("E115", entries[word][0].place, path, f"{path}: nothing stands before {word}", _SHAPE)
            return None
        missing = self._missing(entries["missing"][1], f"{path}.missing") if "missing" in entries else None
        if word == "divided by" and missing is not None and not missing:
            missing = None
            self._by_nothing(entries["missing"][1], f"{path}.missing")
        return self._made(word, entries[word][1], missing, f"{path}.{word}")

    def _made(self, word: str, node: Node, missing: Decimal | None, path: str) -> Step | None:
        if not isinstance(node, Scalar) or node.value is None:
            self._decoder.wrong(node, path, "a number, or a text with {{ }}")
            return None
        fixed = self._names.fixed(node)
        number = exact(fixed)
        if fixed is not MISSING and number is None:
            hint = "write digits and a decimal point: 1.19; another form becomes a number in a variable with format"
            self._problems.add("E115", node.place, path, f"{path} is no number", hint)
            return None
        if word == "divided by" and number is not None and not number:
            self._by_nothing(node, path)
            return None
        value = self._any(node, path)
        return None if value is None else Step(OPERATIONS[word], value, missing)

    def _missing(self, node: Node, path: str) -> Decimal | None:
        number = exact(node.value) if isinstance(node, Scalar) else None
        if number is None:
            self._decoder.wrong(node, path, "a number", "write what counts where there is no value: missing: 0")
        return number

    def _by_nothing(self, node: Node, path: str) -> None:
        self._problems.add("E115", node.place, path, f"{path} divides by 0")
