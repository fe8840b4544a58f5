"""fbc and fbp: how a visitor came, and which browser it is. A malformed fbc costs a whole request at Meta
(100/2804001), so none is sent.

Source: Meta's page on fbp and fbc, and the behaviour of its parameter builder: `fb.<index>.<ms>.<payload>`,
perhaps with an appendix that tells which library touched it (carried, never made).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tagserver.plugin import Event, Group
from tagserver.plugin.values import identifier

_LONGEST = {"fbc": 2048, "fbp": 64}
"""Characters of the fourth part."""
_APPENDICES = frozenset({"AQ", "Ag", "Aw", "BA", "BQ", "Bg"})
_WORD = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"
FAULTS = {"fbc": "is not of the form fb.1.<ms>.<fbclid>", "fbp": "is not of the form fb.1.<ms>.<number>"}

_PLACES = {"fbc": ("_fbc", "x-fb-ck-fbc"), "fbp": ("_fbp", "x-fb-ck-fbp")}
"""The cookie, and the field under which server containers pass its value on."""
_FIELDS = frozenset({*_PLACES, *(header for _, header in _PLACES.values())})


def put_clicks(made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
    """Set both where they are known.

    fbc is the click: that of the page's address when it differs from the cookie's, else the cookie with its own time.
    The time of a new one is when the click was first seen: receipt, or the event's own time when that is earlier (a
    replay). fbp is the browser's id from its cookie, never made here: a new one for each hit is worse than none.
    """
    cookies, clicks, data = event.cookies, event.clicks, event.data
    said = data.get("user_data") or {}
    if not (cookies or clicks) and _FIELDS.isdisjoint(data) and _FIELDS.isdisjoint(said):
        return  # nothing in any of the places that are looked at
    for name, (cookie, header) in _PLACES.items():
        value, fault = None, False
        # The cookie, or what the event says in one of the usual places: the first that is well-formed.
        for place in (cookies.get(cookie), said.get(name), data.get(name), data.get(header)):
            if place is None or place == "":
                continue
            if (value := well_formed(name, place)) is not None:
                break
            fault = True
        click = clicks.get("fbclid") if name == "fbc" else None
        if click is not None and (value is None or (value.split(".")[3] != click and _arrived(event, click))):
            value = f"fb.1.{min(event.time, event.received)}.{click}"
        if value is not None:
            made[name] = value
        if fault:
            made.omit(name, FAULTS[name])


def well_formed(name: str, value: object) -> str | None:
    """An fbc or fbp as it may be sent, or None."""
    return _well_formed(name, value.strip()) if isinstance(value, str) and len(value) < _LONG else None


_LONG = 4096


@lru_cache(maxsize=4096)
def _well_formed(name: str, text: str) -> str | None:
    """A browser sends the same ones with each event of a visit."""
    parts = text.split(".")
    if len(parts) not in (4, 5) or parts[0] != "fb" or not text.isascii():
        return None
    _, index, moment, payload, *rest = parts
    if not (index.isdigit() and len(index) <= 3 and moment.isdigit() and len(moment) <= 20):
        return None
    if not 0 < len(payload) <= _LONGEST[name] or not _is_word(payload):
        return None
    if rest and not (rest[0] in _APPENDICES or (len(rest[0]) == 8 and _is_word(rest[0]))):
        return None
    # What is written for a missing value has the shape of an id, and is none.
    return text if payload[0].isdigit() or identifier(payload) is not None else None


def _is_word(text: str) -> bool:
    return not text.encode().translate(None, _WORD)


def _arrived(event: Event, click: str) -> bool:
    """Whether a click id stands in the page's address; it may be that of a field, which a cookie beats."""
    return any(value == click and name.lower() == "fbclid" for name, value in event.page.query.items())
