"""The entries under `transformations:`: what some tags see instead of the event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tagserver.conditions import all_of
from tagserver.container.decode import Decoder
from tagserver.container.names import Names
from tagserver.container.parameters import compile_value
from tagserver.container.problems import Problems, did_you_mean
from tagserver.container.source import Map, Node, Scalar
from tagserver.container.triggers import TriggerCompiler
from tagserver.reshape import KEPT, Step, Transformation, allowing, excluding, renaming, setting, stripping
from tagserver.spelling import canonical

STEPS = ("allow", "exclude", "rename", "set", "strip_query", "truncate_ip")
SCOPE = ("destinations", "tags", "when", "notes")


@dataclass(frozen=True, slots=True)
class Scoped:
    """A transformation with the names it is for; None: all of them."""

    transformation: Transformation
    destinations: frozenset[str] | None
    tags: frozenset[str] | None

    def is_for(self, tag: str, destination: str) -> bool:
        """Whether a tag sees the event through it."""
        return (self.tags is None or tag in self.tags) and (
            self.destinations is None or destination in self.destinations
        )


class TransformationCompiler:
    """Makes transformations of nodes; steps run in the order: allow, exclude, rename, set, strip_query."""

    def __init__(self, names: Names, destinations: Iterable[str], tags: Iterable[str], problems: Problems) -> None:
        self._names = names
        self._destinations = tuple(destinations)
        self._tags = tuple(tags)
        self._triggers = TriggerCompiler(names, problems)
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, name: str, key: Scalar, node: Node) -> Scoped | None:
        """One of them, or None after a problem that leaves nothing of it."""
        path = f"transformations.{name}"
        nodes = {one: held for one, (_, held) in self._decoder.map(node, path, (*STEPS, *SCOPE)).items()}
        if not nodes.keys() & set(STEPS):
            self._problems.add("E113", key.place, path, f"{path} changes nothing", f"write one of {', '.join(STEPS)}")
            return None
        steps: list[Step] = []
        if "allow" in nodes:
            steps.append(allowing(self._paths(nodes["allow"], f"{path}.allow", keep=False)))
        if "exclude" in nodes:
            steps.append(excluding(self._paths(nodes["exclude"], f"{path}.exclude", keep=True)))
        if "rename" in nodes:
            pairs = [
                (canonical(old), canonical(new))
                for old, (place, held) in self._decoder.map(nodes["rename"], f"{path}.rename").items()
                if (new := self._decoder.text(held, f"{path}.rename.{old}")) and self._free(old, new, place, path)
            ]
            steps.append(renaming(pairs))
        if "set" in nodes:
            values = [
                (canonical(one), compile_value(held, self._names, f"{path}.set.{one}"))
                for one, (place, held) in self._decoder.map(nodes["set"], f"{path}.set").items()
                if self._free(one, one, place, path)
            ]
            steps.append(setting(values))
        if "strip_query" in nodes:
            keys = self._decoder.texts(nodes["strip_query"], f"{path}.strip_query")
            steps.append(stripping(frozenset(one.lower() for one in keys)))
        clauses = self._triggers.when(nodes["when"], f"{path}.when") if "when" in nodes else ()
        made = Transformation(
            name,
            all_of([clause.test for clause in clauses]),
            steps,
            truncate_ip=self._decoder.flag(nodes.get("truncate_ip"), f"{path}.truncate_ip"),
        )
        return Scoped(
            made,
            self._chosen(nodes.get("destinations"), self._destinations, "destination", f"{path}.destinations"),
            self._chosen(nodes.get("tags"), self._tags, "tag", f"{path}.tags"),
        )

    def _paths(self, node: Node, path: str, *, keep: bool) -> list[tuple[str, ...]]:
        if isinstance(node, Map):
            self._decoder.wrong(node, path, "a list of paths")
            return []
        found = []
        for item, where in self._decoder.list(node, path):
            text = self._decoder.text(item, where)
            if text is not None and (not keep or self._free(text, text, item, path)):
                found.append(canonical(text))
        return found

    def _free(self, old: str, new: str, node: Node, path: str) -> bool:
        """Name, id and time of an event are the same for everybody."""
        for one in (old, new):
            if canonical(one)[0] in KEPT:
                message = f'"{one}" cannot be changed: every destination and the pixel have the same'
                self._problems.add("E123", node.place, path, message)
                return False
        return True

    def _chosen(self, node: Node | None, known: tuple[str, ...], what: str, path: str) -> frozenset[str] | None:
        if node is None:
            return None
        found = set()
        for item, where in self._decoder.list(node, path):
            name = self._decoder.text(item, where)
            if name is not None and name not in known:
                hint = did_you_mean(name, known) or f"define it under {what}s:"
                self._problems.add("E112", item.place, where, f'unknown {what} "{name}"', hint)
            elif name is not None:
                found.add(name)
        return frozenset(found)


def transformations_of(scoped: Iterable[Scoped], tag: str, destination: str) -> tuple[Transformation, ...]:
    """Those through which a tag sees its events, in the order of the file."""
    return tuple(one.transformation for one in scoped if one.is_for(tag, destination))
