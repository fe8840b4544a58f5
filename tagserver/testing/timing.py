"""How long plugin code takes: its own work on the processor, which does not depend on what else the machine does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tagserver.testing.faults import Fault

SLOW = 0.05
"""Seconds of work for one event that are too many, whatever the machine: all of our own destinations need a thousandth
of that."""


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Note the seconds of work of what runs inside."""
    began = time.thread_time()
    try:
        yield
    finally:
        spent.append(time.thread_time() - began)


def slow_faults(method: str, spent: Sequence[float]) -> Iterator[Fault]:
    """A method of which half of the calls take too long."""
    if spent and (median := statistics.median(spent)) > SLOW:
        yield Fault(
            f"{method} takes {median * 1000:.0f} ms of work for one event, and holds up everybody meanwhile: at most "
            f"{SLOW * 1000:.0f} are allowed; do once, when the module is imported, what is the same for all events"
        )
