"""Which batch was being worked on when the process ended: the one that may have ended it.

A kill from outside mostly finds the process waiting for vendors; a payload that kills it does so while a plugin has it
in hand. So a batch is marked only while a plugin works on it, in a small file that is written and never synced: what
is written survives the end of a process, and after a power cut nobody is to blame anyway.

A batch that was marked at an end is suspect, and its rows are sent in smaller and smaller company, until the one that
kills is alone. Rows that come through are free of suspicion.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType

DEAD_AFTER = 4
"""Ends of the process with a row in a plugin's hands: it is buried as `crashed`."""
_COMPANY = (100, 10, 1)
SLOTS = 64
"""Batches that plugins can have in hand at the same time; further ones are not marked."""
_WIDTH = 8
_NO_MARK = bytes(_WIDTH)


def company(crashes: int) -> int | None:
    """With how many rows at most a row may share a request, itself included; None: as many as the vendor takes."""
    return _COMPANY[min(crashes, len(_COMPANY)) - 1] if crashes else None


def marked(path: Path) -> frozenset[int]:
    """The flights that were marked when the last process ended."""
    try:
        found = path.read_bytes()
    except OSError:
        return frozenset()
    return frozenset(array.array("q", found[: len(found) // _WIDTH * _WIDTH])) - {0}


class Marks:
    """The file of marks, begun anew. Used by the event loop; a disk that cannot be written costs the marks and nothing
    else."""

    def __init__(self, path: Path) -> None:
        self._file = -1
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, bytes(SLOTS * _WIDTH), 0)
        self._free = list(range(SLOTS))

    def mark(self, flight: int) -> Mark:
        """For a `with` around each part of a plugin's work on a flight."""
        return Mark(self, flight)

    def put(self, flight: bytes) -> int | None:
        """Write a mark; its slot."""
        if not self._free or self._file < 0:
            return None
        slot = self._free.pop()
        with contextlib.suppress(OSError):
            os.pwrite(self._file, flight, slot * _WIDTH)
        return slot

    def take(self, slot: int) -> None:
        """Remove a mark."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.pwrite(self._file, _NO_MARK, slot * _WIDTH)
        self._free.append(slot)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Mark:
    """Stands while its `with` lasts, and for good when the process ends inside, or is about to: by something that
    nobody catches on its way out. Not a generator: one that is collected would take its mark away."""

    __slots__ = ("_flight", "_marks", "_slot")

    def __init__(self, marks: Marks, flight: int) -> None:
        self._marks = marks
        self._flight = flight.to_bytes(_WIDTH, sys.byteorder)
        self._slot: int | None = None

    def __enter__(self) -> None:
        self._slot = self._marks.put(self._flight)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ends = kind is not None and not issubclass(kind, Exception | asyncio.CancelledError)
        if self._slot is not None and not ends:
            self._marks.take(self._slot)
