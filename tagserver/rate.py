"""How fast one sender may be: a token bucket for each key and each address, in bounded memory.

Whoever has not been seen for as long as a bucket takes to fill has a full one, so forgetting it changes nothing. When
more senders come than are kept, the one seen longest ago is forgotten: a flood of addresses cannot use up memory, and
each of them still pays for its own requests.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

BURST = 10.0
"""Seconds of its rate that a sender may send at once after a silence."""
MOST = 50_000


class RateLimit:
    """`rate` in events a second for each sender; None lets everything through. `steady`: seconds that never jump."""

    def __init__(self, rate: float | None, steady: Callable[[], float], most: int = MOST) -> None:
        self._rate = rate
        self._steady = steady
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, sender: str, events: int) -> float:
        """0 when `events` may pass, which takes them from the bucket; else the seconds until they might.

        A request larger than a whole bucket passes when the bucket is full, and leaves a debt behind.
        """
        if self._rate is None:
            return 0.0
        now = self._steady()
        full = max(1.0, self._rate * BURST)
        tokens, seen = self._buckets.pop(sender, (full, now))
        tokens = min(full, tokens + (now - seen) * self._rate)
        needed = min(float(events), full)
        passes = tokens >= needed
        self._buckets[sender] = (tokens - events if passes else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if passes else math.ceil((needed - tokens) / self._rate * 10) / 10
