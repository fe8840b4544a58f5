"""When to try again, and when to give up: pure functions of time, chance and what the vendor said."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

BASE = 1.0
FLOOR = 0.5
EARLY_CAP = 30.0
"""Seconds between tries at most during the first ten minutes of an outage."""
EARLY = 600.0
LATE_CAP = 3600.0
ASKED_CAP = 900.0
"""Of a Retry-After that is believed. A proxy on its last legs asks for a day as easily as for a second."""


class Chance(Protocol):
    """The part of `random.Random` that is used."""

    def uniform(self, a: float, b: float) -> float:
        """A number between a and b."""
        ...


def backoff(failures: int, outage: float, chance: Chance, asked: float | None = None) -> float:
    """Seconds until the next try after `failures` in a row, `outage` seconds since the first.

    Exponential with full jitter and a floor; what the vendor asked for is a lower bound, with up to a tenth on top
    so that not everybody comes back at once.
    """
    cap = EARLY_CAP if outage < EARLY else min(LATE_CAP, EARLY_CAP * outage / EARLY)
    longest = min(cap, BASE * 2.0 ** min(failures - 1, 30))
    delay = max(FLOOR, chance.uniform(0.0, longest))
    if asked is not None:
        delay = max(delay, asked + chance.uniform(0.0, asked / 10))
    return delay


def retry_after(value: str | None, now_ms: int) -> float | None:
    """Seconds of a Retry-After header (RFC 9110: seconds or a date), at most 15 minutes; None for anything unusable."""
    if not value:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds()
    if math.isnan(seconds) or seconds < 0:
        return None
    return min(seconds, ASKED_CAP)


def deadline(expires: int | None, unknown_since: int | None, repeat: float | None) -> int | None:
    """The moment (ms) after which a delivery is not sent any more; None: never.

    `repeat` (seconds) begins with the first attempt whose outcome nobody knows: later the vendor would count a
    repeat twice.
    """
    ends = [expires] if expires is not None else []
    if unknown_since is not None and repeat is not None:
        ends.append(unknown_since + int(repeat * 1000))
    return min(ends, default=None)
