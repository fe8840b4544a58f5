"""How fast one sender may be: a token bucket for each key and each address, in bounded memory.

Whoever has not been seen for as long as a bucket takes to fill has a full one, so forgetting it changes nothing. When
more senders come than are kept, the one seen longest ago is forgotten: a flood of addresses cannot use up memory, and
each of them still pays for its own requests.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

from tagserver.system.time import Time

BURST = 10.0
"""Seconds of its rate that a sender may send at once after a silence."""
MOST = 50_000


class RateLimit:
    """`rate` in events a second for each sender; None lets everything through. `burst`: seconds of the rate that
    fit a bucket."""

    def __init__(self, rate: float | None, time: Time, most: int = MOST, burst: float = BURST) -> None:
        self._rate = rate
        self._time = time
        self._most = most
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, sender: str, events: int) -> float:
        """0 when `events` may pass, which takes them from the bucket; else the seconds until they might. Of no events
        it says whether the sender is in debt.

        A request larger than a whole bucket passes when the bucket is full, and leaves a debt behind.
        """
        if self._rate is None:
            return 0.0
        now = self._time.monotonic()
        full = max(1.0, self._rate * self._burst)
        tokens, seen = self._buckets.pop(sender, (full, now))
        tokens = min(full, tokens + (now - seen) * self._rate)
        needed = min(float(events), full)
        passes = tokens >= needed
        self._buckets[sender] = (tokens - events if passes else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if passes else math.ceil((needed - tokens) / self._rate * 10) / 10

    def spend(self, sender: str) -> None:
        """One event has passed that could not be refused: at worst the sender is in debt."""
        if self._rate is not None and self.wait(sender, 1):
            tokens, seen = self._buckets[sender]
            self._buckets[sender] = (tokens - 1, seen)


def sender_of(address: str | None) -> str:
    """What counts as one sender: of IPv6 the network of 64 bits, all of which one customer has."""
    if address is None or ":" not in address:
        return address or ""
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or found.packed[:8].hex())
