"""The entries under `triggers:`: which events, and under which conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tagserver.config.known_events import KNOWN_EVENTS
from tagserver.config.lint.comparisons import Comparison, pattern_hint
from tagserver.config.names import Names
from tagserver.config.network_operand import NetworkOperands
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.mistakes import slip
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.spelling import nfc
from tagserver.expressions.conditions import (
    OPERATORS,
    AnyOf,
    Ask,
    BadPattern,
    Clause,
    Condition,
    NotAll,
    Operand,
    all_of,
    compile_pattern,
    in_networks,
    make_test,
)
from tagserver.expressions.emails import make_email_test
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import constant, is_template

ALL = "all"
BUILT_IN = {ALL: "every event", KNOWN_EVENTS: "the events that the destination has a name for"}
"""The triggers that need not be defined, and what they match."""

TRIGGER_KEYS = ("event", "when", "notes")


@dataclass(frozen=True, slots=True)
class EventPattern:
    """One name of `event:`, as written and as a test of an event's name."""

    text: str
    matches: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class CompiledTrigger:
    """A trigger of the configuration. No patterns: events of every name; no clauses: whenever the name fits."""

    name: str
    patterns: tuple[EventPattern, ...]
    clauses: tuple[Clause, ...]
    holds: Callable[[Scope], bool] = field(compare=False, repr=False)
    """Whether all conditions hold."""

    @property
    def ask(self) -> Ask | None:
        """What its first condition asks, where one text alone is the answer."""
        first = self.clauses[0] if self.clauses else None
        return first.ask if isinstance(first, Condition) else None

    @classmethod
    def of(cls, name: str, patterns: tuple[EventPattern, ...], clauses: tuple[Clause, ...]) -> CompiledTrigger:
        """A trigger with its test, one function for all clauses: it runs for every event of the name."""
        return cls(name, patterns, clauses, all_of([clause.test for clause in clauses]))

    def wants(self, event_name: str) -> bool:
        """Whether events of this name can match at all."""
        event_name = nfc(event_name)
        return not self.patterns or any(pattern.matches(event_name) for pattern in self.patterns)

    def met(self, scope: Scope) -> tuple[int, int]:
        """How many conditions hold, of how many; the name is the first."""
        named = self.wants(scope.event.name)
        return named + sum(clause.test(scope) for clause in self.clauses), 1 + len(self.clauses)

    def explain(self, scope: Scope) -> str:
        """What decided: the name, or the first condition that fails, or the last when all hold."""
        if not self.wants(scope.event.name):
            names = " or ".join(f'"{pattern.text}"' for pattern in self.patterns)
            return f'event equals {names}, is "{scope.event.name}"'
        failing = next((clause for clause in self.clauses if not clause.test(scope)), None)
        if failing is not None:
            return failing.explain(scope)
        return self.clauses[-1].explain(scope) if self.clauses else f'event is "{scope.event.name}"'


EVERY_EVENT = CompiledTrigger.of(ALL, (), ())


class TriggerCompiler:
    """Makes triggers of nodes."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._networks = NetworkOperands(names, problems)

    def compile(self, name: str, key: Scalar, node: Node) -> CompiledTrigger | None:
        """One trigger, or None after a problem that leaves nothing of it."""
        path = f"triggers.{name}"
        if name in BUILT_IN:
            matches = BUILT_IN[name]
            self._problems.add(
                "E123", key.place, path, f'"{name}" is built in and matches {matches}', "choose another name"
            )
            return None
        nodes = {one: held for one, (_, held) in self._decoder.map(node, path, TRIGGER_KEYS).items()}
        self._decoder.text(nodes.get("notes"), f"{path}.notes")
        if not nodes.keys() & {"event", "when"}:
            unknown = isinstance(node, Map) and any(one.text not in TRIGGER_KEYS for one, _ in node.entries)
            if not unknown:  # else that is what is wrong
                message = f"{path} has neither event nor conditions"
                self._problems.add("E113", key.place, path, message, "the trigger all is built in")
            return None
        patterns = self._events(nodes["event"], f"{path}.event") if "event" in nodes else ()
        clauses = self.when(nodes["when"], f"{path}.when") if "when" in nodes else ()
        return CompiledTrigger.of(name, patterns, clauses)

    def _events(self, node: Node, path: str) -> tuple[EventPattern, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self._problems.add("E113", node.place, path, f"{path} names no event")
        beside = {item.text for item in items if isinstance(item, Scalar)}
        found = (self._event(item, path, beside) for item in items)
        return tuple(pattern for pattern in found if pattern is not None)

    def _event(self, node: Node, path: str, beside: set[str]) -> EventPattern | None:
        text = self._decoder.text(node, path)
        if text is None:
            return None
        if len(text) > 1 and text.startswith("/"):
            body, slash, flags = text[1:].rpartition("/")
            if not slash:
                message = f"{path}: a regular expression ends with a slash, too"
                self._problems.add("E120", node.place, path, message, f"write {text}/")
                return None
            if flags:
                message = f"{path}: a regular expression stands between two slashes, and has no flags"
                self._problems.add("E120", node.place, path, message, "write (?i) in front to ignore case")
                return None
            return self._regex(text, body, node, path)
        if "*" in text:
            self._names.near.pattern(text, node.place, path)
            return self._regex(
                text, "(?s)^" + ".*".join(re.escape(part) for part in text.split("*")) + r"\z", node, path
            )
        if not text:
            self._problems.add("E115", node.place, path, f"{path} is empty")
            return None
        text = nfc(text)
        self._names.near.event(text, node.place, path, beside=beside)
        return EventPattern(text, lambda name: name == text)

    def _regex(self, text: str, pattern: str, node: Node, path: str) -> EventPattern | None:
        try:
            return EventPattern(text, compile_pattern(pattern))
        except BadPattern as bad:
            self._problems.add("E120", node.place, path, f"{path}: {bad}", pattern_hint(pattern))
            return None

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
