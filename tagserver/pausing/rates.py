"""How fast deliveries have come lately, by destination: a forecast needs it, and the counters only know sums."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from tagserver.queue.values import Counts

SAMPLES = 61
"""Kept, one a minute: an hour."""
SHORTEST = 60.0
"""Seconds over which something can be said."""


class Rates:
    """`counts`: those of the queue; `steady`: seconds that never jump."""

    def __init__(self, counts: Callable[[], Mapping[str, Counts]], steady: Callable[[], float]) -> None:
        self._counts = counts
        self._steady = steady
        self._samples: deque[tuple[float, dict[str, int]]] = deque(maxlen=SAMPLES)

    def note(self) -> None:
        """Once a minute."""
        self._samples.append((self._steady(), {name: one.accepted for name, one in self._counts().items()}))

    def of(self, names: Iterable[str]) -> float | None:
        """Deliveries a second over the last hour, or as much of it as this process has seen; None: too little."""
        if not self._samples or (span := self._steady() - self._samples[0][0]) < SHORTEST:
            return None
        then, now = self._samples[0][1], self._counts()
        return sum(now[name].accepted - then.get(name, 0) for name in names if name in now) / span
