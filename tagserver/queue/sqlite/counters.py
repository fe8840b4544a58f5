"""The counters of every destination, written in the transaction that moves the row; and how many bytes wait for each.

`accepted = delivered + pending + dead + erased` holds in every committed state, because each move changes two of
them or all in one go.

Bytes are known from memory, written at the end, and taken out of the file by the first transaction that changes them.
To count them at a start would be to read the whole file. So they are believed where they were written for as many rows
as there are; otherwise (after a kill, a file of before, one that was mended) a few rows are counted, and many estimated
from some of them. To write them with each transaction would be a page of the log more for each event.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping

from tagserver.queue.dead_letters import DeadLetterCounts
from tagserver.queue.moves import Moves
from tagserver.queue.values import ROW_BYTES, Counts

DEAD = "dead:"


class Counters:
    """Kept in memory by the writer's thread; `shown` is the last committed picture and may be read from any thread."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._values: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for destination, name, value in database.execute("SELECT destination, name, value FROM counter"):
            self._values[destination][name] = value
        # Pending is what is there; it is counted, not believed.
        pending = dict(database.execute("SELECT destination, count(*) FROM delivery GROUP BY destination").fetchall())
        held = dict(database.execute("SELECT destination, count(*) FROM held_copy GROUP BY destination").fetchall())
        for destination in {*self._values, *pending, *held}:
            self._values[destination]["pending"] = pending.get(destination, 0)
            self._values[destination]["held"] = held.get(destination, 0)
        self.volumes = Volumes(database, pending)
        self._delta: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._pending: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.shown: Mapping[str, Counts] = {name: _counts(values) for name, values in self._values.items()}
        self.dead_lettered = DeadLetterCounts()
        self.moves = Moves()
        """What becomes of rows beside what is settled."""

    def dead(self, destination: str, reason: str, code: str = "") -> None:
        """A row becomes a dead letter inside the present transaction; `code` is the vendor's."""
        self.add(destination, DEAD + reason, 1)
        self.dead_lettered.add(destination, reason, code)

    def add(self, destination: str, name: str, number: int) -> None:
        """Change a counter inside the present transaction. For `pending`, `wait` knows the bytes as well."""
        self._delta[destination, name] += number
        if name == "pending":
            self.volumes.add(destination, number, None)

    def wait(self, destination: str, rows: int, payload: int) -> None:
        """Rows begin to wait, or do no more (then both are negative), inside the present transaction; `payload`: bytes
        of their payloads."""
        self._delta[destination, "pending"] += rows
        self.volumes.add(destination, rows, payload)

    def pending(self, destination: str) -> int:
        """How many deliveries of a destination wait to be sent, as of the last commit."""
        counts = self.shown.get(destination)
        return counts.pending - counts.waiting if counts is not None else 0

    def write(self, database: sqlite3.Connection) -> None:
        """Write the changes since the last call; the last statement of every operation that moves rows."""
        if not self._delta:
            return
        changed: list[tuple[str, str, int]] = []
        for key, number in self._delta.items():
            self._pending[key] += number
            if number:
                changed.append((*key, number))
        if changed:
            database.executemany(
                "INSERT INTO counter (destination, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (destination, name) DO UPDATE SET value = value + excluded.value",
                changed,
            )
        self.volumes.write(database)
        self._delta.clear()

    def committed(self, ok: bool) -> None:
        """After a group: take its changes over, or forget them."""
        if ok and not self._pending:
            return  # nothing was moved
        self.dead_lettered.committed(ok)
        self.moves.committed(ok)
        self.volumes.committed(ok)
        if ok:
            for (destination, name), number in self._pending.items():
                self._values[destination][name] += number
            changed = {destination for destination, _ in self._pending}
            self.shown = {**self.shown, **{name: _counts(self._values[name]) for name in changed}}
        self._pending.clear()
        self._delta.clear()


def _counts(values: Counter[str]) -> Counts:
    dead = {name.removeprefix(DEAD): value for name, value in sorted(values.items()) if name.startswith(DEAD) and value}
    return Counts(
        accepted=values.get("accepted", 0),
        delivered=values.get("delivered", 0),
        pending=values.get("pending", 0) + values.get("held", 0),
        waiting=values.get("held", 0),
        erased=values.get("erased", 0),
        dead=sum(dead.values()),
        dead_by_reason=dead,
    )


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
        self._row_delta: defaultdict[str, int] = defaultdict(int)
        self._byte_delta: defaultdict[str, int] = defaultdict(int)
        self._changed: dict[str, tuple[int, int]] = {}

    def of(self, destination: str) -> int:
        """Bytes that wait, as of the last commit."""
        return self._bytes.get(destination, 0)

    def now(self, destination: str) -> int:
        """Bytes that wait, with what the present transaction has changed."""
        return self._bytes.get(destination, 0) + self._byte_delta.get(destination, 0)

    def add(self, destination: str, rows: int, payload: int | None) -> None:
        """Rows came, or went (then both are negative), inside the present transaction; `payload`: bytes of their
        payloads, None where nobody has looked: then they are as large as the others on average."""
        if payload is None:
            average = self.of(destination) // (self._rows.get(destination) or 1)
            size = rows * max(average, ROW_BYTES)
        else:
            size = payload + rows * ROW_BYTES
        self._row_delta[destination] += rows
        self._byte_delta[destination] += size

    def write(self, database: sqlite3.Connection) -> None:
        """Reckon with what has changed since the last call, inside the present transaction."""
        for destination, more in self._row_delta.items():
            rows = max(0, self._rows.get(destination, 0) + more)
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
    return rows * ROW_BYTES + int(size)


def _estimate(database: sqlite3.Connection, destination: str, rows: int) -> int:
    """As large as the oldest ones and the newest."""
    pieces = [
        f"SELECT length(body) AS size FROM delivery WHERE destination = ? ORDER BY id {order} LIMIT {SAMPLE}"  # noqa: S608 (ours)
        for order in ("ASC", "DESC")
    ]
    query = f"SELECT avg(size) FROM (SELECT * FROM ({pieces[0]}) UNION ALL SELECT * FROM ({pieces[1]}))"  # noqa: S608 (ours)
    (average,) = database.execute(query, (destination, destination)).fetchone()
    return rows * (ROW_BYTES + round(average or 0))
