"""The kind of variable that calculates: a list that begins with a value and goes on with steps."""

from __future__ import annotations

from decimal import Decimal

from tagserver.config.names import Names
from tagserver.config.tables import AnyValue
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.expressions.decimals import OPERATIONS, Step, calculation, exact
from tagserver.expressions.scope import Value

STEP_KEYS = (*OPERATIONS, "missing")
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
        entries = self._decoder.map(node, path, STEP_KEYS)
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
