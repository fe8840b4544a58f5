"""When a destination may be called: one shared wait after failures, and a breaker above it.

Failures of the way (no connection, time-outs, 5xx) delay the destination, never the single delivery. After enough of
them the breaker opens: from then on one small request probes at each turn, until one succeeds. Being throttled (429)
delays too, but says that the vendor lives, and never opens the breaker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from tagserver.queue.retry import Chance, backoff

IN_A_ROW = 5
"""So many failures in a row open the breaker; so does half of at least `OF` requests within `WINDOW` seconds."""
OF = 20
WINDOW = 60.0
CUTS_EVERY = 1.0
"""Seconds between two waits that are cut short: a site that publishes with every edit does not hammer a vendor that is
down."""


class Breaker:
    """The state of one destination. `steady` gives seconds that never jump; `chance` makes waits uneven."""

    def __init__(self, steady: Callable[[], float], chance: Chance) -> None:
        self._steady = steady
        self._chance = chance
        self._failures = 0
        self._failing_since = 0.0
        self._failed_at = float("-inf")
        self._recent: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._until = 0.0
        self._cut_at = float("-inf")
        self.open = False

    @property
    def state(self) -> Literal["ok", "retrying", "open"]:
        """`retrying` while it waits after a failure; `open` while only probes are sent."""
        return "open" if self.open else "retrying" if self._failures else "ok"

    def wait(self) -> float:
        """Seconds until the next request may be made; 0 when now."""
        return max(0.0, self._until - self._steady())

    def succeeded(self) -> None:
        """The vendor answered sensibly: everything is due at once."""
        if self.open:
            self._recent.clear()
        self.open = False
        self._failures = 0
        self._until = 0.0
        self._recent.append((self._steady(), True))

    def failed(self, asked: float | None, began: float, *, throttled: bool = False) -> float:
        """A request that began at `began` failed; `asked` seconds by the vendor (Retry-After). The wait that follows,
        in seconds.

        Requests that were under way together fail together: they count as one.
        """
        now = self._steady()
        if self._failures == 0:
            self._failing_since = now
        if began >= self._failed_at:
            self._failures += 1
        self._failed_at = now
        if not throttled:
            self._recent.append((now, False))
            self.open = self.open or self._failures >= IN_A_ROW or self._half_failed(now)
        delay = backoff(self._failures, now - self._failing_since, self._chance, asked)
        self._until = max(self._until, now + delay)
        return delay

    def cut_short(self) -> None:
        """Somebody wants it tried now: the next request may be made at once. What was learned stays: an open breaker
        still probes first, and another failure waits longer than the one before."""
        now = self._steady()
        if now - self._cut_at >= CUTS_EVERY:
            self._cut_at = now
            self._until = 0.0

    def _half_failed(self, now: float) -> bool:
        while self._recent and now - self._recent[0][0] > WINDOW:
            self._recent.popleft()
        bad = sum(not ok for _, ok in self._recent)
        return len(self._recent) >= OF and bad * 2 >= len(self._recent)
