"""Writing so that what was acknowledged is on the disk and nothing is half written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

LOCK_WAIT = 8.0
"""Seconds to wait for another process; the server gives up on a delivery after fifteen."""
DIRECTORY_MODE = 0o750
FILE_MODE = 0o640
"""Rows may hold personal data: not for everybody."""
_CHUNK = 1 << 16


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """One writer at a time, in this process and others. Raises BlockingIOError when another one takes too long."""
    make_folder(folder)
    path = folder / f".{name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        end = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    raise BlockingIOError(errno.EAGAIN, "another process holds this lock", str(path)) from error
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def writable(folder: Path, name: str) -> None:
    """Make the folder, if it is not there, and see whether files can be made in it. Raises OSError."""
    make_folder(folder)
    os.close(os.open(folder / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))


def make_folder(folder: Path) -> None:
    """The folder and those above it, each entry on the disk."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(DIRECTORY_MODE)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """A new name in a folder survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with naming(folder):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Around calls on an open file: an OSError of theirs knows no path, and gets this one."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def append(path: Path, lines: bytes) -> int:
    """Append whole lines, on the disk when this returns; the size of the file then. All of them or none: after an
    error the file is as it was. A half line that a crash left behind is taken away first; it was never
    acknowledged."""
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        with naming(path):
            size = _whole_lines(handle)
            try:
                os.ftruncate(handle, size)
                _write(handle, lines, size)
                os.fsync(handle)
                if new:
                    sync_folder(path.parent)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, size)
                raise
            return size + len(lines)
    finally:
        os.close(handle)


def _write(handle: int, lines: bytes, at: int) -> None:
    view = memoryview(lines)
    while view:
        count = os.pwrite(handle, view, at)
        if count <= 0:
            raise OSError(errno.EIO, "nothing was written")
        view, at = view[count:], at + count


def _whole_lines(handle: int) -> int:
    """Where the last whole line ends."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _CHUNK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
