"""How many requests one vendor gets at the same time: up by one while it keeps up, down by a third when it does not.

The rule is TCP's (additive increase, multiplicative decrease). What a vendor says about payloads tells nothing about
its load and does not count.
"""

from __future__ import annotations

from collections.abc import Callable

START = 2
WEIGHT = 0.4
"""Of the newest response time in the moving average."""
DECREASE = 0.7
DEVIATIONS = 2.5


class Limiter:
    """The limit of one destination. `steady` gives seconds that never jump; `cap` is the most that is ever allowed."""

    def __init__(self, steady: Callable[[], float], cap: int) -> None:
        self._steady = steady
        self.cap = cap
        self._limit = float(START)
        self._mean: float | None = None
        self._deviation = 0.0
        self._good = 0
        self._lowered = float("-inf")

    @property
    def limit(self) -> int:
        """Requests that may be under way now; at least one."""
        return max(1, min(int(self._limit), self.cap))

    def answered(self, seconds: float, *, full: bool) -> None:
        """A request was answered. `full`: the limit was reached while it was under way, so a higher one is of use."""
        mean, deviation = self._mean, self._deviation
        slow = mean is not None and seconds > mean + DEVIATIONS * deviation + 0.05
        self._mean = seconds if mean is None else mean + WEIGHT * (seconds - mean)
        self._deviation += WEIGHT * (abs(seconds - (mean if mean is not None else seconds)) - self._deviation)
        if slow:
            self.overloaded()
            return
        self._good += full
        if self._good >= self.limit:  # about one response time of answers
            self._good = 0
            self._limit = min(self._limit + 1, float(self.cap))

    def overloaded(self) -> None:
        """A 429, a 503 or a time-out. Several at once count as one."""
        now = self._steady()
        if now - self._lowered >= (self._mean or 0.0):
            self._lowered = now
            self._good = 0
            self._limit = max(1.0, self._limit * DECREASE)

    def restart(self) -> None:
        """After an outage: begin low again."""
        self._limit = float(START)
        self._good = 0
