"""Taking deliveries in: all of one request, or none, and of equal ones the first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tagserver.queue.backpressure import come_again
from tagserver.queue.outbox import DEDUP_TTL, Delivery, Full, Receipt
from tagserver.queue.presence import Presence
from tagserver.queue.repeats import difference
from tagserver.queue.retry import Chance
from tagserver.queue.sqlite.causes import Causes
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.priority import Lanes
from tagserver.queue.sqlite.rows import BURY, WIDTH, insert, pieces, values
from tagserver.queue.sqlite.shares import DETAIL, FULL, Fate, Shares
from tagserver.queue.sqlite.space import Space
from tagserver.queue.sqlite.volumes import ROW

STORED = Receipt()
REPEAT = Receipt("event")


def size_of(deliveries: Sequence[Delivery]) -> int:
    """Bytes that they will take."""
    return sum(len(delivery.body) + ROW for delivery in deliveries)


class Intake:
    """Used inside the writer's transactions, but for `refuse`."""

    def __init__(
        self,
        keys: Keys,
        counters: Counters,
        presence: Presence,
        space: Space,
        shares: Shares,
        causes: Causes,
        clock: Callable[[], int],
        chance: Chance,
    ) -> None:
        self._keys = keys
        self._counters = counters
        self._presence = presence
        self._space = space
        self._shares = shares
        self._causes = causes
        self._clock = clock
        self._chance = chance

    def refuse(self, size: int = 0) -> None:
        """Raises Full when there is no room, for nothing more or for nothing of `size` bytes."""
        if (why := self._space.refusal(size)) is not None:
            raise Full(why, come_again(1.0, self._chance))

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
        held = self._shares.held()
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
                        more = sum(payload[name] + taken[name] * ROW for name in names)
                        fate = self._shares.fate(delivery.destination, names, len(delivery.body), more)
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
                    self._presence.add(delivery.person)
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
            Lanes.add(database, [(destination, first_id + at) for destination, at in urgent])
        for destination, number in taken.items():
            self._counters.add(destination, "accepted", number)
            self._counters.wait(destination, number, payload[destination])
        if doomed:
            self._bury(database, [(destination, tag, first_id + at) for destination, tag, at in doomed])
        for destination, number in lost.items():
            self._counters.add(destination, "accepted", number)
            self._counters.add(destination, "erased", number)
            for _ in range(number):
                self._counters.burials.add(destination, FULL, "")
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
