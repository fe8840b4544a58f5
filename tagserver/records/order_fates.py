"""Deliveries of events with orders, followed to their end: what becomes of an order is kept longer than its records."""

from __future__ import annotations

from collections.abc import Iterable

from tagserver.records.making import ends, token
from tagserver.records.values import Attempted, OrderFate

MOST = 100_000
"""Events with orders that are followed: the newest ones. Each is a number of four bytes."""


class OrderFates:
    """Of one recorder's thread."""

    def __init__(self) -> None:
        self._followed: dict[int, None] = {}

    def follow(self, event_ids: Iterable[str]) -> None:
        """These are events with orders."""
        for event_id in event_ids:
            self._followed[token(event_id)] = None
            if len(self._followed) > MOST:
                del self._followed[next(iter(self._followed))]

    def of(self, made: Attempted) -> list[OrderFate]:
        """Which of them have ended with these attempts, and how."""
        if not self._followed:
            return []
        found = []
        for (event_id, tag), outcome in ends(made):
            fate = "dead" if outcome.dead else outcome.outcome
            if (fate == "delivered" or fate == "dead") and token(event_id) in self._followed:
                found.append(OrderFate(event_id, made.destination, tag, fate, outcome.dead, made.at))
        return found
