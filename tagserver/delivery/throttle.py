"""How much one vendor is asked: how many requests at the same time, how many a second, and how many of them may be
repeats.

At the same time: up by one while it keeps up, down by a third when it does not, which is TCP's rule (additive increase,
multiplicative decrease); what a vendor says about payloads tells nothing about its load and does not count. Repeats: a
vendor that fails every other time must not get twice the requests. A second: as its plugin says in `Limits.rate`, kept
apart evenly; what one second did not use the next one may not use on top, so that no second sees more than the rate.
A minute: so many refused batches are cut in halves, and no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from tagserver.delivery.outcomes import Stop
from tagserver.system.time import Time

START = 2
WEIGHT = 0.4
"""Of the newest response time in the moving average."""
DECREASE = 0.7
DEVIATIONS = 2.5
SPLITS_A_MINUTE = 60


class Limiter:
    """Requests at the same time to one destination; `cap` is the most that is ever allowed."""

    def __init__(self, time: Time, cap: int) -> None:
        self._time = time
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
        now = self._time.monotonic()
        if now - self._lowered >= (self._mean or 0.0):
            self._lowered = now
            self._good = 0
            self._limit = max(1.0, self._limit * DECREASE)

    def restart(self) -> None:
        """After an outage: begin low again."""
        self._limit = float(START)
        self._good = 0


SHARE = 0.2
"""Of the requests of the last minute that may be repeats, while some of them fail."""
ALWAYS = 10
"""Repeats a minute that are always allowed: else a quiet destination would never repeat anything."""
WINDOW = 60.0


class RetryBudget:
    """Repeats to one destination."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._sent: deque[tuple[float, bool]] = deque()
        self._repeats = 0
        self._failed_at = float("-inf")

    def sent(self, *, repeat: bool) -> None:
        """One request more."""
        self._sent.append((self._time.monotonic(), repeat))
        self._repeats += repeat

    def failed(self) -> None:
        """A request failed on its way."""
        self._failed_at = self._time.monotonic()

    def allows(self) -> bool:
        """Whether a repeat may be sent now; always, when nothing has failed for a minute."""
        now = self._time.monotonic()
        while self._sent and now - self._sent[0][0] > WINDOW:
            self._repeats -= self._sent.popleft()[1]
        if now - self._failed_at > WINDOW:
            return True
        return self._repeats < max(ALWAYS, SHARE * len(self._sent))


class Pace:
    """Requests a second to one destination. A rate of None never waits."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._next = float("-inf")

    def wait(self, rate: float | None) -> float:
        """Seconds until a request may be made; 0 when now."""
        return 0.0 if rate is None else max(0.0, self._next - self._time.monotonic())

    def begin(self, rate: float | None) -> Callable[[], Awaitable[None]]:
        """Take the next turn for a batch; what its requests wait for, each before it is sent. The first has its turn
        already."""
        first = [self._take(rate)]

        async def turn() -> None:
            seconds = first.pop() if first else self._take(rate)
            if seconds > 0:
                await self._time.sleep(seconds)

        return turn

    def _take(self, rate: float | None) -> float:
        """Seconds until the turn that is taken with this."""
        if rate is None:
            return 0.0
        seconds = self.wait(rate)
        self._next = self._time.monotonic() + seconds + 1 / rate
        return seconds


class Splits:
    """Counts how often refused batches were cut, so that a vendor that refuses everything is not stormed."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._times: list[int] = []

    def note(self) -> None:
        """One more. Raises Stop when there were too many within a minute."""
        now = self._time.now()
        self._times = [at for at in self._times if 0 <= now - at < 60_000]
        if len(self._times) >= SPLITS_A_MINUTE:
            raise Stop("throttled", "too many refused batches", 60.0)
        self._times.append(now)
