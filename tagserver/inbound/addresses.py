"""Which client has an address: paths without braces by one look, the others by their first segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from tagserver.plugin.client import Endpoint

T = TypeVar("T")
NOTHING: Mapping[str, str] = MappingProxyType({})
LONGEST = 2048
"""Characters of a path that somebody can have."""
MOST_SEGMENTS = 20
"""Slashes of a path that are looked at."""


class Addresses(Sequence[Endpoint]):
    """The addresses of one client."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)

    def __getitem__(self, at: int) -> Endpoint:  # type: ignore[override]  # nobody takes a slice
        return self._endpoints[at]

    def params(self, method: str, path: str) -> Mapping[str, str] | None:
        """What the braces stand for; None where no address fits."""
        for endpoint in self._endpoints:
            if endpoint.method == method and (found := params_of(endpoint.pattern, path)) is not None:
                return found
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods that a path has."""
        return tuple(one.method for one in self._endpoints if params_of(one.pattern, path) is not None)


class Claims(Generic[T]):
    """The clients of a configuration by what they claim, in the order of the file."""

    def __init__(self, clients: Iterable[tuple[T, Sequence[Endpoint]]]) -> None:
        self._by_first: dict[str, list[tuple[T, Addresses]]] = {}
        self._loose: list[tuple[T, Addresses]] = []
        for client, endpoints in clients:
            addresses = Addresses(endpoints)
            firsts = {one.pattern[1:].partition("/")[0] for one in endpoints}
            if any("{" in first for first in firsts):
                self._loose.append((client, addresses))
                continue
            for first in firsts:
                self._by_first.setdefault(first, []).append((client, addresses))

    def of(self, path: str) -> list[tuple[T, Addresses]]:
        """The clients that claim a path by any method."""
        if len(path) > LONGEST:
            return []
        candidates = (*self._by_first.get(path[1:].partition("/")[0], ()), *self._loose)
        return [(client, addresses) for client, addresses in candidates if addresses.methods(path)]


def params_of(pattern: str, path: str) -> Mapping[str, str] | None:
    """What the braces of an address stand for in a path; None where it is another address."""
    if "{" not in pattern:
        return NOTHING if pattern == path else None
    wanted, found = _segments(pattern), path.split("/", MOST_SEGMENTS)
    if len(wanted) != len(found):
        return None
    params: dict[str, str] = {}
    for (before, name, after), segment in zip(wanted, found, strict=True):
        if not name:
            if segment != before:
                return None
            continue
        rest = len(segment) - len(before) - len(after)
        if rest < 1 or not (segment.startswith(before) and segment.endswith(after)):
            return None
        params[name] = segment[len(before) : len(before) + rest]
    return params


@lru_cache(maxsize=256)
def _segments(pattern: str) -> tuple[tuple[str, str, str], ...]:
    """Of each segment what stands before its braces, the name in them, and what stands behind."""
    made = []
    for segment in pattern.split("/"):
        before, _, rest = segment.partition("{")
        name, _, after = rest.partition("}")
        made.append((before, name, after))
    return tuple(made)
