"""What a tag says of an event: its parameters, plain data with `{{ }}` in its texts, compiled into one function that
gives a fresh map for each event; and the vendor's name for the event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tagserver.config.computed import plain_key
from tagserver.config.model import ConfiguredDestination
from tagserver.config.names import Names
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.mistakes import slip
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.spelling import nfc
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import constant
from tagserver.outgoing.redaction import is_clean
from tagserver.plugin.fields import Kind
from tagserver.plugin.plain import identifier

MOST_SHOWN = 60
"""Characters of a constant in a message."""


def no_parameters(scope: Scope) -> dict[str, Any]:
    """The parameters of a tag that has none."""
    return {}


def compile_parameters(node: Map, names: Names, path: str) -> Callable[[Scope], dict[str, Any]]:
    """A function that resolves the parameters; what resolves to nothing is left out of maps."""
    made = compile_value(node, names, path)

    def parameters(scope: Scope) -> dict[str, Any]:
        found: dict[str, Any] = made(scope)
        return found

    return parameters


def compile_value(node: Node, names: Names, path: str) -> Value:
    """Plain data with `{{ }}` in its texts, as a value; what resolves to nothing is left out of maps and lists."""
    # Maps and lists are made anew for each event: a plugin that changed one would change the container.
    match node:
        case Scalar():
            if not isinstance(node.value, str):
                names.refuse_cut(node, path)
                return constant(node.value)
            value = names.template(node.value, node.place, path)
            return constant(value) if value is None or isinstance(value, str) else value
        case Sequence():
            items = [compile_value(item, names, f"{path}[{index}]") for index, item in enumerate(node.items)]
            return lambda scope: [value for item in items if (value := item(scope)) is not MISSING]
    entries = [(key.text, compile_value(held, names, f"{path}.{key.text}")) for key, held in node.entries]
    return lambda scope: {name: value for name, held in entries if (value := held(scope)) is not MISSING}


def clean_constants(node: Map, names: Names) -> frozenset[str]:
    """The parameters that are the same for every event, and in which there is nothing to look for: no event looks at
    them again. (What has a dot in its name is looked at, as it may be the path of another one.)"""
    fixed = {key.text: _fixed(held, names) for key, held in node.entries if "." not in key.text}
    return frozenset(name for name, value in fixed.items() if value is not MISSING and is_clean({name: value}))


def _fixed(node: Node, names: Names) -> Any:
    """The value of a node that is the same for every event, else MISSING."""
    match node:
        case Scalar():
            return names.fixed(node)
        case Sequence():
            items = [_fixed(item, names) for item in node.items]
            return MISSING if MISSING in items else items
    held = {key.text: _fixed(one, names) for key, one in node.entries}
    return MISSING if MISSING in held.values() else held


def check_constants(node: Node, kinds: Mapping[str, Kind], names: Names, problems: Problems, path: str) -> None:
    """Name the constants that their destination would leave out of every event. `kinds`: how it reads them, by dotted
    paths below `node`."""
    if not kinds:
        return
    for way, leaf in _leaves(node):
        value = MISSING if (kind := kinds.get(".".join(way))) is None else names.fixed(leaf)
        if kind is not None and value not in (MISSING, None, "") and kind.faults(value):
            where = ".".join((path, *way))
            hint = "" if kind.faults(True) else slip(leaf, "true or false")
            problems.add("E115", leaf.place, where, f'{where}: "{_cut(str(value))}" {kind.fault}', hint)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _leaves(node: Node, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    match node:
        case Map():
            for key, held in node.entries:
                yield from _leaves(held, (*way, key.text))
        case Sequence():
            for item in node.items:
                yield from _leaves(item, way)
        case Scalar():
            yield way, node


class EventNames:
    """Compiles the `event_name` of tags."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._looked_at: dict[tuple[str, frozenset[str]], set[str]] = {}

    def compile(self, node: Node | None, path: str, name: str) -> Value | None:
        """One name, or a table: the event's name → the vendor's. What is not in it has the destination's own name."""
        if isinstance(node, Map):
            return self._table(node, path, name)
        text = self._decoder.text(node, path)
        if text is None or node is None:
            return None
        made = self._names.template(text, node.place, path)
        if isinstance(made, str):
            if not made.strip():
                hint = "leave it out for the destination's own name"
                self._problems.add("E113", node.place, path, f"{path} is empty", hint)
            return constant(made)
        # A name that was asked for and is not there: None, and not MISSING, which leaves the name to the destination.
        return None if made is None else lambda scope: identifier(made(scope))

    def warn(self, node: Node, destination: ConfiguredDestination, path: str) -> None:
        """Say which of the vendor's names, and in a table of the events' names, look misspelt."""
        names = [node]
        # A table that many tags use is looked through once for each set of names.
        met = self._looked_at.setdefault((destination.type, destination.names.right), set())
        if isinstance(node, Map):
            keys = {key.text for key, _ in node.entries}
            for key, _ in node.entries:
                self._names.near.event(key.text, key.place, path, beside=keys)
            names = [held for _, held in node.entries]
        for one in names:
            for text in self._names.texts_behind(one, met):
                self._names.near.vendor(text.text, destination.names, text.place, path)

    def _table(self, table: Map, path: str, name: str) -> Value:
        rows: dict[str, tuple[str, Value]] = {}
        for event, (key, held) in self._decoder.map(table, path).items():
            made = self.compile(held, f"{path}.{event}", name)
            if plain_key(key, path, self._problems) and made is not None:
                rows[event] = f"tags.{name}.event_name: {event}", made
        self._names.rows += [label for label, _ in rows.values()]

        def look_up(scope: Scope) -> Any:
            row = rows.get(nfc(scope.event.name))
            if row is None:
                return MISSING
            scope.touch(row[0])
            return row[1](scope)

        return look_up


def naming_of(nodes: Mapping[str, Node], path: str) -> tuple[Node | None, str]:
    """What names a tag's events, and its path. As a parameter it means the same."""
    node, parameters = nodes.get("event_name"), nodes.get("parameters")
    if node is None and isinstance(parameters, Map) and isinstance(named := parameters.get("event_name"), Scalar):
        return named, f"{path}.parameters.event_name"
    return node, f"{path}.event_name"
