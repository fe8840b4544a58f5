"""What the system says about the time that a thread was given: whether it was late by its own doing, or because the
machine gave it no processor."""

from __future__ import annotations

import resource
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple


class Reading(NamedTuple):
    """Seconds since some beginning; what counts is the difference of two of them.

    `now`: of a clock that never goes back. `queued`: how long the watched thread could have run, and no processor was
    free for it; a container's CPU limit is in it. `worked`: the processor time of the whole process. `waited`: how long
    the thread that reads has waited itself: for a processor, and (about) for the interpreter.
    """

    now: float
    queued: float = 0.0
    worked: float = 0.0
    waited: float = 0.0


class Readings:
    """Of the thread that makes it; `read` is called by one other. On other systems than Linux nothing is known of the
    machine, and each lateness counts as our own."""

    def __init__(self) -> None:
        self._watched = _schedstat()
        self._own: Path | None = None

    def read(self) -> Reading:
        """The present one."""
        if self._own is None:
            self._own = _schedstat()
        waited = _queued(self._own) + _asked()
        return Reading(time.monotonic(), _queued(self._watched), time.process_time(), waited)


def _schedstat() -> Path:
    """Where Linux counts for the thread that calls."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")


def _queued(schedstat: Path) -> float:
    try:
        return int(schedstat.read_bytes().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _asked() -> float:
    """A thread that waits for the interpreter looks once in each switch interval whether it is free."""
    if sys.platform != "linux":
        return 0.0
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw * sys.getswitchinterval()


class Lateness:
    """How much of a time without a heartbeat was the machine's doing.

    Two things tell. The watched thread stood in the queue for a processor. Or the thread that looks was not woken
    either: then everything stood still (a suspended machine, a stopped process), unless the process worked meanwhile,
    or the one who looks was only kept waiting: for a processor, or by somebody who kept the interpreter.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._last: Reading | None = None
        self._queued = self._stood = 0.0
        self._queued_now = self._stood_now = 0.0

    def add(self, reading: Reading) -> None:
        """One look, which should come each `every` seconds."""
        last = self._last or reading
        self._last = reading
        self._queued_now = reading.queued - last.queued
        unseen = reading.now - last.now - self._every
        busy = max(reading.worked - last.worked, reading.waited - last.waited)
        self._stood_now = max(0.0, unseen - busy)
        self._queued += self._queued_now
        self._stood += self._stood_now

    def starved(self, late: float) -> float:
        """Of so many seconds of lateness, those that are the machine's: the larger of both, they may be the same."""
        return min(late, max(self._queued, self._stood))

    def begin(self, since: float) -> None:
        """There was a heartbeat, so many seconds before the last look: what happened between the last two looks may
        have been after it."""
        self._queued = min(since, self._queued_now)
        self._stood = min(since, self._stood_now)
