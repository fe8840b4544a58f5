"""The one object that knows time and chance: whoever waits, measures, dates or spreads its waits is given it.

Delays inside one life go by monotonic time, and nothing in the queue waits for a stored moment: a jump of the wall
clock parks nothing. But what is too old is judged by the wall clock. Somebody may set it, or a machine wakes up: after
a large jump it may be wrong, so nothing is given up for a while, and nothing is erased for a longer one.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time

from tagserver.system.text import span

log = logging.getLogger("tagserver.delivery")

NOTED = 5.0
"""Seconds: larger jumps are logged and counted."""
LARGE = 3600.0
CALM = 60.0
"""Seconds after a large jump in which nothing is declared expired."""
LONG_CALM = 3600.0
"""Seconds after a large jump in which nothing is erased for its age: that cannot be undone."""
KEPT_AFTER = 3 * 86400.0
"""Seconds after a fault of the clock in which nothing is erased for its age: what died in it bears a wrong date, and
somebody has to look at it first."""


class Time:
    """This machine's. Tests override the first four methods with a time that they move by hand; everything else follows
    from these. Any thread may ask.

    `wrong` and `mended_at` are set by whoever compares the wall clock with others (`delivery/clock.py`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = self._difference()
        self._last_large = float("-inf")
        self.jumps = 0
        """How often the wall clock has jumped so far."""
        self.jumped = 0.0
        """Seconds by which all jumps together have moved it."""
        self.wrong: str | None = None
        """Why the wall clock is not believed: a sentence; None while it is."""
        self.mended_at = float("-inf")
        """When, in monotonic time, a fault of the wall clock was over."""

    def now(self) -> int:
        """The wall clock: milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)

    def uniform(self, low: float, high: float) -> float:
        """A number between two, by chance: the jitter of waits."""
        return random.uniform(low, high)  # noqa: S311 (spreads waits, no secret)

    def look(self) -> None:
        """Notice a jump of the wall clock since the last look."""
        with self._lock:
            difference = self._difference()
            jump = difference - self._offset
            self._offset = difference
            if abs(jump) <= NOTED:
                return
            if abs(jump) > LARGE:
                self._last_large = self.monotonic()
            self.jumps += 1
            self.jumped += jump
        log.warning("the clock has been set %s by %s", "forward" if jump > 0 else "back", span(abs(jump)))

    def trusted(self, seconds: float = CALM) -> bool:
        """Whether the wall clock is believed, and has made no large jump for so long. For what cannot be undone
        (`LONG_CALM`), also whether a fault of it is some days ago."""
        self.look()
        now = self.monotonic()
        if self.wrong is not None or now - self._last_large < seconds:
            return False
        return seconds < LONG_CALM or now - self.mended_at >= KEPT_AFTER

    def _difference(self) -> float:
        return self.now() / 1000 - self.monotonic()
