"""The series that there are. Refused requests are apart, because strangers make as many of them as they like; so is
what outlives the records."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from tagserver.records.sqlite.attempt_blocks import AttemptBlock, read_attempts
from tagserver.records.sqlite.event_blocks import EventBlock, read_events
from tagserver.records.sqlite.order_blocks import FateBlock, OrderBlock, read_fates, read_orders
from tagserver.records.sqlite.series import Kind, Series
from tagserver.records.values import Attempted, EventRecord, OrderEvent, OrderFate

PIECE = 32
"""Records that are put into a block at once."""
PIECE_ROWS = 400
"""Deliveries of attempts that are put into a block at once, or those of one attempt."""


def _piece(records: Sequence[object], start: int) -> int:
    return PIECE


def _event_piece(records: Sequence[EventRecord], start: int) -> int:
    """What level `full` keeps is large."""
    for length, one in enumerate(islice(records, start, start + PIECE)):
        if one.full is not None:
            return length or 1
    return PIECE


def _attempt_piece(records: Sequence[Attempted], start: int) -> int:
    rows = 0
    for length, one in enumerate(islice(records, start, start + PIECE)):
        rows += len(one.rows)
        if rows > PIECE_ROWS:
            return length or 1
    return PIECE


_number, _received, _at = attrgetter("number"), attrgetter("received"), attrgetter("at")

EVENTS = Kind("events", EventBlock, read_events, _received, _event_piece, _number)
REFUSED = Kind("refused", EventBlock, read_events, _received, _event_piece, _number)
ATTEMPTS = Kind("attempts", AttemptBlock, read_attempts, _at, _attempt_piece)
ORDERS = Kind("orders", OrderBlock, read_orders, _at, _piece)
FATES = Kind("fates", FateBlock, read_fates, _at, _piece)
KINDS: tuple[Kind[Any], ...] = (EVENTS, REFUSED, ATTEMPTS, ORDERS, FATES)


class AllSeries:
    """Each of them, as they lie in one file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.events: Series[EventRecord] = Series(EVENTS, database)
        self.refused: Series[EventRecord] = Series(REFUSED, database)
        self.attempts: Series[Attempted] = Series(ATTEMPTS, database)
        self.orders: Series[OrderEvent] = Series(ORDERS, database)
        self.fates: Series[OrderFate] = Series(FATES, database)
        self.all: tuple[Series[Any], ...] = (self.events, self.refused, self.attempts, self.orders, self.fates)

    def settle(self, database: sqlite3.Connection, following: int) -> None:
        """See `Series.settle`. `following`: the number of the next event, which the file may not tell any more."""
        for one in self.all:
            one.settle(database)
        self.events.next = max(self.next, following)

    @property
    def next(self) -> int:
        """The number of the next event."""
        return max(self.events.next, self.refused.next)

    def first(self, database: sqlite3.Connection) -> int | None:
        """The number of the oldest event."""
        query = (
            "SELECT min(first) FROM (SELECT min(first) AS first FROM events UNION ALL SELECT min(first) FROM refused)"
        )
        first: int | None = database.execute(query).fetchall()[0][0]
        return first
