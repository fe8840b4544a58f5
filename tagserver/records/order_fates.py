"""Deliveries of events with orders, followed to their end: what becomes of an order is kept longer than its records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tagserver.queue.moves import DROPPED, TOO_OLD
from tagserver.records.making import ends, token
from tagserver.records.values import Attempted, OrderFate, RowOutcome

MOST = 100_000
"""Events with orders that are followed: the newest ones, or up to twice as many. Each is a number of four bytes."""
_TIDIED = frozenset({DROPPED, TOO_OLD})


class OrderFates:
    """Of one thread that writes."""

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
            if (fate := _fate(outcome)) is None:
                continue
            number = token(event_id)
            if number in newest or number in before:
                found.append(OrderFate(event_id, made.destination, tag, *fate, made.at))
        return found


def _fate(outcome: RowOutcome) -> tuple[Literal["delivered", "dead", "erased", "pending"], str] | None:
    """Where a delivery is by now, and why; None for one that is tried again by itself."""
    if outcome.outcome == "delivered":  # as nearly all are
        return "delivered", ""
    if outcome.moved == "erased":
        # Who drops a dead letter, or keeps it no longer, does not change why the vendor never had it.
        return ("dead", outcome.dead) if outcome.dead and outcome.reason in _TIDIED else ("erased", outcome.reason)
    if outcome.moved == "queue":
        return "pending", ""
    return ("dead", outcome.dead) if outcome.dead else None
