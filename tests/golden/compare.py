"""What two records differ in, by JSON path; and the list of what is meant to differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.fast_yaml import safe_load

ABSENT = "ABSENT"
"""Stands for a value that one of two records does not have."""
CHANGES = Path(__file__).parent / "changes.yaml"
KEYS = frozenset({"reason", "where", "scenario", "was", "is", "substitute"})


@dataclass(frozen=True)
class Difference:
    """One value that is another now. `path`: keys and places in lists, joined with dots."""

    scenario: str
    path: str
    was: Any
    now: Any

    @property
    def kind(self) -> str:
        """The path without places in lists: what differs, wherever."""
        return re.sub(r"\.\d+(?=\.|$)", ".*", self.path)

    def __str__(self) -> str:
        was, now = _cut(repr(self.was), repr(self.now))
        return f"{self.scenario}\n  {self.path}\n    was {was}\n    is  {now}"


def differences(scenario: str, was: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Of two plain values. 1, 1.0 and true are three things, as they are in JSON."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            yield from differences(scenario, was.get(key, ABSENT), now.get(key, ABSENT), _join(path, key))
    elif isinstance(was, list) and isinstance(now, list):
        for at in range(max(len(was), len(now))):
            one, other = (side[at] if at < len(side) else ABSENT for side in (was, now))
            yield from differences(scenario, one, other, _join(path, str(at)))
    elif type(was) is not type(now) or repr(was) != repr(now):
        yield Difference(scenario, path, was, now)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _cut(was: str, now: str, most: int = 300) -> tuple[str, str]:
    """Both from a little before where they part."""
    if max(len(was), len(now)) <= most:
        return was, now
    part = next((at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), 0)
    start = max(0, part - 60)
    return tuple(("…" if start else "") + one[start : start + most] for one in (was, now))  # type: ignore[return-value]  # of two


class BadChange(ValueError):
    """An entry of the list of intended changes is not as it must be."""


@dataclass
class Change:
    """An intended change. `where` and `scenario` are patterns with `*`; `was` and `now` are values, `{matches: REGEX}`,
    or left out for any; `substitute` is a regular expression and what takes its place, which makes all of what is of
    what was."""

    reason: str
    where: str
    scenario: str = "*"
    was: Any = field(default_factory=lambda: ANY)
    now: Any = field(default_factory=lambda: ANY)
    substitute: Sequence[str] = ()
    met: int = 0

    def explains(self, one: Difference) -> bool:
        """Whether a difference is meant by this."""
        if not fnmatchcase(one.path, self.where) or not fnmatchcase(one.scenario, self.scenario):
            return False
        if not (_is(self.was, one.was) and _is(self.now, one.now)):
            return False
        if not self.substitute:
            return True
        pattern, text = self.substitute
        return isinstance(one.was, str) and re.sub(pattern, text, one.was) == one.now


ANY: Any = object()


def _is(wanted: Any, value: Any) -> bool:
    if wanted is ANY:
        return True
    if isinstance(wanted, Mapping) and set(wanted) == {"matches"}:
        return type(value) in (str, int) and re.search(wanted["matches"], str(value)) is not None
    return not any(differences("", wanted, value))


def changes(path: Path = CHANGES) -> list[Change]:
    """The list. Raises BadChange for an entry without a reason or a place, and one that would allow anything."""
    found: list[Change] = []
    for number, entry in enumerate(safe_load(path.read_text("utf-8")) or [], 1):
        if not isinstance(entry, dict) or (unknown := entry.keys() - KEYS):
            raise BadChange(f"entry {number}: {', '.join(sorted(unknown)) if isinstance(entry, dict) else 'no map'}")
        if not str(entry.get("reason") or "").strip() or not entry.get("where"):
            raise BadChange(f"entry {number}: say its reason, and where")
        if not entry.keys() & {"was", "is", "substitute"}:
            raise BadChange(f"entry {number}: say what was, what is, or what is substituted")
        found.append(Change(**{("now" if key == "is" else key): value for key, value in entry.items()}))
    return found


def unexplained(found: Iterator[Difference], allowed: Sequence[Change]) -> Iterator[Difference]:
    """Those that no entry means. An entry counts what it meets."""
    for one in found:
        meant = [change for change in allowed if change.explains(one)]
        for change in meant:
            change.met += 1
        if not meant:
            yield one
