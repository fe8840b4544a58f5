"""What the events of a folder's own tests hold: their names and paths. Whoever writes a test means what stands in it,
so that nothing there is taken for a misspelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence, parse
from tagserver.event.spelling import Path, canonical


@dataclass(frozen=True, slots=True)
class Seen:
    """`names` of events; `paths` of their fields, and of the groups on the way, without the numbers of items."""

    names: frozenset[str] = frozenset()
    paths: frozenset[Path] = frozenset()


def seen_in(texts: Mapping[str, bytes]) -> Seen:
    """What the cases of some files push. What cannot be read is `tagserver test`'s to say."""
    names: set[str] = set()
    paths: set[Path] = set()
    for name, content in texts.items():
        tree = parse(content, name, Problems())
        for case in tree.items if isinstance(tree, Sequence) else ():
            event = case.get("event") if isinstance(case, Map) else None
            if not isinstance(event, Map):
                continue
            for key in ("event", "event_name"):
                if isinstance(said := event.get(key), Scalar):
                    names.add(said.text)
            paths.update(_paths(event))
    return Seen(frozenset(names), frozenset(paths))


def _paths(node: Node, way: str = "") -> Iterator[Path]:
    match node:
        case Map():
            for key, held in node.entries:
                path = f"{way}.{key.text}" if way else key.text
                yield without_numbers(canonical(path))
                yield from _paths(held, path)
        case Sequence():
            for item in node.items:
                yield from _paths(item, way)


def without_numbers(path: Path) -> Path:
    """`items.0.price` is the price of any item."""
    return tuple(part for part in path if not part.isdecimal())
