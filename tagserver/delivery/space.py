"""Room for the queue: when nothing more is taken in, and what is kept back so that a full disk can still be emptied.

Old deliveries are never dropped to make room. Taking in stops before the file's limit or the disk's reserve is
reached and begins again well below it; a small file of nothing (the ballast) is given up when another program fills
the disk, so that what is delivered can still be recorded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tagserver.delivery.schema import BALLAST_ENDING

STOP = 0.95
RESUME = 0.80
"""Of the limit: taking in stops above the one, and begins again below the other."""
BALLAST = 16 << 20
LOOK_EVERY = 0.5


class Space:
    """Looked up at most twice a second. Sizes in bytes; `steady` seconds that never jump."""

    def __init__(self, path: Path, max_size: int, min_free: int, steady: Callable[[], float]) -> None:
        self._path = path
        self._ballast = path.with_name(path.name + BALLAST_ENDING)
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
            return f"the queue is full: {self.used >> 20} of {self._max_size >> 20} MiB"
        share = self.used / self._max_size
        self._shedding = share >= STOP or (self._shedding and share > RESUME)
        if self._shedding:
            return f"the queue is full: {self.used >> 20} of {self._max_size >> 20} MiB"
        now = self._steady()
        if now - self._looked > LOOK_EVERY:
            self._looked = now
            free = self._free()
            self._low = None
            if free is not None and free < self._min_free:
                self._low = f"the disk has {free >> 20} MiB left, and {self._min_free >> 20} MiB are kept free"
        return self._low

    @property
    def scarce(self) -> bool:
        """Whether the disk, not the file's own limit, was why something was refused when it was last looked at."""
        return self._low is not None

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _free(self) -> int | None:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(self._path.parent).free
        return None

    def give_up_ballast(self) -> bool:
        """Something could not be written for lack of room: make some on the disk, if that is what is full."""
        free = self._free()
        if free is not None and free > BALLAST:
            return False  # the file's own limit
        self._looked = self._steady()
        self._low = "the disk is full"
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True

    def restore(self) -> None:
        """Put the ballast back when there is plenty of room."""
        free = self._free()
        if self._ballast.exists() or free is None or free < max(self._min_free, BALLAST) + 2 * BALLAST:
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, BALLAST)
            finally:
                os.close(descriptor)
