"""`user_data`: who it was, hashed where Snap wants hashes. Source: Snap, Conversions API, Parameters.

Snap's rules for names, e-mail and phone are those of the kit (accents stay); places are only trimmed and lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    Event,
    Found,
    Identity,
    Omitted,
    hash_values,
    lower_text,
    state_text,
)
from tagserver_snapchat.network import public_address
from tagserver_snapchat.settings import SnapchatSettings
from tagserver_snapchat.values import is_text, short_text, shown

PLAIN_KEYS = ("sc_click_id", "sc_cookie1", "madid", "idfv", "lead_id", "subscription_id")
"""Sent in the clear, as they are."""
LONGEST_AGENT = 1024

_OURS: Mapping[str, tuple[str, ...]] = {
    "em": ("email",),
    "ph": ("phone_number",),
    "ge": ("gender",),
    "db": ("date_of_birth",),
    "external_id": ("external_id",),
    "fn": ("address", "first_name"),
    "ln": ("address", "last_name"),
    "ct": ("address", "city"),
    "st": ("address", "region"),
    "zp": ("address", "postal_code"),
    "country": ("address", "country"),
}
"""Snap's names of hashed fields, and where an event holds them."""


def american_region(text: str) -> str:
    """A state of the US as its two letters, everything else in lower case."""
    code = state_text(text, "us")
    return code if len(code) == 2 else lower_text(text)


def _ids(identity: Identity, settings: SnapchatSettings) -> Found:
    # 32 hex digits are a customary id (a UUID without dashes) and no wrong hash.
    return hash_values(list(identity.external_ids), str.strip, "is no id", md5=False)


_FIELDS: Mapping[str, Callable[[Identity, SnapchatSettings], Found]] = {
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
    "external_id": _ids,
}


def build_user(
    event: Event, given: Mapping[str, Any], settings: SnapchatSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user_data`, by Snap's names; they win."""
    made: dict[str, Any] = {}
    _hashed(made, event.identity, [key for key in _FIELDS if key not in given], settings, omitted)
    _browser(made, event, given, omitted)
    for key in PLAIN_KEYS:
        if key not in given:
            _plain(made, key, _known(event, key), omitted)
    if given:
        own = {key: given[key] for key in given if key in _FIELDS}
        _hashed(made, _person(own, event), own, settings, omitted)
        for key in given:
            if key not in _FIELDS:
                _set(made, key, given[key], omitted)
    return made


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """Whether Snap can match: an e-mail, a phone, an advertising id, or address and agent of the browser."""
    if "em" in user or "ph" in user or "madid" in user:
        return True
    return "client_ip_address" in user and "client_user_agent" in user


def _person(own: Mapping[str, Any], event: Event) -> Identity:
    """What a tag says about the person, read as an event would be; its country counts for phone and region, and the
    event's own where the tag names none."""
    person: dict[str, Any] = {"address": {}}
    if event.identity.country is not None:
        person["address"]["country"] = event.identity.country
    for key, value in own.items():
        *group, name = _OURS[key]
        (person["address"] if group else person)[name] = value
    return Identity({"user_data": person})


def _hashed(
    made: dict[str, Any],
    identity: Identity,
    keys: Mapping[str, Any] | list[str],
    settings: SnapchatSettings,
    omitted: list[Omitted],
) -> None:
    for key in keys:
        hashes, faults = _FIELDS[key](identity, settings)
        if hashes:
            # Without an appendix that says who made the hash: Snap knows 64 digits only.
            made[key] = list(dict.fromkeys(one[:64] for one in hashes))
        for fault in faults:
            omitted.append(Omitted(f"user_data.{key}", fault))


def _known(event: Event, key: str) -> Any:
    if key == "sc_click_id":
        return event.clicks.get("sccid") or event.user_data.get(key)
    if key == "sc_cookie1":
        return event.cookies.get("_scid") or event.user_data.get(key)
    return event.user_data.get(key)


def _plain(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    if value is None or value == "":
        return
    text = short_text(value)
    if text is None or (type(value) is str and len(value) > 500):
        omitted.append(Omitted(f"user_data.{key}", "is not a short text"))
    else:
        made[key] = text


def _browser(made: dict[str, Any], event: Event, given: Mapping[str, Any], omitted: list[Omitted]) -> None:
    for key, value in (("client_ip_address", event.facts.ip), ("client_user_agent", event.facts.user_agent)):
        if value and key not in given:
            _set(made, key, value, omitted)


def _set(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    """One field in the clear."""
    if key in PLAIN_KEYS:
        _plain(made, key, value, omitted)
    elif key == "client_user_agent" and type(value) is str and is_text(value):
        made[key] = value[:LONGEST_AGENT]
    elif key == "client_ip_address":
        if type(value) is str and (public := public_address(value)):
            made[key] = public
        else:
            omitted.append(Omitted("user_data.client_ip_address", "is no public IP address"))
    else:
        omitted.append(Omitted(f"user_data.{shown(key)}", "is no key that Snap knows, or not of its type"))
