"""What the system says about this process, for metrics and the doctor."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


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
