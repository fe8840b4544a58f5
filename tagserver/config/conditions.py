"""Conditions (`when:`): what stands under a path or a variable's name, as clauses that hold for an event or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tagserver.config.keys import FLAG, Block, Key, compiled
from tagserver.config.lint.comparisons import Comparison, pattern_hint
from tagserver.config.names import Names
from tagserver.config.schema_parts import TEXT, TEXTS, Schema, many, ref
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.mistakes import slip
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.spelling import KNOWN_ROOTS, path_root
from tagserver.expressions.conditions import (
    OPERATORS,
    AnyOf,
    BadPattern,
    Clause,
    Condition,
    NotAll,
    Operand,
    in_networks,
    make_test,
)
from tagserver.expressions.emails import make_email_test
from tagserver.expressions.networks import BadNetwork, Network, Networks, parse_network
from tagserver.expressions.scope import Value
from tagserver.expressions.templates import constant, is_template

_DOCS = {
    "equals": "is the same text",
    "not_equals": "is not the same text",
    "contains": "contains the text",
    "not_contains": "does not contain it",
    "starts_with": "begins with it",
    "ends_with": "ends with it",
    "matches": "matches the regular expression somewhere",
    "not_matches": "matches it nowhere",
    "greater_than": "is a larger number",
    "greater_or_equal": "is as large or larger",
    "less_than": "is a smaller number",
    "less_or_equal": "is as small or smaller",
    "one_of": "equals one of the list",
    "in": "is an IP address in one of these networks; a single address is a network, too",
    "exists": "is there and not null; an empty text exists",
    "missing": "is not there, or null",
}
_SCHEMAS = {"one_of": many(TEXT), "in": TEXTS, "exists": FLAG.schema, "missing": FLAG.schema}
OPERATOR = Block(
    "",
    *(Key(name, compiled(_SCHEMAS.get(name, TEXT)), _DOCS[name]) for name in OPERATORS),
    Key("ignore_case", FLAG, "beside an operator on texts: upper and lower case are the same"),
    minProperties=1,
)
CONDITIONS: Schema = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "any": {**many(ref("conditions")), "minItems": 1, "description": "One of these maps must hold."},
        "not": {"allOf": [ref("when")], "description": "Not all of these may hold."},
    },
    "additionalProperties": {"anyOf": [TEXT, many(TEXT), ref("operator")]},
}
WHEN: Schema = {
    "anyOf": [ref("conditions"), {**many(ref("conditions")), "minItems": 1}],
    "description": "Conditions, all of which must hold: a path or variable, and a value or operators.",
}


class ConditionCompiler:
    """Makes clauses of nodes."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._networks = NetworkOperands(names, problems)

    def when(self, node: Node, path: str) -> tuple[Clause, ...]:
        """The conditions of a `when:`."""
        groups = node.items if isinstance(node, Sequence) else (node,)
        clauses = [clause for group in groups for clause in self._group(group, path)]
        if not groups or all(isinstance(group, Map) and not group.entries for group in groups):
            self._problems.add("E113", node.place, path, f"{path} holds no condition")
        return tuple(clauses)

    def _group(self, node: Node, path: str) -> list[Clause]:
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map of conditions", "write {page.path: /thanks}")
            return []
        clauses: list[Clause] = []
        for key, value in node.entries:
            where = f"{path}.{key.text}"
            if key.text == "any":
                clauses += self._any(value, where)
            elif key.text == "not":
                clauses += [NotAll(inner)] if (inner := self.when(value, where)) else []
            elif (hint := _JOINED.get(key.text.lower())) is not None and _holds_conditions(value):
                self._problems.add("E110", key.place, where, f'unknown key "{key.text}" in {path}', hint)
            else:
                clauses += self._conditions(key, value, where)
        return clauses

    def _any(self, node: Node, path: str) -> list[Clause]:
        if not isinstance(node, Sequence):
            self._decoder.wrong(node, path, "a list of maps", "write [{page.path: /sale}, {page.path: /cart}]")
            return []
        groups = [tuple(self._group(item, where)) for item, where in self._decoder.list(node, path)]
        if not all(groups):
            self._problems.add("E113", node.place, path, f"{path} holds an empty group")
        elif not groups:
            self._problems.add("E113", node.place, path, f"{path} holds no condition")
        sound = tuple(group for group in groups if group)
        return [AnyOf(sound)] if sound else []

    def _conditions(self, key: Scalar, node: Node, path: str) -> list[Clause]:
        left = self._names.value(key.text, key.place, path)
        if left is None:
            return []
        if isinstance(node, Map):
            return self._operators(key, left, node, path)
        operator = "one_of" if isinstance(node, Sequence) else "equals"
        if isinstance(node, Scalar) and node.value in ("exists", "missing") and node.text == node.value:
            # `ecommerce.items: exists` reads well, and means the operator: the text would need quotes… which YAML
            # drops.
            hint = f"write {{{node.text}: true}} for the operator, or {{equals: {node.text}}} for the text"
            self._problems.add("E115", node.place, path, f'"{node.text}" could be the operator or the text', hint)
            return []
        made = self._condition(key, left, operator, node, path, ignore_case=False)
        return [made] if made else []

    def _operators(self, key: Scalar, left: Value, node: Map, path: str) -> list[Clause]:
        ignore_case = self._decoder.flag(node.get("ignore_case"), f"{path}.ignore_case")
        made: list[Clause] = []
        seen = False
        for operator, operand in node.entries:
            if operator.text == "ignore_case":
                continue
            seen = True
            where = f"{path}.{operator.text}"
            if operator.text not in OPERATORS:
                hint = self._problems.did_you_mean(operator.text, OPERATORS) or f"known are {', '.join(OPERATORS)}"
                self._problems.add("E110", operator.place, where, f'unknown operator "{operator.text}"', hint)
            elif (condition := self._condition(key, left, operator.text, operand, where, ignore_case)) is not None:
                made.append(condition)
        if not seen:
            self._problems.add("E113", node.place, path, f"{path} holds no operator")
        return made

    def _condition(
        self, key: Scalar, left: Value, operator: str, node: Node, path: str, ignore_case: bool
    ) -> Condition | None:
        name = key.text
        private = self._names.is_private(name)
        if operator in ("exists", "missing"):
            wanted = self._decoder.flag(node, path, default=True)
            real = operator if wanted else ("missing" if operator == "exists" else "exists")
            return Condition(name, real, "", make_test(real, left, (), False), left, private)
        if operator == "in":
            networks = self._networks.compile(key, node, path)
            if networks is None:
                return None
            return Condition(name, operator, str(networks), in_networks(left, networks), left, private)
        if operator == "one_of":
            if not isinstance(node, Sequence):
                self._decoder.wrong(node, path, "a list")
                return None
            if not node.items:
                self._problems.add("E113", node.place, path, f"{path} is an empty list")
                return None
            items: tuple[Node, ...] = node.items
            operands = [self._operand(item, path) for item in items]
            shown = ", ".join(_quoted(item) for item in node.items)
        else:
            items = (node,)
            operands = [self._operand(node, path)]
            shown = _quoted(node)
        if any(operand is None for operand in operands):
            return None
        self._names.compared += [
            Comparison(name, operator, item, items, path, ignore_case) for item in items if isinstance(item, Scalar)
        ]
        sides = [operand for operand in operands if operand is not None]
        of_email = self._names.is_email(name)
        if operator in ("equals", "not_equals", "one_of") and self._names.is_event_name(name):
            said = {node.text: node.place for node in _leaves(node) if not is_template(node.text)}
            for text, place in said.items():
                self._names.near.event(text, place, path, beside=said, fold=ignore_case)
        try:
            test = make_email_test(operator, left, sides) if of_email else make_test(operator, left, sides, ignore_case)
        except BadPattern as bad:
            hint = pattern_hint("".join(one.text for one in _leaves(node)))
            self._problems.add("E120", node.place, path, f"{path}: {bad}", hint)
            return None
        fixed = sides[0].constant if operator == "equals" and not ignore_case and not of_email else MISSING
        only = fixed if isinstance(fixed, str) else None
        return Condition(name, operator, shown, test, left, private, only)

    def _operand(self, node: Node, path: str) -> Operand | None:
        """The right side: compared as written, so `012` is a text; and its constant, if it holds no template."""
        if not isinstance(node, Scalar):
            hint = "one_of takes a list" if isinstance(node, Sequence) else ""
            self._decoder.wrong(node, path, "a text or number", hint)
            return None
        if node.value is None:
            hint = slip(node, "a text") or 'write "" for the empty text, or {missing: true}'
            self._problems.add("E111", node.place, path, f"{path} has no operand", hint)
            return None
        warn_of_undefined(node, path, self._problems)
        made = self._names.template(node.text, node.place, path)
        if made is None:
            return None
        return Operand(constant(made), made) if isinstance(made, str) else Operand(made)


