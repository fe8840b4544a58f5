"""`user_data`: who it was. Source: Pinterest's description of its API, `ConversionEventsUserData`.

Everything is hashed, as lists, but for the visitor's address and agent, the click id and a partner's id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    ID,
    IP,
    TEXT,
    Event,
    Found,
    Group,
    Identity,
    Omitted,
    Who,
    click_id,
    digits_text,
    gender_text,
    hash_values,
    lower_text,
)
from tagserver_pinterest.settings import PinterestSettings

PLACES: Mapping[str, str] = {
    "em": "email",
    "ph": "phone_number",
    "ge": "gender",
    "db": "date_of_birth",
    "fn": "address.first_name",
    "ln": "address.last_name",
    "ct": "address.city",
    "st": "address.region",
    "zp": "address.postal_code",
    "country": "address.country",
    "external_id": "external_id",
}
"""Pinterest's names, and where an event's `user_data` holds the same."""


def gender(text: str) -> str:
    """`f`, `m`, or `n` for non-binary, which Pinterest alone knows."""
    return "n" if lower_text(text).replace("-", "") in ("n", "nonbinary") else gender_text(text)


_HASHED: Mapping[str, Callable[[Identity, PinterestSettings], Found]] = {
    "em": lambda who, settings: who.email,
    "ph": lambda who, settings: who.phone(settings.default_country),
    "ge": lambda who, settings: who.hashed("gender", gender),
    "db": lambda who, settings: who.birth_date(day_first=settings.date_order == "day_first"),
    "fn": lambda who, settings: who.hashed("first_name", lower_text),
    "ln": lambda who, settings: who.hashed("last_name", lower_text),
    "ct": lambda who, settings: who.city,
    "st": lambda who, settings: who.region,
    "zp": lambda who, settings: who.hashed("postal_code", digits_text, "holds no digits, and Pinterest wants no more"),
    "country": lambda who, settings: who.country_hash,
    "external_id": lambda who, settings: who.external_id_hashes,
}
_PLAIN = {"client_ip_address": IP, "client_user_agent": TEXT, "click_id": click_id("epik"), "partner_id": ID}
_DEVICES = "hashed_maids"
HASHED, CLEAR = (*_HASHED, _DEVICES), tuple(_PLAIN)


def build_user(
    event: Event, given: Mapping[str, Any], settings: PinterestSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user_data`, by Pinterest's names; they
    win."""
    made = Group("user_data", omitted)
    who = Who(event, given, PLACES)
    for key, view in _HASHED.items():
        made.put_hashes(key, view(who.of(key), settings))
    devices = given.get(_DEVICES, event.user_data.get("madid"))
    values = devices if isinstance(devices, list) else [devices]
    made.put_hashes(_DEVICES, hash_values(values, lower_text, "is no id", md5=False))
    found = {
        "client_ip_address": event.facts.ip,
        "client_user_agent": event.facts.user_agent,
        "click_id": event.clicks.get("epik"),
    }
    for key, kind in _PLAIN.items():
        if key == "click_id":
            made.put_first(key, (given.get(key), found[key]), kind)
        else:
            made.put(key, given.get(key, found.get(key)), kind)
    for key in [key for key in given if key not in PLACES and key not in _PLAIN and key != _DEVICES]:
        made.omit(key, "is no key that Pinterest knows")
    return made


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """What Pinterest requires: an e-mail, an advertising id, or address and agent of the browser."""
    return "em" in user or _DEVICES in user or {"client_ip_address", "client_user_agent"} <= user.keys()
