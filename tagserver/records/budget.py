"""How much of the processor full records may take: what they hold is worth no event's wait.

At level `full` an event costs several times what it costs otherwise. So there is a budget of processor time, which
fills up again as time passes; while it is used up, events are kept as a summary. A shop's usual traffic stays far
below it, and a rush costs no more than it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tagserver.system.time import Time

SHARE = 0.05
"""Of one processor, for any length of time: some hundreds of events a second."""
SAVED = 0.1
"""Seconds of the processor that can be saved up: a rush of about a thousand events after a pause."""


class Budget:
    """Of one thread, which alone uses it. `spent`: seconds of the processor that the thread has used."""

    def __init__(self, clock: Time, spent: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._spent = spent
        self._left = SAVED
        self._at = clock.monotonic()

    @property
    def allows(self) -> bool:
        """Whether there is something left."""
        now = self._clock.monotonic()
        self._left = min(SAVED, self._left + (now - self._at) * SHARE)
        self._at = now
        return self._left > 0

    @contextmanager
    def use(self) -> Iterator[None]:
        """What is done meanwhile counts."""
        began = self._spent()
        try:
            yield
        finally:
            self._left -= self._spent() - began
