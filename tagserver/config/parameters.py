"""A tag's parameters: plain data with `{{ }}` in its texts, compiled into one function that gives a fresh map for
each event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tagserver.config.names import Names
from tagserver.config.yaml.mistakes import slip
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import constant
from tagserver.plugin.kind import Kind

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
