"""The day on which a vendor ends a version of its API, said months before: every version ends, and events that are
refused for it are lost at the worst moment."""

from __future__ import annotations

from datetime import date, timedelta

NOTICE = timedelta(days=120)
"""How long before the end it is said: time to read a changelog and to try the next version."""


def ending(ends: date | None, today: date) -> str | None:
    """What to say of a version that ends on a day, or None while that is far off or not known."""
    if ends is None or ends - today > NOTICE:
        return None
    if ends <= today:
        return f"the vendor's API version has ended on {ends}"
    return f"the vendor's API version ends on {ends}, in {(ends - today).days} days"
