"""Walks through queue and dead letters, in pieces, and erases what must go: after a withdrawal, or when somebody asks
to be forgotten.

There is no index by person: it would cost each append several writes at random places, for a question that is asked a
few times a day. So a walk looks at every row, without its payload, and the writer does other work between two pieces.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping

from tagserver.queue.outbox import Erased, Outbox, Trace
from tagserver.queue.presence import Presence
from tagserver.queue.sqlite.claims import Flights
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.priority import Lanes
from tagserver.queue.sqlite.rows import persons_of, purposes_of

PIECE = 1000
"""Rows that are looked at in one transaction: a few milliseconds."""
_QUEUE, _DEAD = 0, 1
_COLUMNS = "id, destination, tag, purposes, person, min(time, received), length(body)"
_QUERIES = (
    f"SELECT {_COLUMNS}, '' FROM delivery WHERE id > ? ORDER BY id LIMIT {PIECE}",  # noqa: S608 (our own names)
    f"SELECT {_COLUMNS}, reason FROM dead WHERE id > ? ORDER BY id LIMIT {PIECE}",  # noqa: S608 (our own names)
)
_DELETE = ("DELETE FROM delivery WHERE id = ?", "DELETE FROM dead WHERE id = ?")


class Erasure:
    """Used inside the writer's transactions."""

    def __init__(self, counters: Counters, flights: Flights, presence: Presence) -> None:
        self._counters = counters
        self._flights = flights
        self._presence = presence

    def piece(self, database: sqlite3.Connection, doomed: Callable[[Trace], bool], after: tuple[int, int]) -> Erased:
        """See `Outbox.erase`. A walk goes by id through the queue, then through the dead letters: what is buried
        meanwhile is met there."""
        place, one = after
        if after == (_QUEUE, 0):
            self._presence.look_begins()
        rows = database.execute(_QUERIES[place], (one,)).fetchall()
        gone: list[tuple[int, str, str]] = []
        payload: Counter[str] = Counter()
        flying: Counter[str] = Counter()
        for one, destination, tag, purposes, person, at, size, reason in rows:
            persons = persons_of(person)
            if not doomed(Trace(persons, tag, purposes_of(purposes), at)):
                self._presence.met(persons)
            elif place == _QUEUE and self._flights.is_flying(one):
                self._presence.met(persons)
                flying[destination] += 1
            else:
                gone.append((one, destination, reason))
                payload[destination] += size
        if gone:
            self._delete(database, place, gone, payload)
        if len(rows) == PIECE:
            rest: tuple[int, int] | None = (place, rows[-1][0])
        else:
            rest = (_DEAD, 0) if place == _QUEUE else None
        if rest is None:
            self._presence.look_ends()
        erased = Counter(destination for _, destination, _ in gone)
        return Erased(erased if place == _QUEUE else {}, erased if place == _DEAD else {}, flying, rest)

    def _delete(
        self, database: sqlite3.Connection, place: int, gone: list[tuple[int, str, str]], payload: Mapping[str, int]
    ) -> None:
        # Otherwise pages that become free would keep their text until they are used again.
        database.execute("PRAGMA secure_delete=ON")
        try:
            database.executemany(_DELETE[place], [(one,) for one, _, _ in gone])
        finally:
            database.execute("PRAGMA secure_delete=FAST")
        for destination in {destination for _, destination, _ in gone}:
            ids = [one for one, to, _ in gone if to == destination]
            if place == _QUEUE:
                Lanes.drop(database, destination, ids)
                self._counters.wait(destination, -len(ids), -payload[destination])
            self._counters.add(destination, "erased", len(ids))
        if place == _DEAD:
            for _, destination, reason in gone:
                self._counters.add(destination, DEAD + reason, -1)


async def walk(outbox: Outbox, doomed: Callable[[Trace], bool]) -> Erased:
    """A whole walk, piece by piece; what was erased in all."""
    queue: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    flying: Counter[str] = Counter()
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        piece = await outbox.erase(doomed, after)
        queue.update(piece.queue)
        dead.update(piece.dead)
        flying.update(piece.flying)
        after = piece.after
    return Erased(queue, dead, flying, None)
