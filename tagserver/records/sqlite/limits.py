"""How long records are kept, and how large the file may become.

What counts against the size is the file with its log, less what orders and their fates take: these outlive the records
by `ORDERS_KEPT`, whatever the size. The room of what was removed is used again before the file grows.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tagserver.queue.sqlite.backpressure import empty_log
from tagserver.records.sqlite.kinds import AllSeries
from tagserver.records.sqlite.rows import PAGE
from tagserver.records.sqlite.series import Series, rooms
from tagserver.system.time import LONG_CALM, Time

ORDERS_KEPT = 90 * 86400.0
"""Seconds."""
REFUSED_SHARE = 0.05
"""Of the size, at most, for refused requests."""
LOG_PAGES = 1000
"""Pages of the log from which on it is written into the file; of a small file less."""
LOG_SHARE = 16
"""So much smaller than the size the log is at that moment, at least; it may become twice as large."""
SPARE = 16 * PAGE
"""For pages whose number nobody can tell beforehand."""
WASTED = 2048
"""Free pages that stay in the file, if they are not more than half of it."""
GIVEN_BACK = 8192
"""Pages that are given back after one group, at most."""


class Cutoffs:
    """Before which times nothing is shown, and is removed. A clock that is not believed removes nothing, and what was
    gone does not come again when it is set back."""

    def __init__(self, time: Time, keep: float) -> None:
        self._time = time
        self.keep = keep
        self._records = self._orders = 0

    def records(self) -> int:
        """Of events and attempts, ms."""
        self._renew()
        return self._records

    def orders(self) -> int:
        """Of orders and their fates, ms."""
        self._renew()
        return self._orders

    def _renew(self) -> None:
        if self._time.trusted(LONG_CALM):
            now = self._time.now()
            self._records = max(self._records, now - int(self.keep * 1000))
            self._orders = max(self._orders, now - int(ORDERS_KEPT * 1000))


class Space:
    """The size of the file; whoever writes asks."""

    def __init__(self, path: Path, database: sqlite3.Connection, series: AllSeries, max_size: int) -> None:
        self._log = Path(f"{path}-wal")
        self._series = series
        self._counted: tuple[Series[Any], ...] = (series.events, series.attempts, series.refused)
        self._pages = self._free = self._live = 0
        self.take(database, max_size)

    def take(self, database: sqlite3.Connection, max_size: int) -> None:
        """From here on it may have so many bytes."""
        self.max_size = max_size
        pages = max(32, min(LOG_PAGES, max_size // LOG_SHARE // PAGE))
        self._log_room = 2 * pages * PAGE
        database.execute(f"PRAGMA wal_autocheckpoint={pages}")
        database.execute(f"PRAGMA journal_size_limit={self._log_room}")

    @property
    def apart(self) -> int:
        """Bytes that do not count."""
        return rooms((self._series.orders, self._series.fates))

    def begin(self, database: sqlite3.Connection) -> None:
        """A group begins."""
        self._pages, self._free = _pages(database)
        self._live = (self._pages - self._free) * PAGE

    def make(self, database: sqlite3.Connection, series: Series[Any] | None, need: int) -> None:
        """Make room for `need` bytes of a series, or of something else: the oldest blocks go."""
        if series is self._series.refused:
            self._make_for_refused(database, need)
        if series is not self._series.orders and series is not self._series.fates:
            most = self.max_size - self._log_room - SPARE + self.apart
            while self._live + need > most and self._remove_oldest(database):
                pass
        self._live += need

    def _make_for_refused(self, database: sqlite3.Connection, need: int) -> None:
        refused = self._series.refused
        while refused.room + need > self.max_size * REFUSED_SHARE and (oldest := refused.oldest(database)):
            refused.remove(database, oldest)
            self._live -= oldest.room

    def _remove_oldest(self, database: sqlite3.Connection) -> bool:
        """Whether there was a block to remove."""
        found = [
            (oldest.since, number, one, oldest)
            for number, one in enumerate(self._counted)
            if (oldest := one.oldest(database)) is not None
        ]
        if not found:
            return False
        _, _, one, oldest = min(found)
        one.remove(database, oldest)
        self._live -= oldest.room
        return True

    def expire(self, database: sqlite3.Connection, cutoffs: Cutoffs) -> None:
        """Remove blocks in which all is too old."""
        records, orders = cutoffs.records(), cutoffs.orders()
        for one in self._series.all:
            before = orders if one is self._series.orders or one is self._series.fates else records
            one.let_go(before)
            while (oldest := one.oldest(database)) is not None and oldest.until < before:
                one.remove(database, oldest)
                self._live -= oldest.room

    def give_back(self, database: sqlite3.Connection) -> None:
        """After a group: the log is cut where it has become too large, and free pages go back to the disk where they
        are too many."""
        if self._log_size() > self._log_room:
            empty_log(database)
        pages, free = self._pages, self._free  # as they were when it began: that is near enough, and asks nothing
        most = self.max_size - self._log_room + self.apart
        if not (free > max(WASTED, pages // 2) or (free and pages * PAGE > most)):
            return
        # `execute` would give back one page: it takes a single step of a statement that has no columns.
        database.executescript(f"PRAGMA incremental_vacuum({GIVEN_BACK})")
        empty_log(database)  # only now is the file itself cut

    def used(self, database: sqlite3.Connection) -> int:
        """Bytes of the file with its log, less those that do not count."""
        return max(0, _pages(database)[0] * PAGE + self._log_size() - self.apart)

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0


def _pages(database: sqlite3.Connection) -> tuple[int, int]:
    """Those of the file, and those of them that are free."""
    pages: int = database.execute("PRAGMA page_count").fetchall()[0][0]
    free: int = database.execute("PRAGMA freelist_count").fetchall()[0][0]
    return pages, free
