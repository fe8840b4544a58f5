"""Moments: the time of an event as a vendor may have it. Within the server all of them are ms since 1970 UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tagserver.event.event import Event
from tagserver.plugin.contract import Omitted, Skip

AHEAD_MS = 600_000
"""A browser's clock may run ahead by this much; such a time is taken as now."""
DAY_MS = 86_400_000
MARGIN_MS = 4 * 3_600_000
"""Left for the queue before a vendor's own limit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(value: Any) -> int | None:
    """A moment in ms since 1970, of a whole number of seconds (10 digits), ms (13) or µs (16); None for all else."""
    if type(value) is not int or value < 10**9 or value >= 10**16:
        return None
    if value < 10**10:
        return value * 1000
    if 10**12 <= value < 10**13:
        return value
    return value // 1000 if value >= 10**15 else None


def event_time(event: Event, said: Any, field: str, omitted: list[Omitted]) -> int:
    """The moment to send, in ms: what the tag says (`said`, see `milliseconds`), else the event's own.

    A clock that runs ahead a little is taken as now; one that runs ahead far is not believed, and `field`, the
    vendor's name for the time, is named in `omitted`.
    """
    time = event.time
    if said is not None:
        if (given := milliseconds(said)) is not None:
            time = given
        else:
            omitted.append(Omitted(field, "is no moment in seconds, milliseconds or microseconds since 1970"))
    received = event.facts.received
    if time <= received:
        return time
    if time - received > AHEAD_MS:
        omitted.append(Omitted(field, "is in the future; the time of receipt is used"))
    return received


def last_moment(event: Event, time: int, days: int, vendor: str, omitted: Sequence[Omitted] = ()) -> int:
    """When sending becomes pointless, in ms: `days` after `time` (the moment that is sent), less four hours that are
    left for the queue. Raises Skip `too_old` when that has passed before the event was received."""
    end = time + days * DAY_MS - MARGIN_MS
    if event.received >= end:
        raise Skip("too_old", f"{vendor} takes events of the last {days} days", omitted)
    return end


def rfc3339(moment: int) -> str:
    """Milliseconds since 1970 as `2026-09-21T14:13:20.000Z`."""
    return (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
