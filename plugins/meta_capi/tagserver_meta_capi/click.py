"""fbc and fbp: how a visitor came, and which browser it is. A malformed fbc costs a whole request at Meta
(100/2804001), so none is sent.

Source: Meta's page on fbp and fbc, and the behaviour of its parameter builder: `fb.<index>.<ms>.<payload>`,
perhaps with an appendix that tells which library touched it (carried, never made).
"""

from __future__ import annotations

import re

from tagserver.plugin import Event

_APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
_FBC = re.compile(rf"fb\.\d{{1,3}}\.\d{{1,20}}\.([!-\-/-~]{{1,2048}}){_APPENDIX}\Z", re.ASCII)
_FBP = re.compile(rf"fb\.\d{{1,3}}\.\d{{1,20}}\.([!-\-/-~]{{1,64}}){_APPENDIX}\Z", re.ASCII)
_CLICK_ID = re.compile(r"[!-\-/-~]{1,2048}\Z")
"""Printable ASCII without a dot, which separates the parts."""

FBC_SHAPE = "is not of the form fb.1.<ms>.<fbclid>"
FBP_SHAPE = "is not of the form fb.1.<ms>.<number>"

Found = tuple[str | None, str | None]
"""The value to send, and why one that was there is not sent."""


_PLACES = {"fbc": ("_fbc", "x-fb-ck-fbc"), "fbp": ("_fbp", "x-fb-ck-fbp")}
"""The cookie, and the field under which server containers pass its value on."""


def _given(event: Event, name: str) -> object:
    """The cookie, or what the event says in one of the usual places; the first that is there."""
    cookie, header = _PLACES[name]
    data = event.data
    for place in (event.cookies.get(cookie), event.user_data.get(name), data.get(name), data.get(header)):
        if place is not None and place != "":
            return place
    return None


def well_formed(name: str, value: object) -> str | None:
    """An fbc or fbp as it may be sent, or None."""
    text = value.strip() if isinstance(value, str) else ""
    return text if (_FBC if name == "fbc" else _FBP).match(text) else None


def _arrived(event: Event) -> str | None:
    """The fbclid in the page's address, whatever its case there; the value's own case is kept."""
    query = event.page.query
    return query.get("fbclid") or next((value for key, value in query.items() if key.lower() == "fbclid"), None)


def read_fbp(event: Event) -> Found:
    """The browser's id from its cookie. Never made here: a new one for each hit is worse than none."""
    value = _given(event, "fbp")
    if value is None:
        return None, None
    text = well_formed("fbp", value)
    return text, None if text else FBP_SHAPE


def read_fbc(event: Event) -> Found:
    """The click: that of the page's address when it differs from the cookie's, else the cookie with its own time.

    The time of a new one is when the click was first seen: receipt, or the event's own time when that is
    earlier (a replay).
    """
    value = _given(event, "fbc")
    cookie = value.strip() if isinstance(value, str) else None
    held = _FBC.match(cookie) if cookie else None
    why = None if value is None or held else FBC_SHAPE
    click = _arrived(event) or (None if held else event.data.get("fbclid"))
    if isinstance(click, str) and click and (held is None or held[1] != click):
        if _CLICK_ID.match(click):
            return f"fb.1.{min(event.time, event.received)}.{click}", None
        why = "the fbclid holds blanks or dots"
    return (cookie if held else None), why
