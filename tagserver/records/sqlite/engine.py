"""The store of records in one SQLite file, `records.db`: one connection that writes, one group a transaction, and a few
that read beside it. What it does is in `tagserver.records.api`; how it lies there in `blocks`, `rows` and `series`."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from tagserver.queue.sqlite.backpressure import empty_log
from tagserver.queue.sqlite.schema import is_full
from tagserver.records.api import Group, Kept, RecordsError
from tagserver.records.sqlite.amending import UNENCODABLE, amend, encodable
from tagserver.records.sqlite.connections import Readers
from tagserver.records.sqlite.containers import Containers
from tagserver.records.sqlite.erasing import Erasure
from tagserver.records.sqlite.kinds import AllSeries
from tagserver.records.sqlite.limits import Cutoffs, Space
from tagserver.records.sqlite.opening import Damaged, is_damage, open_records, remove_set_aside, set_aside
from tagserver.records.sqlite.reading import SqliteReading
from tagserver.records.sqlite.series import Series
from tagserver.records.sqlite.sharing import put_share
from tagserver.records.values import EventRecord, Share
from tagserver.system.files import os_fault
from tagserver.system.time import Time

log = logging.getLogger("tagserver.records")

EXPIRE_EVERY = 10.0
"""Seconds between two looks for what is too old."""
TRIES = 2
"""How often those who read are waited for, `opening.WAIT` each time, so that the log can be emptied."""


class SqliteRecords(SqliteReading):
    """A `RecordStore`. Made by `open`. One thread at a time writes, erases or shares; the others wait for it."""

    def __init__(self, path: Path, *, keep: float, max_size: int, time: Time) -> None:
        self._path = path
        self._time = time
        self._max_size = max_size
        self._lock = threading.Lock()
        self._closed = False
        self._cutoffs = Cutoffs(time, keep)
        self._following = 1
        with contextlib.suppress(OSError):
            remove_set_aside(path, time.now() / 1000 - keep)
        self._begin()
        with contextlib.suppress(RecordsError):
            self.write(Group())  # what has become too old meanwhile goes

    @classmethod
    def open(cls, path: Path, *, keep: float, max_size: int, time: Time) -> Self:
        """Open or make the file. `keep`: seconds that events and attempts are kept; `max_size`: bytes of the file with
        its log, at least 4 MiB, less what orders take. Raises RecordsError."""
        return cls(path, keep=keep, max_size=max_size, time=time)

    def limit(self, keep: float, max_size: int) -> None:
        """From the next group on it keeps so many seconds, and may take so many bytes. Waits for nobody."""
        self._cutoffs.keep, self._max_size = keep, max_size
        self._expired = float("-inf")

    def write(self, group: Group) -> list[EventRecord]:
        """See `Recording.write`. A group of nothing removes what has become too old."""
        with self._lock:
            self._require_open()
            if self._readers.damaged:
                self._begin_anew("somebody who read has met damage")
            try:
                return self._write(group)
            except Damaged as damage:
                self._begin_anew(str(damage))
            except UNENCODABLE as error:
                log.error("something in a group of records cannot be kept: %s", error)
                group = encodable(group)
            try:
                return self._write(group)
            except UNENCODABLE as error:
                raise RecordsError(f"a group of records cannot be kept: {error}") from None

    def erase(self, persons: Collection[bytes], orders: Collection[str] = ()) -> int:
        """See `Erasing.erase`. A file that was set aside as damaged is removed, too."""
        with self._lock:
            self._require_open()
            with self._transaction() as database:
                erasure = Erasure(database, partial(_ask, database), persons, orders, self._cutoffs.records())
                removed = erasure.run(self._series)
                self._series.settle(database, self._following)
                _note_next(database, self._following)
            self._empty_log()
            try:
                remove_set_aside(self._path)
            except OSError as error:
                raise RecordsError(f"a damaged file of records cannot be removed: {os_fault(error)}") from None
            return removed

    def share(self, share: Share) -> None:
        """See `Sharing.share`."""
        records = self.of_event(share.event_id)
        with self._lock:
            self._require_open()
            with self._transaction() as database:
                self._begin_group(database)
                put_share(database, share, records, self._time.now(), self._space)

    def revoke(self, name: str) -> bool:
        """See `Sharing.revoke`."""
        with self._lock:
            self._require_open()
            with self._transaction() as database:
                return database.execute("DELETE FROM share WHERE id = ?", (name,)).rowcount > 0

    def kept(self) -> Kept:
        """See `Reading.kept`."""
        count, since = self._count()
        with self._lock:
            self._require_open()
            with self._failing():
                return Kept(count, since, self._space.used(self._database), self._max_size)

    def close(self) -> None:
        """See `Recording.close`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._end()

    # ── the file

    def _begin(self) -> None:
        self._database = open_records(self._path)
        self._readers = Readers(self._path)
        self._containers = Containers()
        with self._failing():
            self._series = AllSeries(self._database)
            stored = self._database.execute("SELECT value FROM number WHERE name = 'next'").fetchall()
            self._series.events.next = self._following = max(
                self._following, self._series.next, stored[0][0] if stored else 0
            )
            self._space = Space(self._path, self._database, self._series, self._max_size)
        self._expired = float("-inf")

    def _end(self) -> None:
        """The connection that writes is the last one, and writes the log into the file."""
        self._readers.close()
        with contextlib.suppress(sqlite3.Error):
            _note_next(self._database, self._following)
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def _begin_anew(self, why: str) -> None:
        log.error("the records %s are damaged: %s", self._path, why)
        self._readers.close()
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        set_aside(self._path)
        self._begin()

    def _require_open(self) -> None:
        if self._closed:
            raise RecordsError("the records are closed")

    # ── writing

    def _write(self, group: Group) -> list[EventRecord]:
        with self._transaction() as database:
            series = self._series
            self._begin_group(database)
            self._expire(database)
            events, following = amend(database, series.refused, group.events, series.next, self._cutoffs, self._room)
            refused = [one for one in events.new if one.status == "refused"]
            others = [one for one in events.new if one.status != "refused"] if refused else events.new
            self._add(database, series.events, others)
            self._add(database, series.refused, refused)
            self._add(database, series.attempts, group.attempts)
            self._add(database, series.orders, group.orders)
            self._add(database, series.fates, group.fates)
            if group.containers:
                self._containers.put(database, group.containers, self._space)
            if events.new:
                self._containers.name(database, events.new)
        self._following = following
        with contextlib.suppress(sqlite3.Error):  # the group is written; what is wrong will be told by the next one
            self._space.give_back(self._database)
        return events.all

    def _begin_group(self, database: sqlite3.Connection) -> None:
        if self._space.max_size != self._max_size:
            self._space.take(database, self._max_size)
        self._space.begin(database)

    def _room(self, series: Series[Any]) -> partial[None]:
        return partial(self._space.make, self._database, series)

    def _add(self, database: sqlite3.Connection, series: Series[Any], records: Sequence[Any]) -> None:
        if records:
            series.add(database, records, self._room(series))

    def _expire(self, database: sqlite3.Connection) -> None:
        now = self._time.monotonic()
        if now - self._expired < EXPIRE_EVERY:
            return
        self._space.expire(database, self._cutoffs)
        self._containers.expire(database, self._series.first(database), self._space)
        database.execute("DELETE FROM share WHERE expires <= ?", (self._time.now(),))
        _note_next(database, self._following)
        self._expired = now

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing. Raises RecordsError and Damaged."""
        with self._failing():
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        self._containers.settle()
        with contextlib.suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._series.settle(self._database, self._following)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if is_damage(error):
                self._readers.damaged = True
                raise Damaged(str(error)) from None
            if is_full(error):
                raise RecordsError(
                    f"there is no room on the disk for the records {self._path}: what comes is lost until there is"
                ) from None
            raise RecordsError(f"the records {self._path} cannot be written: {error}") from None

    def _empty_log(self) -> None:
        """What was erased still is in the log. Raises RecordsError."""
        with self._failing():
            if not any(empty_log(self._database) for _ in range(TRIES)):
                raise RecordsError(
                    "it is erased from the records, but another program reads their file, so that their log "
                    f"{self._path.name}-wal still holds it: end that program, and erase once more"
                )


def _ask(database: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[Any]:
    return database.execute(query, values).fetchall()


def _note_next(database: sqlite3.Connection, number: int) -> None:
    """No number is given twice, also when the records with the last ones are gone."""
    database.execute("INSERT OR REPLACE INTO number (name, value) VALUES ('next', ?)", (number,))
