"""How many bytes wait for each destination: known from memory, written at the end, taken out of the file by the first
transaction that changes them.

To count them at a start would be to read the whole file. So they are believed where they were written for as many rows
as there are; otherwise (after a kill, a file of before, one that was mended) a few rows are counted, and many estimated
from some of them. To write them with each transaction would be a page of the log more for each event.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Mapping

ROW = 500
"""Bytes of a delivery beside its payload, about."""
SAMPLE = 500
"""Rows, the oldest and as many of the newest, from which an estimate is made; up to so many are counted."""


class Volumes:
    """Changed by the writer's thread; `of` may be asked from any thread."""

    def __init__(self, database: sqlite3.Connection, pending: Mapping[str, int]) -> None:
        """`pending`: how many rows wait for each destination, counted."""
        known = {to: (rows, size) for to, rows, size in database.execute("SELECT destination, rows, bytes FROM volume")}
        self._rows = dict(pending)
        self._bytes: dict[str, int] = {}
        for destination, number in pending.items():
            rows, size = known.get(destination, (0, 0))
            if rows != number:
                size = (_counted if number <= SAMPLE else _estimate)(database, destination, number)
            self._bytes[destination] = size
        self._stored = set(known)
        self._row_delta: Counter[str] = Counter()
        self._byte_delta: Counter[str] = Counter()
        self._changed: dict[str, tuple[int, int]] = {}

    def of(self, destination: str) -> int:
        """Bytes that wait, as of the last commit."""
        return self._bytes.get(destination, 0)

    def now(self, destination: str) -> int:
        """Bytes that wait, with what the present transaction has changed."""
        return self._bytes.get(destination, 0) + self._byte_delta[destination]

    def add(self, destination: str, rows: int, payload: int | None) -> None:
        """Rows came, or went (then both are negative), inside the present transaction; `payload`: bytes of their
        payloads, None where nobody has looked: then they are as large as the others on average."""
        if payload is None:
            average = self.of(destination) // (self._rows.get(destination) or 1)
            size = rows * max(average, ROW)
        else:
            size = payload + rows * ROW
        self._row_delta[destination] += rows
        self._byte_delta[destination] += size

    def write(self, database: sqlite3.Connection) -> None:
        """Reckon with what has changed since the last call, inside the present transaction."""
        for destination in self._row_delta:
            rows = max(0, self._rows.get(destination, 0) + self._row_delta[destination])
            size = max(0, self._bytes.get(destination, 0) + self._byte_delta[destination])
            self._changed[destination] = rows, size if rows else 0
            if destination in self._stored:
                database.execute("DELETE FROM volume WHERE destination = ?", (destination,))

    def write_all(self, database: sqlite3.Connection) -> None:
        """At the end, beyond any transaction. Where the disk has no room for it, the next start estimates."""
        with contextlib.suppress(sqlite3.Error):
            database.executemany(
                "INSERT OR REPLACE INTO volume (destination, rows, bytes) VALUES (?, ?, ?)",
                [(destination, rows, self._bytes[destination]) for destination, rows in self._rows.items()],
            )

    def committed(self, ok: bool) -> None:
        """After a group: take its changes over, or forget them."""
        if ok:
            for destination, (rows, size) in self._changed.items():
                self._rows[destination], self._bytes[destination] = rows, size
            self._stored -= self._changed.keys()
        self._changed.clear()
        self._row_delta.clear()
        self._byte_delta.clear()


def _counted(database: sqlite3.Connection, destination: str, rows: int) -> int:
    (size,) = database.execute(
        "SELECT total(length(body)) FROM delivery WHERE destination = ?", (destination,)
    ).fetchone()
    return rows * ROW + int(size)


def _estimate(database: sqlite3.Connection, destination: str, rows: int) -> int:
    """As large as the oldest ones and the newest."""
    pieces = [
        f"SELECT length(body) AS size FROM delivery WHERE destination = ? ORDER BY id {order} LIMIT {SAMPLE}"  # noqa: S608 (ours)
        for order in ("ASC", "DESC")
    ]
    query = f"SELECT avg(size) FROM (SELECT * FROM ({pieces[0]}) UNION ALL SELECT * FROM ({pieces[1]}))"  # noqa: S608 (ours)
    (average,) = database.execute(query, (destination, destination)).fetchone()
    return rows * (ROW + round(average or 0))
