"""Steps of the wall clock: somebody sets it, or a machine wakes up.

Delays inside one life go by steady time, and nothing in the queue waits for a stored moment: a step parks nothing. But
what is too old is judged by the wall clock. After a large step it may be wrong, so nothing is given up for a while.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tagserver.system.text import span

log = logging.getLogger("tagserver.delivery")

EVERY = 1.0
NOTED = 5.0
"""Seconds: larger steps are logged and counted."""
LARGE = 3600.0
CALM = 60.0
"""Seconds after a large step in which nothing is declared expired."""
LONG_CALM = 3600.0
"""Seconds after a large step in which nothing is erased for its age: that cannot be undone."""


class ClockSteps:
    """Compares `clock` (wall time in ms) with `steady` (seconds that never jump). `stepped` hears of each step. Any
    thread may ask."""

    def __init__(
        self, clock: Callable[[], int], steady: Callable[[], float], stepped: Callable[[], None] = lambda: None
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._stepped = stepped
        self._lock = threading.Lock()
        self._offset = self._measure()
        self._last_large = float("-inf")
        self._total = 0.0

    def _measure(self) -> float:
        return self._clock() / 1000 - self._steady()

    def look(self) -> None:
        """Notice a step since the last look."""
        with self._lock:
            offset = self._measure()
            step = offset - self._offset
            self._offset = offset
        if abs(step) <= NOTED:
            return
        if abs(step) > LARGE:
            self._last_large = self._steady()
        with self._lock:
            self._total += step
        log.warning("the clock has been set %s by %s", "forward" if step > 0 else "back", span(abs(step)))
        self._stepped()

    @property
    def total(self) -> float:
        """Seconds by which all steps together have moved the clock."""
        return self._total

    def calm(self, seconds: float = CALM) -> bool:
        """Whether the last large step is at least so long ago."""
        self.look()
        return self._steady() - self._last_large >= seconds
