"""When something happened, by the receiver's clock: `timestamp = receivedAt - (sentAt - originalTimestamp)`, as Segment
works it out (specification of common fields), so that a wrong clock of the sender does no harm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tagserver.plugin.inbound import first_said

CLOCK_ERROR_MS = 5000
"""By so much a request may be under way, or a clock be wrong, before a time is moved; as at `/collect`."""
_LATEST = 10**13


def time_of(message: Mapping[str, Any], sent_at: Any, received: int) -> Any:
    """The time of a message in ms, or what stands there where it is none: the host says so. `sent_at`: of the batch."""
    said = first_said(message, ("originalTimestamp", "timestamp"))
    happened, sent = (
        moment(said),
        moment(first_said({"own": message.get("sentAt"), "batch": sent_at}, ("own", "batch"))),
    )
    if happened is None or sent is None:
        return said if happened is None else happened
    error = received - sent
    return happened + error if abs(error) > CLOCK_ERROR_MS else happened


def moment(value: Any) -> int | None:
    """Ms since 1970 of an ISO 8601 text, in UTC where it names no zone, or of a number of milliseconds; None for all
    else."""
    if type(value) is int or type(value) is float:
        return int(value) if 0 < value < _LATEST else None
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
