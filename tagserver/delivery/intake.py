"""Taking deliveries in: all of one request, or none, and of equal ones the first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.delivery.counters import Counters
from tagserver.delivery.keys import Keys
from tagserver.delivery.lanes import Lanes
from tagserver.delivery.outbox import DEDUP_TTL, Delivery, Full, Receipt
from tagserver.delivery.presence import Presence
from tagserver.delivery.pressure import come_again
from tagserver.delivery.retry import Chance
from tagserver.delivery.rows import WIDTH, insert, pieces, values
from tagserver.delivery.space import Space
from tagserver.repeats import difference

STORED = Receipt()
REPEAT = Receipt("event")
ROW = 500
"""Bytes of a delivery beside its payload, about."""


def size_of(deliveries: Sequence[Delivery]) -> int:
    """Bytes that they will take."""
    return sum(len(delivery.body) + ROW for delivery in deliveries)


class Intake:
    """Used inside the writer's transactions, but for `refuse`."""

    def __init__(self, keys: Keys, counters: Counters, presence: Presence, space: Space, chance: Chance) -> None:
        self._keys = keys
        self._counters = counters
        self._presence = presence
        self._space = space
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
        for request in requests:
            answer: list[Receipt] = []
            for delivery in request:
                receipt = _receipt(delivery, known)
                answer.append(receipt)
                if receipt is STORED:
                    new[delivery.key] = DEDUP_TTL, delivery.mark
                    known[delivery.key] = delivery.mark
                    for further in (delivery.order, delivery.once):
                        if further is not None:
                            new[further[0]] = further[1], delivery.mark
                            known[further[0]] = delivery.mark
                    if delivery.urgent:
                        urgent.append((delivery.destination, len(stored) // WIDTH))
                    stored += values(delivery)
                    self._presence.add(delivery.person)
                    taken[delivery.destination] += 1
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
            self._counters.add(destination, "pending", number)
        return receipts


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
