"""Deliveries of events with orders, followed to their end: what becomes of an order is kept longer than its records."""

from __future__ import annotations

from collections.abc import Iterable

from tagserver.records.making import ends, token
from tagserver.records.values import Attempted, OrderFate

MOST = 100_000
"""Events with orders that are followed: the newest ones, or up to twice as many. Each is a number of four bytes."""


class OrderFates:
    """Of one recorder's thread."""

    def __init__(self) -> None:
        self._newest: set[int] = set()
        self._before: set[int] = set()

    def follow(self, event_ids: Iterable[str]) -> None:
        """These are events with orders."""
        self._newest.update(map(token, event_ids))
        if len(self._newest) >= MOST:
            # All of an age at once: to find the oldest one in a dict takes the longer the more have left it.
            self._before, self._newest = self._newest, set()

    def of(self, made: Attempted) -> list[OrderFate]:
        """Which of them have ended with these attempts, and how."""
        newest, before = self._newest, self._before
        if not newest and not before:
            return []
        found = []
        for (event_id, tag), outcome in ends(made):
            fate = "dead" if outcome.dead else outcome.outcome
            if fate != "delivered" and fate != "dead":
                continue
            number = token(event_id)
            if number in newest or number in before:
                found.append(OrderFate(event_id, made.destination, tag, fate, outcome.dead, made.at))
        return found
