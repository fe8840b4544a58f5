"""How many bytes wait for each destination: known from memory, written in the transaction that moves the rows.

To count them at a start would be to read the whole file. So they are believed, as long as they were written for as many
rows as there are; otherwise (a file of before, one that was mended) they are estimated from some of the rows.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping

ROW = 500
"""Bytes of a delivery beside its payload, about."""
SAMPLE = 500
"""Rows, the oldest and as many of the newest, from which an estimate is made."""


class Volumes:
    """Changed by the writer's thread; `of` may be asked from any thread."""

    def __init__(self, database: sqlite3.Connection, pending: Mapping[str, int]) -> None:
        """`pending`: how many rows wait for each destination, counted."""
        known = {to: (rows, size) for to, rows, size in database.execute("SELECT destination, rows, bytes FROM volume")}
        self._rows = dict(pending)
        self._bytes: dict[str, int] = {}
        for destination, number in pending.items():
            rows, size = known.get(destination, (0, 0))
            self._bytes[destination] = size if rows == number else _estimate(database, destination, number)
        self._row_delta: Counter[str] = Counter()
        self._byte_delta: Counter[str] = Counter()
        self._written: dict[str, tuple[int, int]] = {}

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
        """Write what has changed since the last call."""
        for destination in self._row_delta:
            rows = max(0, self._rows.get(destination, 0) + self._row_delta[destination])
            size = max(0, self._bytes.get(destination, 0) + self._byte_delta[destination])
            self._written[destination] = rows, size if rows else 0
        if self._written:
            database.executemany(
                "INSERT OR REPLACE INTO volume (destination, rows, bytes) VALUES (?, ?, ?)",
                [(destination, *numbers) for destination, numbers in self._written.items()],
            )

    def committed(self, ok: bool) -> None:
        """After a group: take its changes over, or forget them."""
        if ok:
            for destination, (rows, size) in self._written.items():
                self._rows[destination], self._bytes[destination] = rows, size
        self._written.clear()
        self._row_delta.clear()
        self._byte_delta.clear()


def _estimate(database: sqlite3.Connection, destination: str, rows: int) -> int:
    """As large as the oldest ones and the newest."""
    pieces = [
        f"SELECT length(body) AS size FROM delivery WHERE destination = ? ORDER BY id {order} LIMIT {SAMPLE}"  # noqa: S608 (ours)
        for order in ("ASC", "DESC")
    ]
    query = f"SELECT avg(size) FROM (SELECT * FROM ({pieces[0]}) UNION ALL SELECT * FROM ({pieces[1]}))"  # noqa: S608 (ours)
    (average,) = database.execute(query, (destination, destination)).fetchone()
    return rows * (ROW + round(average or 0))
