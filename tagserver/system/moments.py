"""Moments and spans as operators write them, and the one form in which they read of a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGO = re.compile(r"([0-9]{1,6})\s?([smhdw])")
_SPAN = re.compile(r"(?:[0-9]{1,6}\s?[smhdw]\s?){1,5}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
FORMS = "2h or 3d (ago), 2026-11-01 (its beginning, UTC), or 2026-11-01T22:00:00Z"


def moment(text: str, now: int) -> int:
    """Milliseconds since 1970 UTC. `now` likewise: what `2h` is counted back from. A date is its beginning, a time
    without a zone is UTC. Raises ValueError with the forms that there are."""
    text = text.strip()
    try:
        if found := _AGO.fullmatch(text):
            ms = now - int(found[1]) * _SECONDS[found[2]] * 1000
            datetime.fromtimestamp(ms / 1000, UTC)  # which not every number of milliseconds is
            return ms
        given = datetime.fromisoformat(text)
        return round((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is no moment: write {FORMS}") from None


def span(text: str) -> int:
    """The seconds of `30m`, `2h`, `1h30m`, `3d`, `1w`. Raises ValueError for what is none."""
    text = text.strip()
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no span of time")
    return sum(int(number) * _SECONDS[unit] for number, unit in _AGO.findall(text))


def at(ms: int) -> str:
    """A moment to the millisecond, as programs write it: `2026-11-01T22:00:00.000+00:00`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def shown(ms: int) -> str:
    """A moment for people, to the second: `2026-11-01 22:00:00 UTC`."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):  # by a clock that was far off, or a damaged file
        return "a time that no calendar has"
