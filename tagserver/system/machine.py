"""What the system says about this process, its threads, its user and the kernel's clock."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """Used so far: processor seconds; now: bytes in memory and open files. None where the system does not say."""

    cpu: float
    memory: int | None
    files: int | None
    most_files: int | None


def process_facts() -> ProcessFacts:
    """The facts of now. Memory and files come from Linux's /proc."""
    memory: int | None = None
    files: int | None = None
    with contextlib.suppress(OSError):
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        files = len(os.listdir("/proc/self/fd")) - 1
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ProcessFacts(
        cpu=time.process_time(),
        memory=memory,
        files=files,
        most_files=None if soft == resource.RLIM_INFINITY else soft,
    )


def disk_free(folder: Path) -> int | None:
    """Bytes that are free on a folder's disk for others than root; None when nobody can say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


SPARE = 100
"""File descriptors that are kept for everything that is no client: the queue, vendors, the configuration."""


def affordable(connections: int, descriptors: int) -> int:
    """How many of the wanted connections a process can hold that may open so many file descriptors."""
    return max(8, min(connections, descriptors - SPARE))


def file_descriptors() -> int:
    """How many file descriptors this process may open, after asking for as many as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says infinity, and means less
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20


# ── whether a thread was late by its own doing, or because the machine gave it no processor


class ThreadSample(NamedTuple):
    """Seconds since some beginning; what counts is the difference of two of them.

    `now`: of a clock that never goes back. `queued`: how long the watched thread could have run, and no processor was
    free for it; a container's CPU limit is in it. `worked`: the processor time of the whole process. `waited`: how long
    the thread that reads has waited itself: for a processor, and (about) for the interpreter.
    """

    now: float
    queued: float = 0.0
    worked: float = 0.0
    waited: float = 0.0


class ThreadSampler:
    """Of the thread that makes it; `sample` is called by one other. On other systems than Linux nothing is known of the
    machine, and each lateness counts as our own."""

    def __init__(self) -> None:
        self._watched = _schedstat()
        self._own: Path | None = None

    def sample(self) -> ThreadSample:
        """The present one."""
        if self._own is None:
            self._own = _schedstat()
        waited = _queued(self._own) + _asked()
        return ThreadSample(time.monotonic(), _queued(self._watched), time.process_time(), waited)


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
        self._last: ThreadSample | None = None
        self._queued = self._stood = 0.0
        self._queued_now = self._stood_now = 0.0

    def add(self, sample: ThreadSample) -> None:
        """One look, which should come each `every` seconds."""
        last = self._last or sample
        self._last = sample
        self._queued_now = sample.queued - last.queued
        unseen = sample.now - last.now - self._every
        busy = max(sample.worked - last.worked, sample.waited - last.waited)
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


# ── the kernel's clock

_TIME_ERROR = 5
"""What adjtimex(2) gives for a clock that is not synchronised."""


def clock_is_kept() -> bool | None:
    """The word of Linux' kernel on whether its clock is synchronised; None on other systems."""
    asked = ctypes.create_string_buffer(1024)  # struct timex, larger than on any machine; zero changes nothing
    try:
        state = int(ctypes.CDLL(None).adjtimex(asked))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


# ── the user


def this_user() -> str:
    """`the user NAME`, or its number where it has no name."""
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:  # containers like to run under numbers without a name
        return f"the user with the number {number}"
