"""One process owns a queue: locks that end with the process.

Two of them. The one on a file of its own names the process that holds it. But a lock file can be deleted, and a queue
can be moved away from its lock file; so the queue's own file is locked as well, wherever it lies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from tagserver.queue.errors import InUse

PATIENCE = 0.2
"""Seconds for which a lock that somebody has is tried again: commands share it for a moment, to see who has it."""


class FolderLock:
    """An exclusive lock on the file `path`, which is made, held until `release` or the end of the process. Raises
    InUse."""

    def __init__(self, path: Path) -> None:
        self.descriptor = _take(path, os.O_RDWR | os.O_CREAT, PATIENCE)
        if self.descriptor < 0:
            raise InUse(
                f"the data folder {path.parent} is in use by another tagserver (process {_owner(path)}); "
                "stop it, or give this one a folder of its own with --data"
            )
        with contextlib.suppress(OSError):  # the lock counts; the number is for people, and a disk may be full
            os.ftruncate(self.descriptor, os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0))

    def release(self) -> None:
        """Let go."""
        self.descriptor = _close(self.descriptor)


class QueueLock:
    """An exclusive lock on the queue's own file, held until `release` or the end of the process. Raises InUse.

    It is kept apart from SQLite's locks (flock beside fcntl), and is to be released after SQLite has closed the file:
    to close any descriptor of a file drops all of a process's fcntl locks on it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = -1
        if path.exists():
            self.renew()

    def renew(self) -> None:
        """Lock what lies there now, if this process has made the file, or put another one in its place. Raises
        InUse."""
        if self.descriptor >= 0 and os.path.samestat(os.fstat(self.descriptor), self._path.stat()):
            return
        taken = _take(self._path, os.O_RDONLY | os.O_NONBLOCK)
        if taken < 0:
            raise InUse(f"the queue {self._path} is in use by another tagserver that was started elsewhere; stop it")
        _close(self.descriptor)
        self.descriptor = taken

    def release(self) -> None:
        """Let go."""
        self.descriptor = _close(self.descriptor)


def _take(path: Path, flags: int, patience: float = 0.0) -> int:
    """A descriptor of the file, locked; -1 when somebody else has the lock."""
    until = time.monotonic() + patience
    while True:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() >= until:
                return -1
            time.sleep(0.01)
            continue
        except FileNotFoundError:
            pass
        # It was deleted or replaced before it was locked: whoever comes next would lock another file.
        os.close(descriptor)


def _owner(path: Path) -> str:
    return path.read_text(errors="replace").strip()[:32] or "unknown"


def _close(descriptor: int) -> int:
    if descriptor >= 0:
        os.close(descriptor)
    return -1
