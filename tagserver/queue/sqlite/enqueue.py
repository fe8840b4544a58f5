"""Taking deliveries in: all of one request, or none, and of equal ones the first.

Keys (of repeats, of orders, of once-per) are known for a while: each with the time when it ends, and perhaps a mark by
which a repeat that says something else is noticed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from tagserver.queue.dedup import difference
from tagserver.queue.errors import Full
from tagserver.queue.pauses import DETAIL, FULL, Fate, Quotas
from tagserver.queue.sqlite.backpressure import Space, jittered_retry_after
from tagserver.queue.sqlite.claims import Priority
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import BURY, insert, pieces, values
from tagserver.queue.values import DEDUP_TTL, ROW_BYTES, Delivery, Receipt
from tagserver.system.time import Time

STORED = Receipt()
REPEAT = Receipt("event")
PURGED = 500
"""Keys that are looked through for old ones in one go."""

Known = tuple[bytes, int, bytes | None]
"""A key, the time (ms) when it ends, and its mark."""


def size_of(deliveries: Sequence[Delivery]) -> int:
    """Bytes that they will take."""
    return sum([len(delivery.body) for delivery in deliveries]) + ROW_BYTES * len(deliveries)


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
        time: Time,
    ) -> None:
        self._keys = keys
        self._counters = counters
        self._person_filter = person_filter
        self._space = space
        self._quotas = quotas
        self._causes = causes
        self._time = time

    def refuse(self, size: int = 0) -> None:
        """Raises Full when there is no room, for nothing more or for nothing of `size` bytes."""
        if (why := self._space.refusal(size)) is not None:
            raise Full(why, jittered_retry_after(1.0, self._time))

    def append(self, database: sqlite3.Connection, requests: Sequence[Sequence[Delivery]]) -> list[list[Receipt]]:
        """All the deliveries of several requests, as few statements: each costs a change of hands with the loop."""
        self.refuse(sum(map(size_of, requests)))
        known = self._keys.marks(database, _keys_of(requests))
        group = _Group(self._time.now(), known)
        paused = self._quotas.held()
        receipts: list[list[Receipt]] = []
        for request in requests:
            answer: list[Receipt] = []
            for delivery in request:
                receipt = _receipt(delivery, known) if known else STORED
                answer.append(receipt)
                if receipt is STORED:
                    names = paused.get(delivery.destination) if paused else None
                    group.add(delivery, "waits" if names is None else self._fate(delivery, names, group))
            receipts.append(answer)
        self._write(database, group)
        return receipts

    def _fate(self, delivery: Delivery, names: tuple[str, ...], group: _Group) -> Fate:
        """What becomes of a delivery whose destination, with these names, is paused."""
        more = sum(group.payload[name] + group.taken[name] * ROW_BYTES for name in names)
        return self._quotas.fate(delivery.destination, names, len(delivery.body), more)

    def _write(self, database: sqlite3.Connection, group: _Group) -> None:
        self._keys.remember(database, group.keys)
        first_id = 0
        for start, rows in pieces(len(group.rows)):
            cursor = database.execute(insert(rows), list(chain.from_iterable(group.rows[start : start + rows])))
            assert cursor.lastrowid is not None
            first_id = first_id or cursor.lastrowid - rows + 1
        self._person_filter.add(group.persons)
        if group.urgent:  # the ids of one transaction follow one another
            Priority.add(database, [(destination, first_id + at) for destination, at in group.urgent])
        for destination, number in group.taken.items():
            self._counters.add(destination, "accepted", number)
            self._counters.wait(destination, number, group.payload[destination])
        if group.doomed:
            self._to_dead_letters(database, [(to, tag, first_id + at) for to, tag, at in group.doomed])
        for destination, number in group.lost.items():
            self._counters.add(destination, "accepted", number)
            self._counters.add(destination, "erased", number)
            for _ in range(number):
                self._counters.dead_lettered.add(destination, FULL, "")

    def _to_dead_letters(self, database: sqlite3.Connection, doomed: Sequence[tuple[str, str, int]]) -> None:
        """What is beyond a quota never waits: destination, tag and id of each. Its id is of the same row of numbers as
        everybody's."""
        now = self._time.now()
        letters = [(FULL, DETAIL, now, self._causes.number(to, tag, FULL, ""), one) for to, tag, one in doomed]
        database.executemany(BURY, letters)
        database.executemany("DELETE FROM delivery WHERE id = ?", [(one,) for _, _, one in doomed])
        for destination, _, _ in doomed:
            self._counters.add(destination, "accepted", 1)
            self._counters.dead(destination, FULL)