def warn_of_undefined(node: Scalar, path: str, problems: Problems) -> None:
    """A missing value compares as the text `undefined`, as in Google Tag Manager: whoever writes that text may not know
    the operator that says it."""
    if "undefined" in node.text:
        hint = "say what you mean: {missing: true}, or {exists: true}"
        problems.add("W306", node.place, path, f'{path}: a missing value compares as the text "undefined"', hint)


_ANY = "write any: and a list of maps, one of which must hold"
_ALL = "leave it out: all lines of when must hold, and a list of maps may stand there"
_JOINED = {"or": _ANY, "any_of": _ANY, "one_of": _ANY, "and": _ALL, "all": _ALL, "all_of": _ALL}
"""What conditions are joined by elsewhere."""


def _holds_conditions(node: Node) -> bool:
    """Whether conditions stand in it, and no operators or operands."""
    if isinstance(node, Sequence):
        return any(isinstance(item, Map) for item in node.items)
    return isinstance(node, Map) and not any(key.text in OPERATORS for key, _ in node.entries)


def _leaves(node: Node) -> list[Scalar]:
    return [one for one in (node.items if isinstance(node, Sequence) else (node,)) if isinstance(one, Scalar)]


def _quoted(node: Node) -> str:
    return f'"{node.text}"' if isinstance(node, Scalar) and isinstance(node.value, str) else getattr(node, "text", "…")


