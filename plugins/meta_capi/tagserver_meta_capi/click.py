"""fbc and fbp: how a visitor came, and which browser it is. A malformed fbc costs a whole request at Meta
(100/2804001), so none is sent.

Source: Meta's page on fbp and fbc, and the behaviour of its parameter builder: `fb.<index>.<ms>.<payload>`,
perhaps with an appendix that tells which library touched it (carried, never made).
"""

from __future__ import annotations

import re

from tagserver.plugin import Event, identifier

_APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
_SHAPES = {
    "fbc": re.compile(rf"fb\.\d{{1,3}}\.\d{{1,20}}\.([A-Za-z0-9_-]{{1,2048}}){_APPENDIX}\Z", re.ASCII),
    "fbp": re.compile(rf"fb\.\d{{1,3}}\.\d{{1,20}}\.([A-Za-z0-9_-]{{1,64}}){_APPENDIX}\Z", re.ASCII),
}
FAULTS = {"fbc": "is not of the form fb.1.<ms>.<fbclid>", "fbp": "is not of the form fb.1.<ms>.<number>"}

Found = tuple[str | None, str | None]
"""The value to send, and why one that stood in front of it, or alone, is not sent."""

_PLACES = {"fbc": ("_fbc", "x-fb-ck-fbc"), "fbp": ("_fbp", "x-fb-ck-fbp")}
"""The cookie, and the field under which server containers pass its value on."""


def _given(event: Event, name: str) -> Found:
    """The cookie, or what the event says in one of the usual places: the first that is well-formed."""
    cookie, header = _PLACES[name]
    data = event.data
    fault = None
    for place in (event.cookies.get(cookie), event.user_data.get(name), data.get(name), data.get(header)):
        if place is None or place == "":
            continue
        if (text := well_formed(name, place)) is not None:
            return text, fault
        fault = FAULTS[name]
    return None, fault


def well_formed(name: str, value: object) -> str | None:
    """An fbc or fbp as it may be sent, or None."""
    text = value.strip() if isinstance(value, str) else ""
    found = _SHAPES[name].match(text)
    # What is written for a missing value has the shape of an id, and is none.
    return text if found is not None and identifier(found[1]) is not None else None


def _click_of(fbc: str) -> str:
    """The fbclid in a well-formed fbc: its fourth part, before the appendix."""
    return fbc.split(".")[3]


def read_fbp(event: Event) -> Found:
    """The browser's id from its cookie. Never made here: a new one for each hit is worse than none."""
    return _given(event, "fbp")


def read_fbc(event: Event) -> Found:
    """The click: that of the page's address when it differs from the cookie's, else the cookie with its own time.

    The time of a new one is when the click was first seen: receipt, or the event's own time when that is
    earlier (a replay).
    """
    held, fault = _given(event, "fbc")
    click = event.clicks.get("fbclid")
    if click is None or (held is not None and (_click_of(held) == click or not _arrived(event, click))):
        return held, fault
    return f"fb.1.{min(event.time, event.received)}.{click}", fault


def _arrived(event: Event, click: str) -> bool:
    """Whether a click id stands in the page's address; it may be that of a field, which a cookie beats."""
    return any(value == click and name.lower() == "fbclid" for name, value in event.page.query.items())
