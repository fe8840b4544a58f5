"""Taking deliveries in: all of one request, or none, and of equal ones the first.

Keys (of repeats, of orders, of once-per) are known for a while: each with the time when it ends, and perhaps a mark by
which a repeat that says something else is noticed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tagserver.queue.dedup import difference
from tagserver.queue.errors import Full
from tagserver.queue.pauses import DETAIL, FULL, Fate, Quotas
from tagserver.queue.retry import Chance
from tagserver.queue.sqlite.backpressure import Space, jittered_retry_after
from tagserver.queue.sqlite.claims import Priority
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import BURY, WIDTH, insert, pieces, values
from tagserver.queue.values import DEDUP_TTL, ROW_BYTES, Delivery, Receipt

STORED = Receipt()
REPEAT = Receipt("event")


def size_of(deliveries: Sequence[Delivery]) -> int:
    """Bytes that they will take."""
    return sum(len(delivery.body) + ROW_BYTES for delivery in deliveries)


class Enqueue:
    """Used inside the writer's transactions, but for `refuse`."""

    def __init__(
        self,
        keys: Keys,
        counters: Counters,
        person_filter: PersonFilter,
        space: Space,
        quotas: Quotas,
        causes: Causes,
        clock: Callable[[], int],
        chance: Chance,
    ) -> None:
        self._keys = keys
        self._counters = counters
        self._person_filter = person_filter
        self._space = space
        self._quotas = quotas
        self._causes = causes
        self._clock = clock
        self._chance = chance

    def refuse(self, size: int = 0) -> None:
        """Raises Full when there is no room, for nothing more or for nothing of `size` bytes."""
        if (why := self._space.refusal(size)) is not None:
            raise Full(why, jittered_retry_after(1.0, self._chance))

    def append(self, database: sqlite3.Connection, requests: Sequence[Sequence[Delivery]]) -> list[list[Receipt]]:
        """All the deliveries of several requests, as few statements: each costs a change of hands with the loop."""
        self.refuse(sum(map(size_of, requests)))
        known = self._keys.marks(database, _keys_of(requests))
        new: dict[bytes, tuple[float, bytes]] = {}
        receipts: list[list[Receipt]] = []
        stored: list[Any] = []
        urgent: list[tuple[str, int]] = []
        taken: Counter[str] = Counter()
        payload: Counter[str] = Counter()
        held = self._quotas.held()
        doomed: list[tuple[str, str, int]] = []
        lost: Counter[str] = Counter()
        for request in requests:
            answer: list[Receipt] = []
            for delivery in request:
                receipt = _receipt(delivery, known)
                answer.append(receipt)
                if receipt is STORED:
                    fate: Fate = "waits"
                    if (names := held.get(delivery.destination)) is not None:
                        more = sum(payload[name] + taken[name] * ROW_BYTES for name in names)
                        fate = self._quotas.fate(delivery.destination, names, len(delivery.body), more)
                    if fate == "is not kept":
                        lost[delivery.destination] += 1
                        continue  # nothing of it is remembered: it may come again
                    new[delivery.key] = DEDUP_TTL, delivery.mark
                    known[delivery.key] = delivery.mark
                    for further in (delivery.order, delivery.once):
                        if further is not None:
                            new[further[0]] = further[1], delivery.mark
                            known[further[0]] = delivery.mark
                    at = len(stored) // WIDTH
                    stored += values(delivery)
                    self._person_filter.add(delivery.person)
                    if fate == "dies":
                        doomed.append((delivery.destination, delivery.tag, at))
                        continue
                    if delivery.urgent:
                        urgent.append((delivery.destination, at))
                    taken[delivery.destination] += 1
                    payload[delivery.destination] += len(delivery.body)
            receipts.append(answer)
        self._keys.remember(database, new)
        first_id = 0
        for start, rows in pieces(len(stored) // WIDTH):
            cursor = database.execute(insert(rows), stored[start * WIDTH : (start + rows) * WIDTH])
            assert cursor.lastrowid is not None
            first_id = first_id or cursor.lastrowid - rows + 1
        if urgent:  # the ids of one transaction follow one another
            Priority.add(database, [(destination, first_id + at) for destination, at in urgent])
        for destination, number in taken.items():
            self._counters.add(destination, "accepted", number)
            self._counters.wait(destination, number, payload[destination])
        if doomed:
            self._bury(database, [(destination, tag, first_id + at) for destination, tag, at in doomed])
        for destination, number in lost.items():
            self._counters.add(destination, "accepted", number)
            self._counters.add(destination, "erased", number)
            for _ in range(number):
                self._counters.dead_lettered.add(destination, FULL, "")
        return receipts

    def _bury(self, database: sqlite3.Connection, doomed: Sequence[tuple[str, str, int]]) -> None:
        """What is beyond a share never waits: destination, tag and id of each. Its id is of the same row of numbers as
        everybody's."""
        now = self._clock()
        letters = [(FULL, DETAIL, now, self._causes.number(to, tag, FULL, ""), one) for to, tag, one in doomed]
        database.executemany(BURY, letters)
        database.executemany("DELETE FROM delivery WHERE id = ?", [(one,) for _, _, one in doomed])
        for destination, _, _ in doomed:
            self._counters.add(destination, "accepted", 1)
            self._counters.bury(destination, FULL)


def _keys_of(requests: Sequence[Sequence[Delivery]]) -> set[bytes]:
    keys: set[bytes] = set()
    for request in requests:
        for delivery in request:
            keys.add(delivery.key)
            if delivery.order is not None:
                keys.add(delivery.order[0])
            if delivery.once is not None:
                keys.add(delivery.once[0])
    return keys


def _receipt(delivery: Delivery, known: Mapping[bytes, bytes]) -> Receipt:
    """What becomes of a delivery by the keys that are known, with their marks."""
    if (first := known.get(delivery.key)) is not None:
        differs = difference(first, delivery.mark)
        return Receipt("event", differs) if differs else REPEAT
    if delivery.order is not None and (first := known.get(delivery.order[0])) is not None:
        return Receipt("order", difference(first, delivery.mark))
    if delivery.once is not None and delivery.once[0] in known:
        return Receipt("once")
    return STORED


PURGED = 500


class Keys:
    """Used inside the writer's transactions. Times in ms."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._purged_to = b""

    def marks(self, database: sqlite3.Connection, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are kept and not past their time, each with its mark.

        They are few, and asked for before anything is written: each row that a statement gives costs a change of hands
        with the event loop.
        """
        now = self._clock()
        waiting = sorted(keys)
        found: dict[bytes, bytes] = {}
        for start, rows in pieces(len(waiting)):
            asked = waiting[start : start + rows]
            found.update((key, mark or b"") for key, mark in database.execute(_known(rows), [*asked, now]))
        return found

    def remember(self, database: sqlite3.Connection, keys: Mapping[bytes, tuple[float, bytes]]) -> None:
        """Keep keys from now on, each for its seconds and with its mark."""
        now = self._clock()
        waiting = sorted(keys)
        for start, rows in pieces(len(waiting)):
            values: list[bytes | int | None] = []
            for key in waiting[start : start + rows]:
                ttl, mark = keys[key]
                values += (key, now + int(ttl * 1000), mark or None)
            database.execute(_remember(rows), values)

    def forget(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> int:
        """Remove keys; how many there were."""
        return sum(database.execute("DELETE FROM known WHERE key = ?", (key,)).rowcount for key in keys)

    def purge(self, database: sqlite3.Connection) -> bool:
        """Remove a slice of what is past its time; whether there is more to look through.

        Keys are looked through in their own order: an index by time would cost every append a write.
        """
        now = self._clock()
        seen = database.execute(
            "SELECT key, expires FROM known WHERE key > ? ORDER BY key LIMIT ?", (self._purged_to, PURGED)
        ).fetchall()
        database.executemany("DELETE FROM known WHERE key = ?", [(key,) for key, expires in seen if expires <= now])
        self._purged_to = seen[-1][0] if len(seen) == PURGED else b""
        return bool(self._purged_to)


@lru_cache
def _known(rows: int) -> str:
    return f"SELECT key, mark FROM known WHERE key IN ({', '.join('?' * rows)}) AND expires > ?"  # noqa: S608 (our own names)


@lru_cache
def _remember(rows: int) -> str:
    return f"INSERT OR REPLACE INTO known (key, expires, mark) VALUES {', '.join(['(?, ?, ?)'] * rows)}"  # noqa: S608 (ours)
