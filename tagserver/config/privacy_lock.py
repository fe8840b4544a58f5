"""The privacy lock: which personal fields can reach which host under which purposes, written down, so that a change
that lets more leave is seen by whoever reads the change.

It is computed from the compiled container: what destinations see, what parameters and variables hand them, what
transformations take away for every event. A tag that is paused lets nothing leave. Fields are paths of the event,
whether they leave in the clear or hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tagserver.config.model import ConfiguredDestination, Container, Tag
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.folder import read_content
from tagserver.config.yaml.problems import NARROWER, WIDENED, Place, Problem, Problems
from tagserver.config.yaml.source import Map, Node, core_value, parse
from tagserver.plugin.settings import addresses_in
from tagserver.privacy.rules import is_personal

FILE = "privacy.lock.yaml"
RENEW = "if it is meant, renew the lock: tagserver check --lock"


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """What one host may get when some purposes are granted, all of them."""

    host: str
    purposes: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Override:
    """A tag that leaves out purposes that its destination needs, or the redaction of personal data; and why."""

    tag: str
    leaves_out: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """All of it, in a fixed order."""

    ways: tuple[Way, ...]
    overrides: tuple[Override, ...]


def lock_of(container: Container) -> Lock:
    """What can leave under a container."""
    fields: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for tag in _sending(container):
        for host in hosts_of(tag.destination):
            fields.setdefault((host, _purposes(tag)), set()).update(_fields(tag))
    ways = (Way(host, purposes, _shortest(found)) for (host, purposes), found in fields.items())
    return Lock(tuple(sorted(ways)), tuple(sorted(_overrides(container))))


def unknown(container: Container) -> list[str]:
    """Destinations of which nothing can be told, because a setting or their plugin is missing."""
    return sorted({tag.destination.name for tag in container.tags if tag.destination.settings is None})


def compare(container: Container, locked: Lock) -> list[Problem]:
    """What a lock does not allow, tag by tag; and, as a warning, what it allows and nothing does any more."""
    found = [problem for tag in _sending(container) for problem in _wider(tag, locked)]
    known = set(locked.overrides)
    for one in _overrides(container):
        tag = container.tag(one.tag)
        if one not in known and tag is not None:
            left_out = f"{', '.join(one.leaves_out)} ({one.reason})"
            said = f'"{one.tag}" leaves out {left_out}, which the privacy lock does not list'
            found.append(Problem("error", WIDENED, tag.place, f"tags.{one.tag}", said, RENEW))
    if not found and not unknown(container) and lock_of(container) != locked:
        said = "less can leave than the privacy lock allows"
        hint = "renew it, so that it cannot come back unseen: tagserver check --lock"
        found.append(Problem("warning", NARROWER, Place(FILE, 1, 1), "", said, hint))
    return found


def _sending(container: Container) -> Iterator[Tag]:
    return (tag for tag in container.tags if not tag.paused and tag.destination.settings is not None)


def hosts_of(destination: ConfiguredDestination) -> tuple[str, ...]:
    """Whom a destination calls: the plugin's hosts, and those of the addresses in its settings. One that calls nobody
    stands under its type."""
    hosts = {*destination.hosts, *(urlsplit(url).hostname or "" for _, url in addresses_in(destination.settings))}
    return tuple(sorted(hosts - {""})) or (f"{destination.type} (calls nobody)",)


def _purposes(tag: Tag) -> tuple[str, ...]:
    return tuple(sorted(tag.needs.purposes))


def _fields(tag: Tag) -> frozenset[str]:
    return frozenset(path for path in tag.sees if is_personal(path)) | tag.personal


def _overrides(container: Container) -> Iterator[Override]:
    for tag in _sending(container):
        left_out = tuple(sorted(set(tag.destination.plugin.consent.purposes) - tag.needs.purposes))
        if left_out or tag.needs.overridden is not None:
            yield Override(tag.name, left_out or ("other purposes",), tag.needs.overridden or "")
        if tag.redact_override is not None:
            yield Override(tag.name, ("redaction",), tag.redact_override)


def _covers(known: Iterable[str], path: str) -> bool:
    """Whether one of some paths leads to a path, or to something that it is a part of."""
    parts = path.split(".")
    ways = {".".join(parts[:size]) for size in range(1, len(parts) + 1)} | {"*", f"{parts[0]}.*"}
    return any(one in ways for one in known)


def _shortest(paths: Iterable[str]) -> tuple[str, ...]:
    """Without those that are a part of others."""
    every = set(paths)
    return tuple(sorted(path for path in every if not _covers(every - {path}, path)))


def _wider(tag: Tag, locked: Lock) -> Iterator[Problem]:
    purposes = _purposes(tag)
    for host in hosts_of(tag.destination):
        ways = [way for way in locked.ways if way.host == host and set(way.purposes) <= set(purposes)]
        allowed = {field for way in ways for field in way.fields}
        new = [field for field in _shortest(_fields(tag)) if not _covers(allowed, field)]
        if new:
            under = f"under {', '.join(purposes)}" if purposes else "without any consent"
            said = f'"{tag.name}" can send {", ".join(new)} to {host} {under}, which the privacy lock does not allow'
            yield Problem("error", WIDENED, tag.place, f"tags.{tag.name}", said, RENEW)


# ── the file
# ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_lock(folder: Path, problems: Problems) -> Lock | None:
    """The lock of a configuration folder; None when there is none, or after a problem."""
    path = folder / FILE
    if not path.exists():
        return None
    tree = parse(read_content(path), FILE, problems)
    return None if problems.fatal else _Reader(problems).read(tree)


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._d = Decoder(problems)

    def read(self, tree: Node | None) -> Lock | None:
        roots = self._nodes(tree, "", ("hosts", "overrides"))
        ways = [
            Way(host, self._texts(row, path, "purposes"), self._texts(row, path, "fields"))
            for host, (_, held) in self._d.map(roots.get("hosts"), "hosts").items()
            for item, path in self._d.list(held, f"hosts.{host}")
            if (row := self._nodes(item, path, ("purposes", "fields"))) is not None
        ]
        overrides = [
            Override(
                self._d.text(row.get("tag"), f"{path}.tag") or "",
                self._texts(row, path, "leaves_out"),
                self._d.text(row.get("reason"), f"{path}.reason") or "",
            )
            for item, path in self._d.list(roots.get("overrides"), "overrides")
            if (row := self._nodes(item, path, ("tag", "leaves_out", "reason"))) is not None
        ]
        return None if self._problems.fatal else Lock(tuple(sorted(ways)), tuple(sorted(overrides)))

    def _nodes(self, node: Node | None, path: str, known: tuple[str, ...]) -> Mapping[str, Node]:
        if node is not None and not isinstance(node, Map):
            self._d.wrong(node, path, "a map")
            return {}
        return {name: held for name, (_, held) in self._d.map(node, path, known).items()}

    def _texts(self, row: Mapping[str, Node], path: str, name: str) -> tuple[str, ...]:
        return tuple(sorted(self._d.texts(row.get(name), f"{path}.{name}")))


def written(lock: Lock) -> str:
    """The lock as YAML, one field a line, so that a difference shows what is new."""
    lines = [
        "# Which personal fields can reach which host when these purposes are granted, all of them.",
        "# Written by `tagserver check --lock`. `tagserver check` fails when more could leave.",
        "hosts:" if lock.ways else "hosts: {}",
    ]
    host = None
    for way in lock.ways:
        lines += [f"  {_scalar(way.host)}:"] if way.host != host else []
        host = way.host
        lines.append(f"    - purposes: [{', '.join(map(_scalar, way.purposes))}]")
        lines.append("      fields:" if way.fields else "      fields: []")
        lines += [f"        - {_scalar(field)}" for field in way.fields]
    lines.append("overrides:" if lock.overrides else "overrides: []")
    for one in lock.overrides:
        lines.append(f"  - tag: {_scalar(one.tag)}")
        lines.append(f"    leaves_out: [{', '.join(map(_scalar, one.leaves_out))}]")
        lines.append(f"    reason: {_scalar(one.reason)}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text) and core_value(text) == text:
        return text
    return '"' + "".join(one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08x}" for one in text) + '"'
