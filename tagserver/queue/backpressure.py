"""Whether the writer keeps up: how much waits for the disk, and how long the disk has been at it.

Behind a disk that stands still, memory must not fill with requests that nobody will wait for. So the door closes while
too much waits or a commit takes too long, and opens again when that is well over.
"""

from __future__ import annotations

from collections.abc import Callable

from tagserver.queue.outbox import Full, OutboxError, Unavailable
from tagserver.queue.retry import Chance

SLOW = 2.0
"""Seconds for a commit beyond which nothing more is taken in, until so much time has passed after its end."""
GIVE_UP = 10.0
"""Seconds of one commit after which those who wait for it, or behind it, are told to come again."""
MOST_OPERATIONS = 20_000
MOST_BYTES = 64 << 20
"""That may wait for the disk."""
RESUME = 0.8
"""Of either: below it taking in begins again."""


def come_again(depth: float, chance: Chance) -> float:
    """Seconds (1 to 30) to ask of a refused sender: more the deeper the trouble (0 to 1), and uneven, so that not
    everybody comes back at once."""
    longest = 1.0 + 29.0 * min(1.0, max(0.0, depth))
    return chance.uniform(max(1.0, longest / 2), longest)


class Pressure:
    """`began` and `ended` are called by the writer's thread, everything else by the event loop. `steady` gives
    seconds that never jump."""

    def __init__(self, steady: Callable[[], float], chance: Chance) -> None:
        self._steady = steady
        self._chance = chance
        self._since: float | None = None
        self._slow_until = float("-inf")
        self._crowded = False

    def began(self) -> None:
        """A group goes to the disk."""
        self._since = self._steady()

    def ended(self) -> None:
        """It came back."""
        now = self._steady()
        if self._since is not None and now - self._since > SLOW:
            self._slow_until = now + SLOW
        self._since = None

    def at_it(self) -> float:
        """Seconds that the present group has been at the disk."""
        since = self._since
        return 0.0 if since is None else self._steady() - since

    def refusal(self, operations: int, size: int) -> OutboxError | None:
        """Why nothing more is taken in while `operations` of `size` bytes wait, or None."""
        depth = max(operations / MOST_OPERATIONS, size / MOST_BYTES)
        self._crowded = depth >= 1.0 or (self._crowded and depth > RESUME)
        if self._crowded:
            return Full("too many requests wait for the disk", come_again(depth, self._chance))
        if self.at_it() > SLOW or self._steady() < self._slow_until:
            return self.unavailable("the disk is too slow at present")
        return None

    def hopeless(self) -> bool:
        """Whether those who wait have waited long enough."""
        return self.at_it() >= GIVE_UP

    def unavailable(self, why: str) -> Unavailable:
        """A refusal that asks for more patience the longer it has lasted."""
        return Unavailable(why, come_again(0.2 + self.at_it() / 30.0, self._chance))
