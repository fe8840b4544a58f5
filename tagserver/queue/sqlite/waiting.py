"""What waits for a destination, looked at without taking it: piece by piece, between two groups of the writer, and
without payloads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tagserver.queue.outbox import Row
from tagserver.queue.sqlite.rows import read
from tagserver.queue.sqlite.schema import COLUMNS

PIECE = 200
"""Rows that are looked at in one go: two milliseconds."""
PAUSE = 0.002
"""Seconds in between, in which others have the processor."""
_NAMES = ", ".join(name for name in COLUMNS if name != "body")
_QUERY = (
    f"SELECT id, attempts, unknown_since, crashes, {_NAMES}, x'' FROM delivery "  # noqa: S608 (our own names)
    f"WHERE destination = ? AND id > ? ORDER BY id LIMIT {PIECE}"
)

Aside = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
"""Does a piece of work in the writer's thread, between two groups."""


class Waiting:
    """Of one queue."""

    def __init__(self, aside: Aside) -> None:
        self._aside = aside

    async def rows(self, destination: str) -> AsyncIterator[list[Row]]:
        """All rows of a destination, the oldest first, in pieces; with empty payloads. Raises `OutboxError`."""
        after = 0
        while True:
            records = await self._piece(destination, after)
            if records:
                yield [read(record) for record in records]
            if len(records) < PIECE:
                return
            after = records[-1][0]
            await asyncio.sleep(PAUSE)

    async def _piece(self, destination: str, after: int) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = await self._aside(
            lambda database: database.execute(_QUERY, (destination, after)).fetchall()
        )
        return found
