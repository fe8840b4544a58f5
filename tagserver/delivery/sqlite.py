"""The default engine: one SQLite file, WAL, `synchronous=FULL`, one owning process, one writer thread with group
commit."""

from __future__ import annotations

import array
import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tagserver.delivery.counters import DEAD, Counters
from tagserver.delivery.lock import FolderLock
from tagserver.delivery.outbox import DEDUP_TTL, Batch, Counts, Delivery, Full, Row, Settlement, Unavailable
from tagserver.delivery.schema import COLUMNS, open_database
from tagserver.delivery.writer import Writer

CRASHES_ALONE = 3
"""A row that was in flight in this many crashes is claimed alone; after one more it is buried."""
PURGE_SLICE = 500
PURGE_EVERY_S = 600.0

_MOST_ROWS = 64


def _pieces(rows: int) -> Iterator[tuple[int, int]]:
    """(start, length) of powers of two that cover `rows`: few statement texts, which SQLite prepares once each."""
    start = 0
    while start < rows:
        length = min(_MOST_ROWS, 1 << ((rows - start).bit_length() - 1))
        yield start, length
        start += length


@lru_cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO delivery ({', '.join(COLUMNS)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 (our own names)


@lru_cache
def _remember(rows: int) -> str:
    return (
        f"INSERT INTO known (key, expires) VALUES {', '.join(['(?, ?)'] * rows)} "  # noqa: S608 (our own names)
        "ON CONFLICT (key) DO UPDATE SET expires = excluded.expires WHERE known.expires <= ? RETURNING key"
    )


_SELECT = f"SELECT id, attempts, unknown_since, crashes, {', '.join(COLUMNS)} FROM delivery"  # noqa: S608 (our own names)
_BURY = (
    f"INSERT INTO dead (id, attempts, reason, detail, buried, {', '.join(COLUMNS)}) "  # noqa: S608 (our own names)
    f"SELECT id, attempts, ?, ?, ?, {', '.join(COLUMNS)} FROM delivery WHERE id = ?"
)


@dataclass(frozen=True, slots=True)
class _Flight:
    destination: str
    ids: frozenset[int]


class SqliteOutbox:
    """An `Outbox` in one file. Made by `open`."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int],
        max_size: int,
        min_free: int,
        keep_dead: float,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._path = path
        self._clock = clock
        self._min_free = min_free
        self._keep_dead = keep_dead
        self._closed = False
        self._lock = FolderLock(path.with_name(path.name + ".lock"))
        try:
            self._database = open_database(path, max_size)
            self._recover()
            self._counters = Counters(self._database)
        except BaseException:
            self._lock.release()
            raise
        self._in_flight: dict[int, _Flight] = {}
        self._flying: set[int] = set()
        # Ids up to these have been claimed: a claim need not look at them again, unless some are released.
        self._claimed_to: dict[str, int] = {}
        # What the present group has changed above, to be undone if it is not committed.
        self._started: list[int] = []
        self._landed: list[tuple[int, _Flight]] = []
        self._tombstones = dict(self._database.execute("SELECT person, expires FROM tombstone"))
        self._appended: dict[str, asyncio.Event] = {}
        self._free_checked = -60.0
        self._low_disk: str | None = None
        self._purged = time.monotonic()
        self._purge_from = b""
        self._writer = Writer(
            self._database,
            finish=self._counters.write,
            committed=self._group_ended,
            idle=self._idle,
            on_fatal=on_fatal,
        )

    def _group_ended(self, ok: bool) -> None:
        if not ok:
            for flight, known in self._landed:
                self._in_flight[flight] = known
                self._flying |= known.ids
            for flight in self._started:
                if (gone := self._in_flight.pop(flight, None)) is not None:
                    self._flying -= gone.ids
            self._claimed_to.clear()
        self._started.clear()
        self._landed.clear()
        self._counters.committed(ok)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], int],
        max_size: int = 8 << 30,
        min_free: int = 512 << 20,
        keep_dead: float = 14 * 86400.0,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> SqliteOutbox:
        """Open or make the file. Sizes in bytes, `keep_dead` in seconds. Raises OutboxStartError."""
        return cls(path, clock, max_size, min_free, keep_dead, on_fatal or (lambda error: None))

    def _recover(self) -> None:
        """Rows in flight when the last process ended had a part in its end, perhaps: count it, then they are ready
        again."""
        database = self._database
        flights = database.execute("SELECT ids FROM flight").fetchall()
        if not flights:
            return
        ids: set[int] = set()
        for (packed,) in flights:
            ids.update(array.array("q", packed))
        database.execute("BEGIN IMMEDIATE")
        database.executemany("UPDATE delivery SET crashes = crashes + 1 WHERE id = ?", [(one,) for one in ids])
        database.execute("DELETE FROM flight")
        database.execute("COMMIT")

    # ── taking in
    # ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        """See `Outbox.append`."""
        if self._closed:
            raise Unavailable("the server is closing")
        if (why := self._disk_is_low()) is not None:
            raise Full(why, 15)
        size = sum(len(delivery.body) for delivery in deliveries) + 200 * len(deliveries)
        fresh: list[bool] = await self._writer.join(self._append, deliveries, size)
        for destination in {delivery.destination for delivery, new in zip(deliveries, fresh, strict=True) if new}:
            if (event := self._appended.get(destination)) is not None:
                event.set()
        return fresh

    def _append(self, database: sqlite3.Connection, requests: Sequence[Sequence[Delivery]]) -> list[list[bool]]:
        """All the deliveries of several requests, as few statements: each costs a change of hands with the loop."""
        new = self._remember_new(database, {delivery.key for request in requests for delivery in request})
        fresh: list[list[bool]] = []
        values: list[Any] = []
        taken: Counter[str] = Counter()
        for request in requests:
            answer: list[bool] = []
            for delivery in request:
                first = delivery.key in new
                answer.append(first)
                if first:
                    new.remove(delivery.key)
                    values += _values(delivery)
                    taken[delivery.destination] += 1
            fresh.append(answer)
        width = len(COLUMNS)
        for start, rows in _pieces(len(values) // width):
            database.execute(_insert(rows), values[start * width : (start + rows) * width])
        for destination, number in taken.items():
            self._counters.add(destination, "accepted", number)
            self._counters.add(destination, "pending", number)
        return fresh

    def _remember_new(self, database: sqlite3.Connection, keys: Collection[bytes]) -> set[bytes]:
        """Write dedup keys; those that were not known, or past their time."""
        now = self._clock()
        expires = now + int(DEDUP_TTL * 1000)
        waiting = sorted(keys)
        new: set[bytes] = set()
        for start, rows in _pieces(len(waiting)):
            values = [value for key in waiting[start : start + rows] for value in (key, expires)]
            new.update(key for (key,) in database.execute(_remember(rows), [*values, now]))
        return new

    def _disk_is_low(self) -> str | None:
        """Why nothing more is taken, looked up about once a second."""
        now = time.monotonic()
        if now - self._free_checked > 1.0:
            self._free_checked = now
            self._low_disk = None
            with contextlib.suppress(OSError):
                free = shutil.disk_usage(self._path.parent).free
                if free < self._min_free:
                    self._low_disk = f"the disk has {free >> 20} MiB left, and {self._min_free >> 20} MiB are kept free"
        return self._low_disk

    # ── giving out
    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False) -> Batch | None:
        """See `Outbox.claim`."""
        batch: Batch | None = await self._writer.run(
            lambda database: self._claim(database, destination, max_items, max_bytes, newest)
        )
        return batch

    def _claim(
        self, database: sqlite3.Connection, destination: str, max_items: int, max_bytes: int, newest: bool
    ) -> Batch | None:
        order = "DESC" if newest else "ASC"
        after = 0 if newest else self._claimed_to.get(destination, 0)
        cursor = database.execute(
            f"{_SELECT} WHERE destination = ? AND id > ? ORDER BY id {order}", (destination, after)
        )
        rows: list[Row] = []
        size = 0
        skipped: int | None = None
        try:
            for record in cursor:
                if record[0] in self._flying:
                    continue
                row = _read(record)
                if rows and (row.delivery.group != rows[0].delivery.group or row.crashes >= CRASHES_ALONE):
                    if (
                        row.delivery.group != rows[0].delivery.group
                        and len(rows) < max_items
                        and record[0] - rows[0].id < 10_000
                    ):
                        skipped = skipped or record[0]
                        continue  # another group's; ours may stand further on
                    break
                size += len(row.delivery.body) + 1
                if rows and size > max_bytes:
                    break
                rows.append(row)
                if len(rows) >= max_items or row.crashes >= CRASHES_ALONE:
                    break
        finally:
            cursor.close()
        if not rows:
            return None
        ids = frozenset(row.id for row in rows)
        if not newest:
            self._claimed_to[destination] = rows[-1].id if skipped is None else skipped - 1
        packed = array.array("q", sorted(ids)).tobytes()
        flight = database.execute(
            "INSERT INTO flight (destination, ids) VALUES (?, ?)", (destination, packed)
        ).lastrowid
        assert flight is not None
        self._in_flight[flight] = _Flight(destination, ids)
        self._started.append(flight)
        self._flying |= ids
        return Batch(flight, tuple(rows))

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """See `Outbox.settle`."""
        await self._writer.run(lambda database: self._settle(database, batch, settlement))

    def _settle(self, database: sqlite3.Connection, batch: Batch, settlement: Settlement) -> None:
        flight = self._in_flight.get(batch.flight)
        if flight is None:
            return
        ids = flight.ids
        now = self._clock()
        destination = batch.rows[0].delivery.destination
        delivered = [one for one in settlement.delivered if one in ids]
        buried = [one for one in settlement.buried if one.id in ids]
        if len(delivered) == len(ids) and _consecutive(ids):
            database.execute(
                "DELETE FROM delivery WHERE id BETWEEN ? AND ? AND destination = ?", (min(ids), max(ids), destination)
            )
        else:
            database.executemany("DELETE FROM delivery WHERE id = ?", [(one,) for one in delivered])
        for one in buried:
            database.execute(_BURY, (one.reason, one.detail[:500], now, one.id))
            database.execute("DELETE FROM delivery WHERE id = ?", (one.id,))
            self._counters.add(destination, DEAD + one.reason, 1)
        database.executemany(
            "UPDATE delivery SET attempts = attempts + 1 WHERE id = ?", [(one,) for one in settlement.attempted]
        )
        database.executemany(
            "UPDATE delivery SET attempts = attempts + 1, unknown_since = coalesce(unknown_since, ?) WHERE id = ?",
            [(now, one) for one in settlement.unknown],
        )
        database.execute("DELETE FROM flight WHERE id = ?", (batch.flight,))
        self._counters.add(destination, "delivered", len(delivered))
        self._counters.add(destination, "pending", -len(delivered) - len(buried))
        self._landed.append((batch.flight, self._in_flight.pop(batch.flight)))
        self._flying -= ids
        released = ids.difference(delivered, (one.id for one in buried))
        if released:
            self._claimed_to[destination] = min(self._claimed_to.get(destination, 0), min(released) - 1)

    async def wait(self, destination: str) -> None:
        """See `Outbox.wait`."""
        event = self._appended.setdefault(destination, asyncio.Event())
        event.clear()
        flying = sum(len(flight.ids) for flight in list(self._in_flight.values()) if flight.destination == destination)
        if self.ready(destination) > flying:
            return
        await event.wait()

    def ready(self, destination: str) -> int:
        """See `Outbox.ready`."""
        counts = self._counters.shown.get(destination)
        return counts.pending if counts else 0

    def counts(self) -> Mapping[str, Counts]:
        """See `Outbox.counts`."""
        return self._counters.shown

    async def oldest(self, destination: str) -> int | None:
        """See `Outbox.oldest`."""
        if not self.ready(destination):
            return None

        def work(database: sqlite3.Connection) -> int | None:
            found = database.execute(
                "SELECT received FROM delivery WHERE destination = ? ORDER BY id LIMIT 1", (destination,)
            ).fetchone()
            return found[0] if found else None

        oldest: int | None = await self._writer.run(work)
        return oldest

    # ── keys, tombstones
    # ────────────────────────────────────────────────────────────────────────────────────────────────

    async def remember(self, keys: Sequence[bytes], ttl: float) -> None:
        """See `Outbox.remember`."""
        expires = self._clock() + int(ttl * 1000)
        rows = [(key, expires) for key in keys]
        await self._writer.run(
            lambda database: database.executemany("INSERT OR REPLACE INTO known (key, expires) VALUES (?, ?)", rows)
        )

    async def known(self, keys: Sequence[bytes]) -> frozenset[bytes]:
        """See `Outbox.known`."""
        now = self._clock()

        def work(database: sqlite3.Connection) -> frozenset[bytes]:
            query = "SELECT 1 FROM known WHERE key = ? AND expires > ?"
            return frozenset(key for key in keys if database.execute(query, (key, now)).fetchone())

        found: frozenset[bytes] = await self._writer.run(work)
        return found

    async def withdraw(self, persons: Sequence[bytes], ttl: float) -> None:
        """See `Outbox.withdraw`."""
        expires = self._clock() + int(ttl * 1000)
        rows = [(person, expires) for person in persons]
        await self._writer.run(
            lambda database: database.executemany(
                "INSERT OR REPLACE INTO tombstone (person, expires) VALUES (?, ?)", rows
            )
        )
        self._tombstones.update(rows)

    def withdrawn(self, persons: Sequence[bytes]) -> bool:
        """See `Outbox.withdrawn`."""
        if not self._tombstones:
            return False
        now = self._clock()
        return any(self._tombstones.get(person, 0) > now for person in persons)

    # ── care and end
    # ────────────────────────────────────────────────────────────────────────────────────────────────────

    def trouble(self) -> str | None:
        """See `Outbox.trouble`."""
        if self._closed:
            return "the queue is closed"
        if self._writer.fatal is not None:
            return f"the queue's storage has failed: {self._writer.fatal}"
        return self._disk_is_low()

    def _idle(self, database: sqlite3.Connection) -> bool:
        """Remove what is past its time, in slices, while nobody waits."""
        if time.monotonic() - self._purged < PURGE_EVERY_S:
            return False
        now = self._clock()
        database.execute("BEGIN IMMEDIATE")
        # Keys are looked through in their own order, a slice at a time: an index by time would cost every append a
        # write.
        seen = database.execute(
            "SELECT key, expires FROM known WHERE key > ? ORDER BY key LIMIT ?", (self._purge_from, PURGE_SLICE)
        ).fetchall()
        database.executemany("DELETE FROM known WHERE key = ?", [(key,) for key, expires in seen if expires <= now])
        limit = now - int(self._keep_dead * 1000)
        old = database.execute(
            "SELECT id, destination, reason FROM dead WHERE buried <= ? ORDER BY buried LIMIT ?", (limit, PURGE_SLICE)
        ).fetchall()
        for one, destination, reason in old:
            database.execute("DELETE FROM dead WHERE id = ?", (one,))
            self._counters.add(destination, DEAD + reason, -1)
            self._counters.add(destination, "erased", 1)
        self._counters.write(database)
        database.execute("COMMIT")
        self._group_ended(True)
        self._purge_from = seen[-1][0] if len(seen) == PURGE_SLICE else b""
        if self._purge_from or len(old) == PURGE_SLICE:
            return True
        self._purged = time.monotonic()
        return False

    async def close(self) -> None:
        """See `Outbox.close`."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
        self._lock.release()


def _consecutive(ids: frozenset[int]) -> bool:
    return max(ids) - min(ids) + 1 == len(ids)


def _values(delivery: Delivery) -> tuple[Any, ...]:
    return (
        delivery.event_id,
        delivery.name,
        delivery.tag,
        delivery.destination,
        delivery.container,
        delivery.mode,
        _purposes_text(delivery.purposes),
        b"".join(delivery.person),
        delivery.group,
        delivery.time,
        delivery.received,
        delivery.expires,
        delivery.identity,
        delivery.body,
    )


@lru_cache(maxsize=256)
def _purposes_text(purposes: frozenset[str]) -> str:
    return " ".join(sorted(purposes))


@lru_cache(maxsize=256)
def _purposes(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _read(record: tuple[Any, ...]) -> Row:
    (
        one, attempts, unknown_since, crashes,
        event_id, name, tag, destination, container, mode, purposes, person,
        group, at, received, expires, identity, body,
    ) = record  # fmt: skip
    delivery = Delivery(
        key=b"",  # needed only when it is stored
        event_id=event_id,
        name=name,
        tag=tag,
        destination=destination,
        container=container,
        mode=mode,
        purposes=_purposes(purposes),
        person=tuple(person[at : at + 16] for at in range(0, len(person), 16)),
        group=group,
        time=at,
        received=received,
        expires=expires,
        identity=identity,
        body=body,
    )
    return Row(one, delivery, attempts, unknown_since, crashes)
