"""What persons have taken back, by keyed hash and purpose, in the SQLite engine.

A tombstone has two ends. `until`: what happened or was received before it may not be sent; a standing one has none
until the person grants again. `expires`: when nothing that it could concern can be left, and it is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tagserver.queue.outbox import Tombstone

NOTHING: frozenset[str] = frozenset()


class _Stone(NamedTuple):
    purpose: str
    since: int
    until: int
    expires: int


class Tombstones:
    """Changed inside the writer's transactions; `withdrawn` is asked from any thread. Times in ms."""

    def __init__(self, database: sqlite3.Connection, clock: Callable[[], int]) -> None:
        self._clock = clock
        # Each person's tuple is replaced as a whole: other threads read while the writer's changes.
        self._known: dict[bytes, tuple[_Stone, ...]] = {}
        for person, *stone in database.execute("SELECT person, purpose, since, until, expires FROM withdrawal"):
            self._known[person] = (*self._known.get(person, ()), _Stone(*stone))

    def __len__(self) -> int:
        return len(self._known)

    def all(self) -> list[tuple[bytes, str, int, int, int]]:
        """All that there are: (person, purpose, since, until, expires). In any thread."""
        return [(person, *stone) for person, stones in self._known.copy().items() for stone in stones]

    def write(self, database: sqlite3.Connection, tombstones: Iterable[Tombstone], ttl: float) -> None:
        """Write tombstones that are kept for `ttl` seconds, and never shorter than they reach. They count from here on,
        whether the commit succeeds or not: the safe side."""
        now = self._clock()
        for one in tombstones:
            reach = one.until if one.until < Tombstone.STANDING else now
            made = _Stone(one.purpose, one.since, one.until, max(now + int(ttl * 1000), reach))
            known = self._known.get(one.person, ())
            before = next((stone for stone in known if stone.purpose == one.purpose), made)
            both = _Stone(one.purpose, *(max(pair) for pair in zip(before[1:], made[1:], strict=True)))
            self._put(database, one.person, both)

    def lift(self, database: sqlite3.Connection, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """The persons have granted purposes again: what happens from `at` (ms) on is free. A grant that is not later
        than the withdrawal lifts nothing, and none brings back what was forgotten."""
        for person in persons:
            for stone in self._known.get(person, ()):
                if stone.purpose in purposes and stone.since < at < stone.until:
                    self._put(database, person, stone._replace(until=at))

    def _put(self, database: sqlite3.Connection, person: bytes, stone: _Stone) -> None:
        database.execute(
            "INSERT OR REPLACE INTO withdrawal (person, purpose, since, until, expires) VALUES (?, ?, ?, ?, ?)",
            (person, *stone),
        )
        others = (one for one in self._known.get(person, ()) if one.purpose != stone.purpose)
        self._known[person] = (*others, stone)

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """The purposes that one of the persons has taken back for what happened at `at` (ms)."""
        if not self._known:
            return NOTHING
        now = self._clock()
        return frozenset(
            stone.purpose
            for person in persons
            for stone in self._known.get(person, ())
            if at < stone.until and now < stone.expires
        )

    def purge(self, database: sqlite3.Connection) -> None:
        """Remove what is past its time."""
        now = self._clock()
        database.execute("DELETE FROM withdrawal WHERE expires <= ?", (now,))
        for person, stones in list(self._known.items()):
            if kept := tuple(stone for stone in stones if stone.expires > now):
                self._known[person] = kept
            else:
                del self._known[person]
