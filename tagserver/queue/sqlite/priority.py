"""A second lane past a long queue: after an outage of a week, a purchase of today does not stand behind all the page
views.

The ids of deliveries that matter more lie in a table of their own; nothing else knows of it. A row that is missing
there costs a delivery its place, and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Any

from tagserver.queue.sqlite.rows import SELECT_DELIVERY

LONG = 1000
"""Deliveries that wait, from which on the lane is open."""
TURNS = 10
"""Of so many claims one goes by age alone, so that nothing is starved."""


class Lanes:
    """Used inside the writer's transactions."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    @staticmethod
    def add(database: sqlite3.Connection, rows: Sequence[tuple[str, int]]) -> None:
        """Deliveries that matter more: destination and id of each."""
        database.executemany("INSERT INTO urgent (destination, id) VALUES (?, ?)", rows)

    @staticmethod
    def drop(database: sqlite3.Connection, destination: str, ids: Collection[int]) -> None:
        """Deliveries that wait no more."""
        if database.execute("SELECT 1 FROM urgent WHERE destination = ? LIMIT 1", (destination,)).fetchone():
            database.executemany("DELETE FROM urgent WHERE destination = ? AND id = ?", [(destination, i) for i in ids])

    def is_open(self, database: sqlite3.Connection, destination: str, waiting: int, flying: Collection[int]) -> bool:
        """Whether the next claim of a destination, of which `waiting` deliveries wait, goes by the lane."""
        if waiting <= LONG:
            return False
        turn = self._turns[destination] = (self._turns.get(destination, 0) + 1) % TURNS
        return turn != 0 and next(self._ids(database, destination, flying), None) is not None

    def records(
        self, database: sqlite3.Connection, destination: str, which: str, flying: Collection[int]
    ) -> Generator[tuple[Any, ...], None, None]:
        """The deliveries of the lane, oldest first, but for those that are `flying`; `which`: a condition more."""
        for one in self._ids(database, destination, flying):
            yield from database.execute(f"{SELECT_DELIVERY} WHERE id = ? {which}", (one,))

    @staticmethod
    def _ids(database: sqlite3.Connection, destination: str, flying: Collection[int]) -> Iterator[int]:
        query = "SELECT id FROM urgent WHERE destination = ? ORDER BY id"
        return (one for (one,) in database.execute(query, (destination,)) if one not in flying)
