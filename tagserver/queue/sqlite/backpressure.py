"""When nothing more is taken in: while too much waits for the disk, while a commit takes too long, and when there is no
room; and the ballast, which is kept back so that a full disk can still be emptied.

Behind a disk that stands still, memory must not fill with requests that nobody will wait for. Old deliveries are never
dropped to make room: taking in stops before the file's limit or the disk's reserve is reached, and begins again well
below it. The ballast is a file of nothing beside the queue. It is given up when another program fills the disk while
the server runs, so that what is delivered can be recorded. At a start on a full disk it becomes the queue's log
instead: room that is given up may be gone before it is used, for whoever has filled the disk goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from tagserver.queue.errors import Full, OutboxError, Unavailable
from tagserver.system.text import size as size_text
from tagserver.system.time import Time

SLOW = 2.0
"""Seconds for a commit beyond which nothing more is taken in, until so much time has passed after its end."""
GIVE_UP = 10.0
"""Seconds of one commit after which those who wait for it, or behind it, are told to come again."""
MOST_OPERATIONS = 20_000
MOST_BYTES = 64 << 20
"""That may wait for the disk."""
RESUME = 0.8
"""Of either: below it taking in begins again."""


def jittered_retry_after(depth: float, time: Time) -> float:
    """Seconds (1 to 30) to ask of a refused sender: more the deeper the trouble (0 to 1), and uneven, so that not
    everybody comes back at once."""
    longest = 1.0 + 29.0 * min(1.0, max(0.0, depth))
    return time.uniform(max(1.0, longest / 2), longest)


class Pressure:
    """`began` and `ended` are called by the writer's thread, everything else by the event loop."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._since: float | None = None
        self._slow_until = float("-inf")
        self._crowded = False

    def began(self) -> None:
        """A group goes to the disk."""
        self._since = self._time.monotonic()

    def ended(self) -> None:
        """It came back."""
        now = self._time.monotonic()
        if self._since is not None and now - self._since > SLOW:
            self._slow_until = now + SLOW
        self._since = None

    def at_it(self) -> float:
        """Seconds that the present group has been at the disk."""
        since = self._since
        return 0.0 if since is None else self._time.monotonic() - since

    def refusal(self, operations: int, size: int) -> OutboxError | None:
        """Why nothing more is taken in while `operations` of `size` bytes wait, or None."""
        depth = max(operations / MOST_OPERATIONS, size / MOST_BYTES)
        self._crowded = depth >= 1.0 or (self._crowded and depth > RESUME)
        if self._crowded:
            return Full("too many requests wait for the disk", jittered_retry_after(depth, self._time))
        if self.at_it() > SLOW or self._time.monotonic() < self._slow_until:
            return self.unavailable("the disk is too slow at present")
        return None

    def hopeless(self) -> bool:
        """Whether those who wait have waited long enough."""
        return self.at_it() >= GIVE_UP

    def unavailable(self, why: str) -> Unavailable:
        """A refusal that asks for more patience the longer it has lasted."""
        return Unavailable(why, jittered_retry_after(0.2 + self.at_it() / 30.0, self._time))


STOP_AT = 0.95
RESUME_AT = 0.80
"""Of the limit: taking in stops above the one, and begins again below the other."""
DISK_LOOK_EVERY = 0.5


