"""Suppressions in the SQLite engine: what persons have withdrawn, by keyed hash and purpose, and how everything of one
person is found and erased.

A tombstone has two ends. `until`: what happened or was received before it may not be sent; a standing one has none
until the person grants again. `expires`: when nothing that it could concern can be left, and it is removed.

There is no index by person: it would cost each append several writes at random places, for a question that is asked a
few times a day. So an erasure walks through queue and dead letters in pieces and looks at every row, without its
payload, and the writer does other work between two pieces.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from tagserver.queue.moves import Move
from tagserver.queue.sqlite.backpressure import VACUUM_PAGES, empty_log, shrink
from tagserver.queue.sqlite.claims import Claims, Priority
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.ownership import FileWatch
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import persons_of, purposes_of
from tagserver.queue.sqlite.writer import Writer
from tagserver.queue.values import Erased, Tombstone, Trace
from tagserver.system.time import Time

NOTHING: frozenset[str] = frozenset()


class _Stone(NamedTuple):
    purpose: str
    since: int
    until: int
    expires: int


class Tombstones:
    """Changed inside the writer's transactions; `withdrawn` is asked from any thread. Times in ms."""

    def __init__(self, database: sqlite3.Connection, time: Time) -> None:
        self._time = time
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
        now = self._time.now()
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
        """The purposes that one of the persons has withdrawn for what happened at `at` (ms)."""
        if not self._known:
            return NOTHING
        now = self._time.now()
        return frozenset(
            stone.purpose
            for person in persons
            for stone in self._known.get(person, ())
            if at < stone.until and now < stone.expires
        )

    def purge(self, database: sqlite3.Connection) -> None:
        """Remove what is past its time."""
        now = self._time.now()
        database.execute("DELETE FROM withdrawal WHERE expires <= ?", (now,))
        for person, stones in list(self._known.items()):
            if kept := tuple(stone for stone in stones if stone.expires > now):
                self._known[person] = kept
            else:
                del self._known[person]


WALKED = 1000
"""Rows that are looked at in one transaction: a few milliseconds."""
_HELD, _QUEUE, _DEAD = 0, 1, 2
"""In the order of the walk: what is released meanwhile is met in the queue, what dies among the dead letters."""
_COLUMNS = "id, event_id, destination, tag, purposes, person, received, min(time, received), length(body)"
_QUERIES = (
    f"SELECT {_COLUMNS}, '' FROM held_copy WHERE id > ? ORDER BY id LIMIT {WALKED}",  # noqa: S608 (our own names)
    f"SELECT {_COLUMNS}, '' FROM delivery WHERE id > ? ORDER BY id LIMIT {WALKED}",  # noqa: S608 (our own names)
    f"SELECT {_COLUMNS}, reason FROM dead WHERE id > ? ORDER BY id LIMIT {WALKED}",  # noqa: S608 (our own names)
)
_DELETE = (
    "DELETE FROM held_copy WHERE id = ?",
    "DELETE FROM delivery WHERE id = ?",
    "DELETE FROM dead WHERE id = ?",
)


class ErasureWalk:
    """Used inside the writer's transactions."""

    def __init__(self, counters: Counters, claims: Claims, person_filter: PersonFilter) -> None:
        self._counters = counters
        self._claims = claims
        self._person_filter = person_filter

    def piece(
        self, database: sqlite3.Connection, doomed: Callable[[Trace], bool], why: str, after: tuple[int, int]
    ) -> Erased:
        """See `Suppressions.erase`. A walk goes by id through what is held, the queue, and the dead letters."""
        place, one = after
        if after == (_HELD, 0):
            self._person_filter.rebuild_begins()
        rows = database.execute(_QUERIES[place], (one,)).fetchall()
        gone: list[tuple[int, Move]] = []
        payload: Counter[str] = Counter()
        in_flight: Counter[str] = Counter()
        for one, event_id, destination, tag, purposes, person, received, at, size, reason in rows:
            persons = persons_of(person)
            if not doomed(Trace(persons, tag, purposes_of(purposes), at)):
                self._person_filter.rebuild_adds(persons)
            elif place == _QUEUE and self._claims.is_in_flight(one):
                self._person_filter.rebuild_adds(persons)
                in_flight[destination] += 1
            else:
                gone.append((one, Move(event_id, tag, destination, persons, received, "erased", why, reason)))
                payload[destination] += size
        if gone:
            self._delete(database, place, gone, payload)
        if len(rows) == WALKED:
            rest: tuple[int, int] | None = (place, rows[-1][0])
        else:
            rest = None if place == _DEAD else (place + 1, 0)
        if rest is None:
            self._person_filter.rebuild_ends()
        erased = Counter(move.destination for _, move in gone)
        return Erased({} if place == _DEAD else erased, erased if place == _DEAD else {}, in_flight, rest)

    def _delete(
        self, database: sqlite3.Connection, place: int, gone: list[tuple[int, Move]], payload: Mapping[str, int]
    ) -> None:
        # Otherwise pages that become free would keep their text until they are used again.
        database.execute("PRAGMA secure_delete=ON")
        try:
            database.executemany(_DELETE[place], [(one,) for one, _ in gone])
        finally:
            database.execute("PRAGMA secure_delete=FAST")
        for destination in {move.destination for _, move in gone}:
            ids = [one for one, move in gone if move.destination == destination]
            if place == _QUEUE:
                Priority.drop(database, destination, ids)
                self._counters.wait(destination, -len(ids), -payload[destination])
            elif place == _HELD:
                self._counters.add(destination, "held", -len(ids))
            self._counters.add(destination, "erased", len(ids))
        for _, move in gone:
            if place == _DEAD:
                self._counters.add(move.destination, DEAD + move.dead, -1)
            self._counters.moves.add(move)


class SqliteSuppressions:
    """The `Suppressions` of the engine, which inherits it and sets what is named here."""

    _writer: Writer
    _files: FileWatch
    _keys: Keys
    _tombstones: Tombstones
    _person_filter: PersonFilter
    _erasure: ErasureWalk

    async def forget_keys(self, keys: Sequence[bytes]) -> int:
        """See `Suppressions.forget_keys`."""
        number: int = await self._writer.run(lambda database: self._keys.forget(database, keys))
        return number

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """See `Suppressions.withdraw`."""
        self._files.refuse()
        await self._writer.run(lambda database: self._tombstones.write(database, tombstones, ttl))

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """See `Suppressions.lift`."""
        self._files.refuse()
        await self._writer.run(lambda database: self._tombstones.lift(database, persons, purposes, at))

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """See `Suppressions.withdrawn`."""
        return self._tombstones.withdrawn(persons, at)

    def tombstones(self) -> int:
        """See `Suppressions.tombstones`."""
        return len(self._tombstones)

    def may_have(self, persons: Sequence[bytes]) -> bool:
        """See `Suppressions.may_have`."""
        return self._person_filter.may_have(persons)

    async def erase(self, doomed: Callable[[Trace], bool], why: str, after: tuple[int, int] = (0, 0)) -> Erased:
        """See `Suppressions.erase`."""
        erased: Erased = await self._writer.run(lambda database: self._erasure.piece(database, doomed, why, after))
        return erased

    async def scrub(self) -> bool:
        """See `Suppressions.scrub`. Free pages keep their text until they are used again, and the log what was written
        before: so the file is cut to what it holds, and the log is emptied."""
        free = await self._writer.run(shrink)
        for _ in range(free // VACUUM_PAGES):  # no more: a busy queue makes new ones all the time
            await self._writer.run(shrink)
        emptied: bool = await self._writer.aside(empty_log)
        return emptied
