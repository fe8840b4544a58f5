"""A moment as an operator writes it: how long ago, a date, or a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGO = re.compile(r"([0-9]{1,6})\s?([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
FORMS = "2h or 3d (ago), 2026-11-01 (its beginning, UTC), or 2026-11-01T22:00:00Z"


def moment(text: str, now: int) -> int:
    """Milliseconds since 1970 UTC. `now` likewise: what `2h` is counted back from. A date is its beginning, a time
    without a zone is UTC. Raises ValueError with the forms that there are."""
    text = text.strip()
    if found := _AGO.fullmatch(text):
        return now - int(found[1]) * _SECONDS[found[2]] * 1000
    try:
        given = datetime.fromisoformat(text)
        return round((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no moment: write {FORMS}") from None


def shown(ms: int) -> str:
    """A moment for people, to the second, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
