"""`user`: who it was. Source: TikTok, Events API 2.0, user parameters.

E-mail, telephone (with its plus sign), names, postal code and the shop's ids are hashed; places, TikTok's own ids,
address and agent go in the clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    BROWSER_ID,
    IP,
    TEXT,
    Event,
    Found,
    Group,
    Identity,
    Omitted,
    Who,
    click_id,
    compact_text,
    lower_text,
)
from tagserver_tiktok.settings import TikTokSettings

PLACES: Mapping[str, str] = {
    "email": "email",
    "phone": "phone_number",
    "external_id": "external_id",
    "first_name": "address.first_name",
    "last_name": "address.last_name",
    "zip_code": "address.postal_code",
    "city": "address.city",
    "state": "address.region",
    "country": "address.country",
}
"""TikTok's names, and where an event's `user_data` holds the same."""

_HASHED: Mapping[str, Callable[[Identity, TikTokSettings], Found]] = {
    "email": lambda who, settings: who.email,
    "phone": lambda who, settings: who.phone_plus(settings.default_country),
    "external_id": lambda who, settings: who.external_id_hashes,
    "first_name": lambda who, settings: who.hashed("first_name", compact_text),
    "last_name": lambda who, settings: who.hashed("last_name", compact_text),
    "zip_code": lambda who, settings: who.hashed("postal_code", compact_text),
}
_SEVERAL = frozenset({"email", "phone", "external_id"})
"""Fields that are lists; of the others TikTok takes one value."""
_CLEAR: Mapping[str, Callable[[Identity], str | None]] = {
    "city": lambda who: who.plain("city", lower_text),
    "state": lambda who: who.plain("region", lower_text),
    "country": lambda who: who.country,
}
_IDS = {"ttclid": click_id("ttclid"), "ttp": BROWSER_ID}
_PLAIN = {**_IDS, "ip": IP, "user_agent": TEXT, "locale": TEXT}
HASHED, CLEAR = tuple(_HASHED), (*_CLEAR, *_PLAIN)


def build_user(
    event: Event, given: Mapping[str, Any], settings: TikTokSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user`, by TikTok's names; they win."""
    made = Group("user", omitted)
    who = Who(event, given, PLACES)
    for key, view in _HASHED.items():
        made.put_hashes(key, view(who.of(key), settings), single=key not in _SEVERAL)
    for key, read in _CLEAR.items():
        made.put(key, read(who.of(key)), TEXT)
    found = _found(event)
    for key, kind in _PLAIN.items():
        if key in _IDS:
            made.put_first(key, (given.get(key), found[key]), kind)
        else:
            made.put(key, given.get(key, found[key]), kind)
    for key in [key for key in given if key not in PLACES and key not in _PLAIN]:
        made.omit(key, "is no key that TikTok knows")
    return made


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """Whether TikTok can match: an identifier, a click, its cookie, or address and agent of the browser."""
    if user.keys() & {*_SEVERAL, "ttclid", "ttp"}:
        return True
    return {"ip", "user_agent"} <= user.keys()


def _found(event: Event) -> dict[str, Any]:
    """What the request itself tells. The click id in the page's address beats the cookie that keeps it."""
    return {
        "ttclid": event.clicks.get("ttclid"),
        "ttp": event.cookies.get("_ttp"),
        "ip": event.facts.ip,
        "user_agent": event.facts.user_agent,
        "locale": event.facts.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip(),
    }
