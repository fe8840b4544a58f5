"""fbc and fbp: how a visitor came, and which browser it is. A malformed fbc costs a whole request at Meta (100/2804001), so none is sent.

Source: Meta's page on fbp and fbc, and the behaviour of its parameter builder: `fb.<index>.<ms>.<payload>`, perhaps with an appendix that tells
which library touched it (carried, never made).
"""

from __future__ import annotations

import re

from tagserver.plugin import Event

_APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
_FBC = re.compile(rf"fb\.\d{{1,2}}\.\d{{10,14}}\.([^.\s]{{1,2000}}){_APPENDIX}\Z", re.ASCII)
_FBP = re.compile(rf"fb\.\d{{1,2}}\.\d{{10,14}}\.(\d{{1,20}}){_APPENDIX}\Z", re.ASCII)
_CLICK_ID = re.compile(r"[^.\s\x00-\x1f]{1,2000}\Z")

Found = tuple[str | None, str | None]
"""The value to send, and why one that was there is not sent."""


def _given(event: Event, name: str) -> object:
    """The cookie, or what the event says in one of the usual places."""
    cookie = event.cookies.get(f"_{name}")
    if cookie is not None:
        return cookie
    for place in (event.user_data.get(name), event.data.get(name), event.data.get(f"x-fb-ck-{name}")):
        if place is not None:
            return place
    return None


def read_fbp(event: Event) -> Found:
    """The browser's id from its cookie. Never made here: a new one for each hit is worse than none."""
    value = _given(event, "fbp")
    if value is None or value == "":
        return None, None
    if isinstance(value, str) and _FBP.match(value.strip()):
        return value.strip(), None
    return None, "is not of the form fb.1.<ms>.<digits>"


def read_fbc(event: Event) -> Found:
    """The click: that of the page's address when it differs from the cookie's, else the cookie with its own time.

    The time of a new one is when the click was first seen: receipt, or the event's own time when that is earlier (a replay).
    """
    value = _given(event, "fbc")
    cookie = value.strip() if isinstance(value, str) else None
    held = _FBC.match(cookie) if cookie else None
    why = None if value is None or value == "" or held else "is not of the form fb.1.<ms>.<fbclid>"
    click = event.page.query.get("fbclid") or event.data.get("fbclid")
    if isinstance(click, str) and click and (held is None or held[1] != click):
        if _CLICK_ID.match(click):
            return f"fb.1.{min(event.time, event.received)}.{click}", None
        why = "the fbclid holds blanks or dots"
    return (cookie if held else None), why
