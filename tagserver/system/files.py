"""Files that are there whole or not at all, secrets that are read without waiting, and what the system refuses."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO


def new_file(path: Path) -> BinaryIO:
    """An empty file to be written, which its owner alone can read. What a killed process has left under its name, or
    somebody has put there, is removed: a link is not followed. Raises OSError."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Make or replace a file, of pieces if it is large, readable by its owner only: a kill or a power cut leaves the
    old content or the new one, and of two files that are written one after the other never the second alone. Raises
    OSError."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with new_file(aside) as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)  # a disk that is full has no room for half a file
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """The names of its files survive a power cut from here on. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ── what the system refuses: the one form in which people read of an OSError


def os_reason(error: OSError) -> str:
    """The system's reason alone: `No space left on device`; of an error that has none, what it says, or its class."""
    if error.strerror:
        return str(error.strerror)
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


def os_fault(error: OSError) -> str:
    """`/srv/tagserver/data/address: No space left on device`. Calls on open files do not know their path: whoever does
    sets the error's `filename` on its way."""
    path = error.filename
    if path is None or isinstance(path, int):
        return os_reason(error)
    return f"{os.fsdecode(path)}: {os_reason(error)}"


# ── a file with a secret in it, read so that it cannot hold up whoever reads it

LARGEST = 64 << 10
"""Bytes of a file that can be a secret, or a list of them."""
LONGEST = 2.0
"""Seconds for reading it."""

_stuck: dict[str, threading.Thread] = {}
"""Who still waits for a file that did not come. A thread cannot be ended, so that file gets no second one."""


def read_secret_file(name: str, private: Path | None = None) -> str:
    """The text of a regular file of at most 64 KiB, in UTF-8. `private`: a folder whose files are nobody's secrets but
    our own, by whatever name they are called.

    Raises OSError, whose `strerror` says why in words (TimeoutError after two seconds), and ValueError where it is no
    text.
    """
    return in_time(name, partial(_content, private=private)).decode("utf-8-sig")


def in_time(name: str, read: Callable[[str], bytes], limit: float = LONGEST) -> bytes:
    """What `read` gives for the file; after `limit` seconds a TimeoutError, while `read` goes on aside. Raises what
    `read` raises."""
    if (earlier := _stuck.pop(name, None)) is not None and earlier.is_alive():
        _stuck[name] = earlier
        raise _too_late(name, limit)
    found: list[bytes | Exception] = []

    def work() -> None:
        try:
            found.append(read(name))
        except Exception as error:
            found.append(error)

    # A daemon, so that a disk that never answers does not hold up the end of the process either.
    thread = threading.Thread(target=work, name="secret file", daemon=True)
    thread.start()
    thread.join(limit)
    if not found:
        _stuck[name] = thread
        raise _too_late(name, limit)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _content(name: str, private: Path | None = None) -> bytes:
    if private is not None and Path(name).resolve().is_relative_to(private.resolve()):
        raise PermissionError(errno.EACCES, "it lies in the data folder", name)
    # To open some devices does something already, so it is looked at before; and again after, for it may have been
    # replaced. Without O_NONBLOCK a FIFO would not even open.
    _require_regular(os.stat(name), name)
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular(os.fstat(descriptor), name)
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST >> 10} KiB", name)
    if b"\0" in content:  # such as the whole environment of a process, under /proc
        raise OSError(errno.EINVAL, "it is no text", name)
    return content


def _require_regular(found: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", name)


def _too_late(name: str, limit: float) -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, f"it did not come within {limit:g} s", name)
