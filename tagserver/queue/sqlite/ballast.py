"""The ballast: a file of nothing beside the queue, whose room is the queue's when the disk is full.

It is given up while the server runs, so that what is delivered can be recorded. At a start on a full disk it becomes
the queue's log instead: room that is given up may be gone before it is used, for whoever has filled the disk goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

ENDING = ".ballast"
SIZE = 16 << 20
PLENTY = 2 * SIZE
"""Room that must be left beside it."""
PIECE = 1 << 20
"""Bytes that are given up at a time."""
INDEX = 64 << 10
"""Bytes that SQLite's index of the log (`-shm`) needs to be made."""
_HEADER = 32
"""Bytes of a log's header. SQLite takes a log whose header is none for an empty one, and writes it anew."""


class Ballast:
    """Of one queue."""

    def __init__(self, queue: Path) -> None:
        self._queue = queue
        self._log = Path(f"{queue}-wal")
        self._path = queue.with_name(queue.name + ENDING)
        self.owed = 0
        """Bytes that were given up here and are not put back yet: free or not, they are no room."""

    def free(self) -> int | None:
        """Bytes that are free on the disk; None when nobody can tell."""
        with contextlib.suppress(OSError):
            return shutil.disk_usage(self._queue.parent).free
        return None

    def give_up(self) -> bool:
        """Make some room, to be used at once: whoever has filled the disk takes what is left of it. Whether there was
        any to make."""
        try:
            if (size := self._path.stat().st_size) > PIECE:
                os.truncate(self._path, size - PIECE)
            else:
                self._path.unlink()
        except OSError:
            return False
        self.owed += min(size, PIECE)
        return True

    def restore(self, min_free: int) -> None:
        """Put it back when there is plenty of room. `min_free`: bytes that are to stay free in any case."""
        free = self.free()
        if _size(self._path) >= SIZE - PIECE or free is None or free < max(min_free, SIZE) + PLENTY:
            return
        self._path.unlink(missing_ok=True)
        self._allocate(SIZE)
        self.owed = 0

    def keep_back(self, size: int) -> None:
        """The queue is closed, and its log of `size` bytes gone: on a full disk its room stays ours, for the next
        start."""
        free = self.free()
        if size > INDEX and not self._path.exists() and free is not None and free < SIZE + PLENTY:
            self._allocate(min(size, SIZE))

    def lend(self) -> int:
        """Before the queue is opened: on a full disk the ballast becomes its log, where there is none. How many bytes
        it lends."""
        free, size = self.free(), _size(self._path)
        if free is None or free >= SIZE or size <= INDEX or not _size(self._queue) or _size(self._log):
            return 0
        with contextlib.suppress(OSError):
            with self._path.open("rb") as file:
                if any(file.read(_HEADER)):
                    return 0  # it is none of ours
            os.truncate(self._path, size - INDEX)
            self._path.replace(self._log)
            return size
        return 0

    def _allocate(self, size: int) -> None:
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
            except OSError:
                self._path.unlink()  # less than all of it would be taken for it
                raise
            finally:
                os.close(descriptor)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
