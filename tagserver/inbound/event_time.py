"""When an event happened, by its own word: milliseconds, seconds or ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tagserver.event.event import Note

OLDEST_MS, BEYOND_MS = 10**12, 10**13
"""A number between is milliseconds: thirteen digits, from 2001 to 2286."""
UNIX_OLDEST_MS = 62 * 86_400_000
"""Meta takes the `event_time` of a till's events for so long, and that of others for less."""
UNIX_AHEAD_MS = 600_000


def event_time(data: Mapping[str, Any], received: int, shift: int, notes: list[Note]) -> int:
    """Ms since 1970 UTC, from an event's `timestamp`; the time of receipt where that is none, which is noted. `shift`:
    how far the sender's clock is off, in ms."""
    value = data.get("timestamp")
    if value is None or value == "":
        return _unix_time(data.get("event_time"), received, shift, notes)
    time = _milliseconds(value)
    if time is None:
        message = (
            "timestamp is not a time (milliseconds, ten digits of seconds, or ISO 8601); the time of receipt is used"
        )
        notes.append(Note("timestamp", "bad_time", message))
        return received
    return time + shift


def _unix_time(value: Any, received: int, shift: int, notes: list[Note]) -> int:
    """The time of an event that says it as Meta's do, in `event_time`; the time of receipt otherwise.

    The name may be a shop's own: a text may say when a concert begins, and so may a number in the future.
    """
    if not (type(value) is int or (type(value) is str and value.isascii() and value.isdigit())):
        return received
    time = _milliseconds(value)
    if time is None or time + shift > received + UNIX_AHEAD_MS:
        return received
    if time + shift < received - UNIX_OLDEST_MS:
        notes.append(Note("event_time", "unread", "event_time is long ago, and not read as the event's; use timestamp"))
        return received
    return time + shift


def _milliseconds(value: Any) -> int | None:
    if type(value) is str:
        text = value.strip()
        if not (text.isascii() and text.isdigit()):
            return _iso(text)
        value = int(text) if len(text) < 15 else None
    if type(value) is float:
        value = int(value) if 0 < value < 1e14 else None
    if type(value) is not int:
        return None
    if OLDEST_MS <= value < BEYOND_MS:
        return value
    return value * 1000 if 10**9 <= value < 10**10 else None


def _iso(text: str) -> int | None:
    """Milliseconds of an ISO 8601 text; without a zone it is taken as UTC."""
    if len(text) < 10 or len(text) > 40 or text[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        milliseconds = int(moment.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
    return milliseconds if 0 <= milliseconds < 10**13 else None
