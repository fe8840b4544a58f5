"""One process owns a queue, on a local disk, and its files stay where they are.

Two locks end with the process. The one on a file of its own names the process that holds it. But a lock file can be
deleted, and a queue can be moved away from its lock file; so the queue's own file is locked as well, wherever it is.

Files that are open go on to work when they are deleted, when another file is put in their place, or when their folder
is renamed; and all that is written from then on is not there any more at the next start. So nothing more is promised
from the moment that this is noticed, while what the open files hold is delivered.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from tagserver.queue.errors import InUse, Unavailable
from tagserver.system.files import os_reason
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

LOOK_EVERY = 0.4
"""Seconds between two looks: half of the second within which it has to be noticed."""
AGAIN = 10.0
"""Seconds after which a sender may try again: a person has to put something right."""

_Identity = tuple[int, int]


class FileWatch:
    """Device and inode of the queue's file, its log, its index and its lock, as they were opened; looked at by the
    writer's thread."""

    def __init__(self, queue: Path, lock: Path, descriptor: int, time: Time) -> None:
        """`descriptor`: of the queue's file, open as long as this is used."""
        self._queue = queue
        self._descriptor = descriptor
        self._time = time
        self._log = Path(f"{queue}-wal")
        files = {path: _identity(path) for path in (queue, self._log, Path(f"{queue}-shm"), lock)}
        self._known = {path: known for path, known in files.items() if known is not None}
        self._looked = float("-inf")
        self._wrong: dict[Path, str] = {}

    def look(self) -> None:
        """Look, if it is time."""
        now = self._time.monotonic()
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
    another file is, or the folder is gone as well, it is not: the key of the persons in it has gone with that."""
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


_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "fuse", "fuseblk")
_LOCAL_FUSE = ("fuse.fuse-overlayfs",)
"""The layers of a container without privileges: they lie on a local disk, and in one machine's hands."""
_MOUNTS = Path("/proc/self/mountinfo")


def not_local(folder: Path, mounts: Iterable[str] | None = None) -> str | None:
    """The type of the file system (`nfs4`, `fuse.sshfs`) when the folder lies on one that is not local, else None.

    `mounts`: lines in the form of Linux' /proc/self/mountinfo, which is read when none are given; None on systems
    without it.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(errors="replace").splitlines()
        except OSError:
            return None
    kind = _kind(folder.resolve(), mounts)
    if kind is None or kind in _LOCAL_FUSE:
        return None
    return kind if kind in _REMOTE or kind.startswith("fuse.") else None


def _kind(folder: Path, mounts: Iterable[str]) -> str | None:
    """Of the innermost mount; of two on the same place the later one hides the other."""
    found: tuple[int, str] | None = None
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        place = Path(_unescaped(fields[4]))
        if folder.is_relative_to(place) and (found is None or len(place.parts) >= found[0]):
            found = (len(place.parts), after.split()[0])
    return found[1] if found else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
