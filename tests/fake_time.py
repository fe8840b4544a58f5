"""Time that a test moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tagserver.system.time import Time

START = 1_800_000_000_000


class FakeTime(Time):
    """The wall clock in ms since 1970, and monotonic seconds beside it; both move only when they are told to. Sleep is
    real, unless a test says otherwise by `sleeper`. Chance takes the upper end."""

    def __init__(self, now: int = START) -> None:
        self._now = now
        self._monotonic = 0.0
        self.sleeper: Callable[[float], Awaitable[None]] = asyncio.sleep
        super().__init__()

    def now(self) -> int:
        """What it was set to."""
        return self._now

    def monotonic(self) -> float:
        """What has passed."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """As `sleeper` does."""
        await self.sleeper(seconds)

    def uniform(self, low: float, high: float) -> float:
        """The upper end."""
        return high

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += round(seconds * 1000)
        self._monotonic += seconds

    def pass_unseen(self, seconds: float) -> None:
        """Let time pass that the wall clock does not show."""
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an administrator does; no time passes."""
        self._now += round(seconds * 1000)

    def set(self, now: int) -> None:
        """Set the wall clock to this; no time passes."""
        self._now = now


class OtherWallClock(Time):
    """This machine's time, but for the wall clock, which shows what `clock` says."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        super().__init__()

    def now(self) -> int:
        """By that clock."""
        return self._clock()
