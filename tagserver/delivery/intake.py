"""Taking deliveries in: all of one request, or none, and of equal ones the first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tagserver.delivery.counters import Counters
from tagserver.delivery.keys import Keys
from tagserver.delivery.lanes import Lanes
from tagserver.delivery.outbox import DEDUP_TTL, Delivery, Full
from tagserver.delivery.presence import Presence
from tagserver.delivery.pressure import come_again
from tagserver.delivery.retry import Chance
from tagserver.delivery.rows import WIDTH, insert, pieces, values
from tagserver.delivery.space import Space

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

    def append(self, database: sqlite3.Connection, requests: Sequence[Sequence[Delivery]]) -> list[list[bool]]:
        """All the deliveries of several requests, as few statements: each costs a change of hands with the loop."""
        self.refuse(sum(map(size_of, requests)))
        keys = {delivery.key for request in requests for delivery in request}
        new = self._keys.remember_new(database, keys, DEDUP_TTL)
        fresh: list[list[bool]] = []
        stored: list[Any] = []
        urgent: list[tuple[str, int]] = []
        taken: Counter[str] = Counter()
        for request in requests:
            answer: list[bool] = []
            for delivery in request:
                first = delivery.key in new
                if first:
                    new.remove(delivery.key)
                    if delivery.once is not None:
                        key, within = delivery.once
                        first = bool(self._keys.remember_new(database, [key], within))
                answer.append(first)
                if first:
                    if delivery.urgent:
                        urgent.append((delivery.destination, len(stored) // WIDTH))
                    stored += values(delivery)
                    self._presence.add(delivery.person)
                    taken[delivery.destination] += 1
            fresh.append(answer)
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
        return fresh
