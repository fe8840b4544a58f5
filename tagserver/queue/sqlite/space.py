"""Room for the queue: when nothing more is taken in, and what is kept back so that a full disk can still be emptied.

Old deliveries are never dropped to make room. Taking in stops before the file's limit or the disk's reserve is
reached and begins again well below it; a small file of nothing (the ballast) is given up when another program fills
the disk, so that what is delivered can still be recorded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from tagserver.queue.sqlite.ballast import SIZE, Ballast
from tagserver.system.amounts import size as size_text

STOP = 0.95
RESUME = 0.80
"""Of the limit: taking in stops above the one, and begins again below the other."""
LOOK_EVERY = 0.5


class Space:
    """Looked up at most twice a second. Sizes in bytes; `steady` seconds that never jump."""

    def __init__(self, path: Path, max_size: int, min_free: int, steady: Callable[[], float]) -> None:
        self._path = path
        self.ballast = Ballast(path)
        self._max_size = max_size
        self._min_free = min_free
        self._steady = steady
        self._looked = float("-inf")
        self._shedding = False
        self._low: str | None = None
        self._page = 0
        self.used = 0
        self.restore()

    @property
    def limit(self) -> int:
        """The most that the file may hold."""
        return self._max_size

    def measure(self, database: sqlite3.Connection) -> None:
        """How much of the file is in use. Called by the writer in each of its groups."""
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        free = database.execute("PRAGMA freelist_count").fetchone()[0]
        if self._page == 0:
            self._page = database.execute("PRAGMA page_size").fetchone()[0]
        self.used = (pages - free) * self._page

    def refusal(self, size: int = 0) -> str | None:
        """Why nothing more, or nothing of `size`, is taken in; or None."""
        if self.used + size > self._max_size:
            return f"the queue is full: {size_text(self.used)} of {size_text(self._max_size)}"
        share = self.used / self._max_size
        self._shedding = share >= STOP or (self._shedding and share > RESUME)
        if self._shedding:
            return f"the queue is full: {size_text(self.used)} of {size_text(self._max_size)}"
        now = self._steady()
        if now - self._looked > LOOK_EVERY:
            self._looked = now
            free = self.ballast.free()
            self._low = None
            # What the ballast gave up is for what waits: to take in again for it would end at the same place at once.
            kept = self._min_free + self.ballast.owed
            if free is not None and free < kept:
                self._low = f"the disk has {size_text(free)} left, and {size_text(kept)} are kept free"
        return self._low

    @property
    def scarce(self) -> bool:
        """Whether the disk, not the file's own limit, was why something was refused when it was last looked at."""
        return self._low is not None

    def may_give_back(self, pages: int) -> bool:
        """Whether so many pages of the file, and its log, may be given back: unless the disk is full, and had too
        little room even then."""
        free = self.ballast.free()
        if free is None or free >= SIZE:
            return True
        return free + pages * self._page + self.log_size() >= self._min_free

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def give_up_ballast(self) -> bool:
        """Something could not be written for lack of room: make some on the disk, if that is what is full."""
        free = self.ballast.free()
        if free is not None and free > SIZE:
            return False  # the file's own limit
        self._looked = self._steady()
        self._low = "the disk is full"
        return self.ballast.give_up()

    def restore(self) -> None:
        """Put the ballast back when there is plenty of room."""
        self.ballast.restore(self._min_free)
