"""How much of the sending may be repeating: a vendor that fails every other time must not get twice the requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

SHARE = 0.2
"""Of the requests of the last minute that may be repeats, while some of them fail."""
ALWAYS = 10
"""Repeats a minute that are always allowed: else a quiet destination would never repeat anything."""
WINDOW = 60.0


class RetryBudget:
    """Of one destination. `steady` gives seconds that never jump."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._sent: deque[tuple[float, bool]] = deque()
        self._repeats = 0
        self._failed_at = float("-inf")

    def sent(self, *, repeat: bool) -> None:
        """One request more."""
        self._sent.append((self._steady(), repeat))
        self._repeats += repeat

    def failed(self) -> None:
        """A request failed on its way."""
        self._failed_at = self._steady()

    def allows(self) -> bool:
        """Whether a repeat may be sent now; always, when nothing has failed for a minute."""
        now = self._steady()
        while self._sent and now - self._sent[0][0] > WINDOW:
            self._repeats -= self._sent.popleft()[1]
        if now - self._failed_at > WINDOW:
            return True
        return self._repeats < max(ALWAYS, SHARE * len(self._sent))
