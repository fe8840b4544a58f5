"""The entries under `triggers:`: which events, and under which conditions; and the two triggers that are built in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tagserver.config.conditions import ConditionCompiler
from tagserver.config.keys import NOTES, Block, Key, compiled
from tagserver.config.lint.comparisons import pattern_hint
from tagserver.config.lint.near_names import VendorNames
from tagserver.config.names import Names
from tagserver.config.schema_parts import TEXTS, ref
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.spelling import nfc
from tagserver.expressions.conditions import Ask, BadPattern, Clause, Condition, all_of, compile_pattern
from tagserver.expressions.scope import Scope

KNOWN_EVENTS = "known events"
ALL = "all"
LEAVES_OUT = "leaves out automatic events"
BUILT_IN = {ALL: "every event but automatic ones", KNOWN_EVENTS: "the events that the destination has a name for"}
"""The triggers that need not be defined, and what they match."""

TRIGGER = Block(
    "",
    Key(
        "event",
        compiled(TEXTS),
        "a name, a wildcard (`view_*`), `/regex/`, or a list of these. Without it: every event",
    ),
    Key("when", compiled(ref("when")), "conditions: a map, or a list of maps; all must hold"),
    NOTES,
    anyOf=[{"required": ["event"]}, {"required": ["when"]}],
)


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

    @property
    def events(self) -> tuple[str, ...]:
        """As written."""
        return tuple(pattern.text for pattern in self.patterns)

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """In their order."""
        return tuple((clause.name, clause.words) for clause in self.clauses)

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

    def failing(self, scope: Scope) -> tuple[int, str]:
        """The first condition that does not hold; the last one where all do."""
        if not self.wants(scope.event.name):
            return 0, "event"
        for number, clause in enumerate(self.clauses, 1):
            if not clause.test(scope):
                return number, clause.name
        return len(self.clauses), self.clauses[-1].name if self.clauses else "event"

    def explain(self, scope: Scope) -> str:
        """What decided: the name, or the first condition that fails, or the last when all hold."""
        if not self.wants(scope.event.name):
            names = " or ".join(f'"{pattern.text}"' for pattern in self.patterns)
            return f'event equals {names}, is "{scope.event.name}"'
        failing = next((clause for clause in self.clauses if not clause.test(scope)), None)
        if failing is not None:
            return failing.explain(scope)
        return self.clauses[-1].explain(scope) if self.clauses else f'event is "{scope.event.name}"'


@dataclass(frozen=True, slots=True)
class EveryEvent:
    """A trigger (see `model.Trigger`) for all that a site has pushed. What Google's tag makes by itself is left out:
    who wants that names it."""

    name: str = ALL

    def wants(self, event_name: str) -> bool:
        """Of every name."""
        return True

    @property
    def events(self) -> tuple[str, ...]:
        """Those of every name."""
        return ()

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """None."""
        return ()

    def holds(self, scope: Scope) -> bool:
        """Whether somebody has pushed it."""
        return not scope.event.automatic

    @property
    def ask(self) -> Ask | None:
        """Nothing that an index could know."""
        return None

    def met(self, scope: Scope) -> tuple[int, int]:
        """The name always fits."""
        return 1 + self.holds(scope), 2

    def failing(self, scope: Scope) -> tuple[int, str]:
        """That somebody has pushed it."""
        return 1, LEAVES_OUT

    def explain(self, scope: Scope) -> str:
        """Whether it is one of those that are left out."""
        name = scope.event.name
        if self.holds(scope):
            return f'event is "{name}"'
        return f'{LEAVES_OUT}, is "{name}"; a trigger that names it takes it'


EVERY_EVENT = EveryEvent()


@dataclass(frozen=True, slots=True)
class KnownEvents:
    """A trigger (see `model.Trigger`) for the events that one destination's vendor knows, by our name for them or its
    own."""

    vendor: VendorNames
    name: str = KNOWN_EVENTS

    def wants(self, event_name: str) -> bool:
        """Whether the vendor has a name for it, or it is one."""
        return event_name in self.vendor.names or event_name in self.vendor.theirs

    @property
    def events(self) -> tuple[str, ...]:
        """Those that the vendor has a name for, and the vendor's names."""
        return tuple(sorted({*self.vendor.names, *self.vendor.theirs}))

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """None."""
        return ()

    def holds(self, scope: Scope) -> bool:
        """Always: the name is all that it asks."""
        return True

    @property
    def ask(self) -> Ask | None:
        """Nothing but the name."""
        return None

    def met(self, scope: Scope) -> tuple[int, int]:
        """Its one condition is the name."""
        return int(self.wants(scope.event.name)), 1

    def failing(self, scope: Scope) -> tuple[int, str]:
        """The name, whatever it is."""
        return 0, "event"

    def explain(self, scope: Scope) -> str:
        """What the vendor calls the event."""
        event = scope.event.name
        if not self.wants(event):
            return f'{self.vendor.type} has no standard name for "{event}"'
        return f'{self.vendor.type} calls "{event}" "{self.vendor.names.get(event, event)}"'


class TriggerCompiler:
    """Makes triggers of nodes."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._conditions = ConditionCompiler(names, problems)

    def compile(self, name: str, key: Scalar, node: Node) -> CompiledTrigger | None:
        """One trigger, or None after a problem that leaves nothing of it."""
        path = f"triggers.{name}"
        if name in BUILT_IN:
            matches = BUILT_IN[name]
            self._problems.add(
                "E123", key.place, path, f'"{name}" is built in and matches {matches}', "choose another name"
            )
            return None
        nodes = TRIGGER.read(self._decoder, node, path)
        if not nodes.keys() & {"event", "when"}:
            unknown = isinstance(node, Map) and any(one.text not in TRIGGER.keys for one, _ in node.entries)
            if not unknown:  # else that is what is wrong
                message = f"{path} has neither event nor conditions"
                self._problems.add("E113", key.place, path, message, "the trigger all is built in")
            return None
        patterns = self._events(nodes["event"], f"{path}.event") if "event" in nodes else ()
        clauses = self._conditions.when(nodes["when"], f"{path}.when") if "when" in nodes else ()
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
