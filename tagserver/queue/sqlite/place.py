"""Whether the names of an open queue's files still lead to them.

Files that are open go on to work when they are deleted, when another file is put in their place, or when their folder
is renamed; and all that is written from then on is not there any more at the next start. So nothing more is promised
from the moment that this is noticed, while what the open files hold is delivered.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tagserver.queue.outbox import Unavailable
from tagserver.system.os_fault import os_reason

log = logging.getLogger("tagserver.delivery")

LOOK_EVERY = 0.4
"""Seconds between two looks: half of the second within which it has to be noticed."""
AGAIN = 10.0
"""Seconds after which a sender may try again: a person has to put something right."""

_Identity = tuple[int, int]


class Place:
    """Device and inode of the queue's file, its log, its index and its lock, as they were opened; looked at by the
    writer's thread. `steady`: seconds that never jump."""

    def __init__(self, queue: Path, lock: Path, descriptor: int, steady: Callable[[], float]) -> None:
        """`descriptor`: of the queue's file, open as long as this is used."""
        self._queue = queue
        self._descriptor = descriptor
        self._steady = steady
        self._log = Path(f"{queue}-wal")
        files = {path: _identity(path) for path in (queue, self._log, Path(f"{queue}-shm"), lock)}
        self._known = {path: known for path, known in files.items() if known is not None}
        self._looked = float("-inf")
        self._wrong: dict[Path, str] = {}

    def look(self) -> None:
        """Look, if it is time."""
        now = self._steady()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        before = self._wrong
        self._wrong = {path: why for path, known in self._known.items() if (why := _changed(path, known)) is not None}
        if self._queue not in self._wrong and os.fstat(self._descriptor).st_size == 0:
            self._wrong[self._queue] = "empty"  # SQLite's own files are never; somebody has cut it
        if self._wrong and self._wrong != before:
            log.critical("%s. Nothing more is taken in; what the queue holds is delivered. %s", self, self._advice())
        elif before and not self._wrong:
            log.warning("the files of the queue are in their place again: events are taken in")

    @property
    def log_lost(self) -> bool:
        """Whether the queue's file is where it was, and its log is not: what was committed has to get from the one
        into the other, or the next start does not find it."""
        return self._log in self._wrong and self._queue not in self._wrong

    @property
    def deleted(self) -> bool:
        """Whether no name at all leads to the queue's file any more: it ends with this process."""
        return os.fstat(self._descriptor).st_nlink == 0

    def trouble(self) -> str | None:
        """What is wrong, without the names of folders; or None. From memory."""
        return str(self) if self._wrong else None

    def refuse(self) -> None:
        """Raises Unavailable when something is wrong."""
        if self._wrong:
            raise Unavailable(str(self), AGAIN)

    def __str__(self) -> str:
        files: dict[str, list[str]] = {}
        for path, why in self._wrong.items():
            files.setdefault(why, []).append(path.name)
        said = (f"{', '.join(names)} {'are' if names[1:] else 'is'} {why}" for why, names in files.items())
        return f"of the queue's files {'; '.join(said)}"

    def _advice(self) -> str:
        if self._queue not in self._wrong:
            return f"Put it back into {self._queue.parent}, or restart the server"
        if self.deleted:
            return "Its file was deleted: wait until nothing is pending, then restart the server"
        with contextlib.suppress(OSError):  # only Linux tells
            return f"Its file is {os.readlink(f'/proc/self/fd/{self._descriptor}')} now: put it back to {self._queue}"
        return f"Put it back to {self._queue}"


def put_back(database: sqlite3.Connection, path: Path) -> bool:
    """Write what a deleted queue holds to its old name, before it is closed for good; whether that was possible. Where
    another file lies, or the folder is gone as well, it is not: the key of the persons in it has gone with that."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        database.execute("VACUUM INTO ?", (str(path),))
        os.fsync(descriptor)
    except (sqlite3.Error, OSError):
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
    return True


def _identity(path: Path) -> _Identity | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _changed(path: Path, known: _Identity) -> str | None:
    try:
        found = _identity(path)
    except OSError as error:
        return f"out of reach ({os_reason(error)})"
    if found is None:
        return "gone"
    return "replaced by another file" if found != known else None