WITH_ADDRESSES = frozenset({"ip", "header"})
"""Fields of every event that may hold an IP address."""
_TEXTS = "for texts write one_of"
_COLON = 'an address that ends in a colon needs quotes: "2001:db8::"'


class NetworkOperands:
    """Compiles them."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, left: Scalar, node: Node, path: str) -> Networks | None:
        """The networks of a condition with this left side, None after a problem. They are the same for every event: one
        network or a list, or a variable that is constant."""
        root = path_root(left.text)
        if not self._names.is_declared(left.text) and root in KNOWN_ROOTS and root not in WITH_ADDRESSES:
            said = f"{path}: in asks in which network an address is, and {left.text} is none"
            self._problems.add("E115", left.place, path, said, f"write ip, or a variable; {_TEXTS}")
            return None
        if isinstance(node, Sequence) and not node.items:
            self._problems.add("E113", node.place, path, f"{path} is an empty list")
            return None
        items = node.items if isinstance(node, Sequence) else (node,)
        found = [one for item in items for one in self._read(item, path)]
        return Networks(one for one in found if one is not None) if None not in found else None

    def _read(self, node: Node, path: str) -> Iterator[Network | None]:
        if not isinstance(node, Scalar) or node.value is None:
            if isinstance(node, Map):
                self._problems.add("E111", node.place, path, f"{path} should be a network, and is a map", _COLON)
            else:
                self._decoder.wrong(node, path, "a network")
            yield None
            return
        made = self._names.template(node.text, node.place, path)
        value: Any = made if made is None or isinstance(made, str) else self._names.fixed(node)
        if value is MISSING:
            said = f"{path}: networks are the same for every event, and {node.text} is not"
            self._problems.add("E115", node.place, path, said, "write them here, or name a variable that is constant")
            yield None
            return
        for text in value if isinstance(value, list) else [value]:
            yield None if made is None else self._network(text, node, path)

    def _network(self, text: Any, node: Scalar, path: str) -> Network | None:
        try:
            return parse_network(text if isinstance(text, str) else str(text))
        except BadNetwork as bad:
            hint = bad.hint if bad.like else f"{bad.hint}; {_TEXTS}"
            self._problems.add("E115", node.place, path, f"{path}: {bad}", hint)
            return None
