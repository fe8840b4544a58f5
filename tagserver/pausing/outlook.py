"""What becomes of what waits: how much of it is too old by now, or will be before a pause ends, and how much may not be
sent any more."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tagserver.delivery.send_policy import Refusal
from tagserver.queue.api import Queue
from tagserver.queue.retry import deadline
from tagserver.queue.values import Counts, Row
from tagserver.system.time import Time

MOST = 100_000
"""Rows that are looked at; they are the oldest, so they expire first."""
SECONDS = 5.0
"""For that at most."""
DAYS = 14
"""Days of which each has its number."""

Permits = Callable[[Row], Refusal | None]


@dataclass
class Outlook:
    """`waiting`: how many wait; `looked`: how many of them the other numbers are about. `expired`: too old by now;
    `unknown`: of these, those that the vendor may have already and would count again. `before`: expire before a moment
    that was asked about. `first`: when the first of the others expires (ms). `by_day`: how many of them expire on a day
    (UTC). `refused`: would not be sent now, by reason."""

    waiting: int = 0
    looked: int = 0
    expired: int = 0
    unknown: int = 0
    before: int = 0
    first: int | None = None
    by_day: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def see(self, rows: Iterable[Row], now: int, until: int | None, repeat: float | None, permits: Permits) -> None:
        """Count some rows. `repeat`: see `deadline`."""
        for row in rows:
            self.looked += 1
            end = deadline(row.expires, row.unknown_since, repeat)
            if end is not None and end <= now:
                self.expired += 1
                self.unknown += row.expires is None or row.expires > now
                continue
            if (refusal := permits(row)) is not None:
                self.refused[refusal[0]] += 1
            if end is not None:
                self.before += until is not None and end < until
                self.first = end if self.first is None else min(self.first, end)
                self.by_day[_day(end)] += 1

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        days = sorted(self.by_day.items())
        return {
            "waiting": self.waiting,
            "looked": self.looked,
            "expired": self.expired,
            "unknown": self.unknown,
            "before": self.before,
            "first": self.first,
            "by_day": dict(days[:DAYS]),
            "later": sum(number for _, number in days[DAYS:]),
            "refused": dict(self.refused),
        }


async def outlook(
    queue: Queue,
    names: Iterable[str],
    time: Time,
    *,
    until: int | None,
    repeat: float | None,
    permits: Permits = lambda row: None,
) -> Outlook:
    """Of a destination with these names; `until` in ms, `repeat` in seconds. Raises `OutboxError`."""
    seen = Outlook()
    now, end = time.now(), time.monotonic() + SECONDS
    for name in names:
        if not queue.ready(name):
            continue
        seen.waiting += queue.ready(name)
        async for rows in queue.pending_rows(name):
            if seen.looked >= MOST or time.monotonic() > end:
                break
            seen.see(rows, now, until, repeat, permits)
    return seen


def _day(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):  # of a clock that was far off
        return "9999-12-31"


# ── how fast deliveries have come lately: a forecast needs it, and the counters only know sums

SAMPLES = 61
"""Kept, one a minute: an hour."""
SHORTEST = 60.0
"""Seconds over which something can be said."""


class Rates:
    """`counts`: those of the queue."""

    def __init__(self, counts: Callable[[], Mapping[str, Counts]], time: Time) -> None:
        self._counts = counts
        self._time = time
        self._samples: deque[tuple[float, dict[str, int]]] = deque(maxlen=SAMPLES)

    def note(self) -> None:
        """Once a minute."""
        self._samples.append((self._time.monotonic(), {name: one.accepted for name, one in self._counts().items()}))

    def of(self, names: Iterable[str]) -> float | None:
        """Deliveries a second over the last hour, or as much of it as this process has seen; None: too little."""
        if not self._samples or (span := self._time.monotonic() - self._samples[0][0]) < SHORTEST:
            return None
        then, now = self._samples[0][1], self._counts()
        return sum(now[name].accepted - then.get(name, 0) for name in names if name in now) / span