class _Group:
    """What one transaction stores. `known`: the keys that are known, which those of the group are added to; `urgent`
    and `doomed` name rows by their place in `rows`."""

    def __init__(self, now: int, known: dict[bytes, bytes]) -> None:
        self._now = now
        self._known = known
        self._expires = now + int(DEDUP_TTL * 1000)
        self.keys: list[Known] = []
        self.rows: list[tuple[Any, ...]] = []
        self.persons: list[bytes] = []
        self.urgent: list[tuple[str, int]] = []
        self.doomed: list[tuple[str, str, int]] = []
        self.taken: Counter[str] = Counter()
        self.payload: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def add(self, delivery: Delivery, fate: Fate) -> None:
        """One that is new."""
        destination = delivery.destination
        if fate == "is not kept":
            self.lost[destination] += 1
            return  # nothing of it is remembered: it may come again
        mark = delivery.mark
        self._known[delivery.key] = mark
        self.keys.append((delivery.key, self._expires, mark or None))
        for further in (delivery.order, delivery.once):
            if further is not None:
                self._known[further[0]] = mark
                self.keys.append((further[0], self._now + int(further[1] * 1000), mark or None))
        self.rows.append(values(delivery))
        self.persons += delivery.person
        if fate == "dies":
            self.doomed.append((destination, delivery.tag, len(self.rows) - 1))
            return
        if delivery.urgent:
            self.urgent.append((destination, len(self.rows) - 1))
        self.taken[destination] += 1
        self.payload[destination] += len(delivery.body)


def _keys_of(requests: Sequence[Sequence[Delivery]]) -> set[bytes]:
    every = list(chain.from_iterable(requests))
    keys = {delivery.key for delivery in every}
    keys.update([delivery.order[0] for delivery in every if delivery.order is not None])
    keys.update([delivery.once[0] for delivery in every if delivery.once is not None])
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


class Keys:
    """Used inside the writer's transactions. Times in ms."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._purged_to = b""

    def marks(self, database: sqlite3.Connection, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are kept and not past their time, each with its mark.

        They are few, and asked for before anything is written: each row that a statement gives costs a change of hands
        with the event loop.
        """
        now = self._time.now()
        waiting = sorted(keys)
        found: dict[bytes, bytes] = {}
        for start, rows in pieces(len(waiting)):
            asked = waiting[start : start + rows]
            found.update((key, mark or b"") for key, mark in database.execute(_known(rows), [*asked, now]))
        return found

    def remember(self, database: sqlite3.Connection, keys: list[Known]) -> None:
        """Keep keys, which are all different."""
        keys.sort(key=itemgetter(0))
        for start, rows in pieces(len(keys)):
            database.execute(_remember(rows), list(chain.from_iterable(keys[start : start + rows])))

    def forget(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> int:
        """Remove keys; how many there were."""
        return sum(database.execute("DELETE FROM known WHERE key = ?", (key,)).rowcount for key in keys)

    def purge(self, database: sqlite3.Connection) -> bool:
        """Remove a slice of what is past its time; whether there is more to look through.

        Keys are looked through in their own order: an index by time would cost every append a write.
        """
        now = self._time.now()
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
