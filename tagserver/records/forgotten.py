"""Who was forgotten while something of theirs was on its way to a vendor: what becomes of it is not put on record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

import msgspec

from tagserver.delivery.attempts import Attempt
from tagserver.event.order_ids import OF_ORDER
from tagserver.plugin.destination import Response
from tagserver.queue.moves import Move
from tagserver.queue.values import Row
from tagserver.records.masking.mask import masked_id

Key = TypeVar("Key", str, bytes)
Deliveries = TypeVar("Deliveries", Row, Move)
MOST = 10_000
"""Persons and ids that are remembered, the newest ones. A vendor answers within minutes."""


class Forgotten:
    """By keyed hash, and by event_id where an order's number is known; each with the time (ms) until which what was
    received is not put on record."""

    def __init__(self) -> None:
        self._persons: dict[bytes, int] = {}
        self._ids: dict[str, int] = {}

    def add(self, persons: Collection[bytes], orders: Collection[str], now: int) -> None:
        """Somebody is forgotten. `orders`: numbers as records know them."""
        self._persons = _newest(self._persons | dict.fromkeys(persons, now))
        ids = (one for order in orders for one in (order, OF_ORDER + order))
        self._ids = _newest(self._ids | dict.fromkeys(ids, now))

    def without(self, rows: Sequence[Deliveries]) -> Sequence[Deliveries]:
        """The rows, or moves, of all others."""
        if not self._persons and not self._ids:
            return rows
        return [row for row in rows if not self._is_theirs(row)]

    def left(self, attempt: Attempt) -> Attempt:
        """An attempt with the rows of all others, and their ends; then without words of the vendor, which may be about
        who was forgotten."""
        rows = self.without(attempt.rows)
        if len(rows) == len(attempt.rows):
            return attempt
        ends = attempt.ends
        if len(ends) == len(attempt.rows) > 1:
            kept = {row.id for row in rows}
            ends = [end for row, end in zip(attempt.rows, ends, strict=True) if row.id in kept]
        response = attempt.response and Response(attempt.response.status, {}, b"")
        ends = [msgspec.structs.replace(end, message="") for end in ends]
        return msgspec.structs.replace(attempt, rows=rows, ends=ends, response=response)

    def _is_theirs(self, row: Row | Move) -> bool:
        until = max((self._persons.get(one, -1) for one in row.person), default=-1)
        return row.received <= max(until, self._ids.get(masked_id(row.event_id), -1))


def _newest(known: dict[Key, int]) -> dict[Key, int]:
    return dict(list(known.items())[-MOST:])
