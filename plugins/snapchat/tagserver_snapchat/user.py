"""`user_data`: who it was, hashed where Snap wants hashes. Source: Snap, Conversions API, Parameters.

Snap's rules for names, e-mail and phone are those of the kit (accents stay); places are only trimmed and lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    BROWSER_ID,
    IP,
    Event,
    Found,
    Group,
    Identity,
    Kind,
    Omitted,
    Who,
    click_id,
    identifier,
    is_text,
    lower_text,
    state_text,
)
from tagserver_snapchat.settings import SnapchatSettings

PLAIN_KEYS = ("sc_click_id", "sc_cookie1", "madid", "idfv", "lead_id", "subscription_id")
"""Sent in the clear, as they are."""
LONGEST_ID, LONGEST_AGENT = 500, 1024


def _id(value: Any) -> str | None:
    text = identifier(value)
    return text if text is not None and len(text) <= LONGEST_ID else None


def _agent(value: Any) -> str | None:
    sound = isinstance(value, str) and is_text(value) and not value.isspace()
    return value[:LONGEST_AGENT] if sound else None


_PLAIN: Mapping[str, Kind] = {
    **dict.fromkeys(PLAIN_KEYS, Kind(_id, "is not a short text")),
    "sc_click_id": click_id("sccid"),
    "sc_cookie1": BROWSER_ID,
    "client_ip_address": IP,
    "client_user_agent": Kind(_agent, "is not text"),
}
CLEAR = tuple(_PLAIN)
_IDS: Mapping[str, Callable[[Event], str | None]] = {
    "sc_click_id": lambda event: event.clicks.get("sccid"),
    "sc_cookie1": lambda event: event.cookies.get("_scid"),
}
"""Ids of click and browser, and where the request has them."""
PLACES: Mapping[str, str] = {
    "em": "email",
    "ph": "phone_number",
    "ge": "gender",
    "db": "date_of_birth",
    "external_id": "external_id",
    "fn": "address.first_name",
    "ln": "address.last_name",
    "ct": "address.city",
    "st": "address.region",
    "zp": "address.postal_code",
    "country": "address.country",
}
"""Snap's names of hashed fields, and where an event's `user_data` holds the same."""


def american_region(text: str) -> str:
    """A state of the US as its two letters, everything else in lower case."""
    code = state_text(text, "us")
    return code if len(code) == 2 else lower_text(text)


_HASHED: Mapping[str, Callable[[Identity, SnapchatSettings], Found]] = {
    "em": lambda who, settings: who.email,
    "ph": lambda who, settings: who.phone(settings.default_country),
    "fn": lambda who, settings: who.first_name,
    "ln": lambda who, settings: who.last_name,
    "ge": lambda who, settings: who.gender,
    "db": lambda who, settings: who.birth_date(day_first=settings.date_order == "day_first"),
    "ct": lambda who, settings: who.hashed("city", lower_text, "is no city"),
    "st": lambda who, settings: who.hashed(
        "region", american_region if who.country in (None, "us") else lower_text, "is no region"
    ),
    "zp": lambda who, settings: who.hashed("postal_code", lower_text, "is no postal code"),
    "country": lambda who, settings: who.country_hash,
    "external_id": lambda who, settings: who.external_id_hashes,
}


def build_user(
    event: Event, given: Mapping[str, Any], settings: SnapchatSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user_data`, by Snap's names; they win."""
    made = Group("user_data", omitted)
    who = Who(event, given, PLACES)
    for key, view in _HASHED.items():
        made.put_hashes(key, view(who.of(key), settings))
    found = _plain(event)
    for key, kind in _PLAIN.items():
        if key in _IDS:
            made.put_first(key, (given.get(key), _IDS[key](event), event.user_data.get(key)), kind)
        else:
            made.put(key, given.get(key, found[key]), kind)
    for key in [key for key in given if key not in PLACES and key not in _PLAIN]:
        made.omit(key, "is no key that Snap knows")
    return made


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """Whether Snap can match: an e-mail, a phone, an advertising id, or address and agent of the browser."""
    if "em" in user or "ph" in user or "madid" in user:
        return True
    return "client_ip_address" in user and "client_user_agent" in user


def _plain(event: Event) -> dict[str, Any]:
    said = event.user_data
    return {
        **{key: said.get(key) for key in PLAIN_KEYS},
        "client_ip_address": event.facts.ip,
        "client_user_agent": event.facts.user_agent,
    }
