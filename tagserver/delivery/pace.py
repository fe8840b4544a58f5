"""How fast one vendor is asked at most: requests a second, as its plugin says in `Limits.rate`.

Requests are kept apart evenly: what one second did not use the next one may not use on top, so that no second sees
more than the rate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Pace:
    """Of one destination. `steady` gives seconds that never jump. A rate of None never waits."""

    def __init__(self, steady: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._steady = steady
        self._sleep = sleep
        self._next = float("-inf")

    def wait(self, rate: float | None) -> float:
        """Seconds until a request may be made; 0 when now."""
        return 0.0 if rate is None else max(0.0, self._next - self._steady())

    def begin(self, rate: float | None) -> Callable[[], Awaitable[None]]:
        """Take the next turn for a batch; what its requests wait for, each before it is sent. The first has its turn
        already."""
        first = [self._take(rate)]

        async def turn() -> None:
            seconds = first.pop() if first else self._take(rate)
            if seconds > 0:
                await self._sleep(seconds)

        return turn

    def _take(self, rate: float | None) -> float:
        """Seconds until the turn that is taken with this."""
        if rate is None:
            return 0.0
        seconds = self.wait(rate)
        self._next = self._steady() + seconds + 1 / rate
        return seconds