class Space:
    """Looked up at most twice a second. Sizes in bytes."""

    def __init__(self, path: Path, max_size: int, min_free: int, time: Time) -> None:
        self._path = path
        self.ballast = Ballast(path)
        self._max_size = max_size
        self._min_free = min_free
        self._time = time
        self._looked = float("-inf")
        self._shedding = False
        self._low: str | None = None
        self._page = 0
        self.pages = self.free = self.used = 0
        """Pages of the file, those of them that are free, and the bytes of the others, when it was last measured."""
        self.restore()

    @property
    def limit(self) -> int:
        """The most that the file may hold."""
        return self._max_size

    def measure(self, database: sqlite3.Connection) -> None:
        """How much of the file is in use. Called by the writer in each of its groups."""
        self.pages = database.execute("PRAGMA page_count").fetchone()[0]
        self.free = database.execute("PRAGMA freelist_count").fetchone()[0]
        if self._page == 0:
            self._page = database.execute("PRAGMA page_size").fetchone()[0]
        self.used = (self.pages - self.free) * self._page

    def refusal(self, size: int = 0) -> str | None:
        """Why nothing more, or nothing of `size`, is taken in; or None."""
        if self.used + size > self._max_size:
            return f"the queue is full: {size_text(self.used)} of {size_text(self._max_size)}"
        share = self.used / self._max_size
        self._shedding = share >= STOP_AT or (self._shedding and share > RESUME_AT)
        if self._shedding:
            return f"the queue is full: {size_text(self.used)} of {size_text(self._max_size)}"
        now = self._time.monotonic()
        if now - self._looked > DISK_LOOK_EVERY:
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
        if free is None or free >= BALLAST:
            return True
        return free + pages * self._page + self.log_size() >= self._min_free

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def give_up_ballast(self) -> bool:
        """Something could not be written for lack of room: make some on the disk, if that is what is full."""
        free = self.ballast.free()
        if free is not None and free > BALLAST:
            return False  # the file's own limit
        self._looked = self._time.monotonic()
        self._low = "the disk is full"
        return self.ballast.give_up()

    def restore(self) -> None:
        """Put the ballast back when there is plenty of room."""
        self.ballast.restore(self._min_free)


BALLAST_ENDING = ".ballast"
BALLAST = 16 << 20
PLENTY = 2 * BALLAST
"""Room that must be left beside it."""
GIVEN_UP = 1 << 20
"""Bytes that are given up at a time."""
INDEX = 64 << 10
"""Bytes that SQLite's index of the log (`-shm`) needs to be made."""
VACUUM_PAGES = 256
"""Pages that are given back at a time."""
_HEADER = 32
"""Bytes of a log's header. SQLite takes a log whose header is none for an empty one, and writes it anew."""


class Ballast:
    """Of one queue."""

    def __init__(self, queue: Path) -> None:
        self._queue = queue
        self._log = Path(f"{queue}-wal")
        self._path = queue.with_name(queue.name + BALLAST_ENDING)
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
            if (size := self._path.stat().st_size) > GIVEN_UP:
                os.truncate(self._path, size - GIVEN_UP)
            else:
                self._path.unlink()
        except OSError:
            return False
        self.owed += min(size, GIVEN_UP)
        return True

    def restore(self, min_free: int) -> None:
        """Put it back when there is plenty of room. `min_free`: bytes that are to stay free in any case."""
        free = self.free()
        if _size_of(self._path) >= BALLAST - GIVEN_UP or free is None or free < max(min_free, BALLAST) + PLENTY:
            return
        self._path.unlink(missing_ok=True)
        self._allocate(BALLAST)
        self.owed = 0

    def keep_back(self, size: int) -> None:
        """The queue is closed, and its log of `size` bytes gone: on a full disk its room stays ours, for the next
        start."""
        free = self.free()
        if size > INDEX and not self._path.exists() and free is not None and free < BALLAST + PLENTY:
            self._allocate(min(size, BALLAST))

    def lend(self) -> int:
        """Before the queue is opened: on a full disk the ballast becomes its log, where there is none. How many bytes
        it lends."""
        free, size = self.free(), _size_of(self._path)
        if free is None or free >= BALLAST or size <= INDEX or not _size_of(self._queue) or _size_of(self._log):
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


def _size_of(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def shrink(database: sqlite3.Connection) -> int:
    """Give back some free pages; how many there were."""
    free: int = database.execute("PRAGMA freelist_count").fetchone()[0]
    # A fetch is needed: the pragma gives back one page for each step.
    database.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    return free


def empty_log(database: sqlite3.Connection) -> bool:
    """Write the log into the file, and cut it; False when a reader is in the way."""
    busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def reuse_log(database: sqlite3.Connection) -> bool:
    """Write the log into the file, so that it is written from its begin again and needs no new room; whether all of it
    could be."""
    with contextlib.suppress(sqlite3.Error):
        _, written, moved = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return bool(written > 0 and written == moved)
    return False
