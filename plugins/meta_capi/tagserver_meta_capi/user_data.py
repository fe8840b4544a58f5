"""`user_data`: who it was, hashed where Meta wants hashes. Source: Meta's page on customer information parameters."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tagserver.plugin import (
    Event,
    Found,
    Omitted,
    arrived_hash,
    birth_date_text,
    city_text,
    country_code,
    email_text,
    gender_text,
    hash_phones,
    hash_values,
    name_text,
    postal_text,
    sha256_hex,
    state_text,
)
from tagserver_meta_capi.click import read_fbc, read_fbp
from tagserver_meta_capi.settings import MetaSettings

PLAIN_KEYS = (
    *("subscription_id", "fb_login_id", "lead_id", "anon_id", "madid", "page_id", "page_scoped_user_id", "ctwa_clid"),
    *("whatsapp_business_account_id", "ig_account_id", "instagram_business_account_id", "ig_sid", "partner_id", "partner_name"),
)
"""Sent in the clear, as they are."""
HASHED_KEYS = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country")
_BROWSER_KEYS = ("client_ip_address", "client_user_agent", "fbc", "fbp")
"""Those of a chat server or a shop's till are not the visitor's."""

_BROAD = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
"""Sets that find nobody: an event with keys of one of them alone is refused with its whole request (100/2804050)."""


def build_user_data(
    event: Event, given: Mapping[str, Any], settings: MetaSettings, action_source: str, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user_data`, by Meta's names; they win."""
    made: dict[str, Any] = {}
    identity = event.identity
    if event.user_data:
        _put(made, "em", identity.email, omitted)
        _put(made, "ph", identity.phone(settings.default_country), omitted)
        _put(made, "fn", identity.first_name, omitted)
        _put(made, "ln", identity.last_name, omitted)
        _put(made, "ct", identity.city, omitted)
        _put(made, "st", identity.region, omitted)
        _put(made, "zp", identity.postal_code, omitted)
        _put(made, "country", identity.country_hash, omitted)
        _put(made, "ge", identity.gender, omitted)
        _put(made, "db", identity.birth_date(day_first=settings.date_order == "day_first"), omitted)
        if event.user_data.get("sha256_phone_number") and "ph" not in made:
            omitted.append(Omitted("user_data.ph", "sha256_phone_number is a hash with the plus sign, which Meta never matches"))
        for key in PLAIN_KEYS:
            _plain(made, key, event.user_data.get(key), omitted)
    if external := [_external(one, settings) for one in identity.external_ids]:
        made["external_id"] = external
    _browser(made, event, omitted)
    for key, value in given.items():
        _set(made, key, value, event, settings, omitted)
    drops = _BROWSER_KEYS if action_source in ("business_messaging", "physical_store") else ()
    for key in drops:
        made.pop(key, None)
    return made


def too_broad(user_data: Mapping[str, Any]) -> bool:
    """Whether Meta would refuse these keys as finding nobody."""
    keys = user_data.keys()
    return not keys or any(keys <= broad for broad in _BROAD)


def _put(made: dict[str, Any], key: str, found: Found, omitted: list[Omitted]) -> None:
    hashes, faults = found
    if hashes:
        made[key] = list(hashes)
    for fault in faults:
        omitted.append(Omitted(f"user_data.{key}", fault))


def _plain(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    if value is None or value == "":
        return
    if type(value) is int:
        value = str(value)
    if type(value) is not str or len(value) > 500:
        omitted.append(Omitted(f"user_data.{key}", "is not a short text"))
    elif key in ("fb_login_id", "lead_id") and not (value.isascii() and value.isdigit()):
        omitted.append(Omitted(f"user_data.{key}", "is not a row of digits"))
    else:
        made[key] = value


def _external(value: str, settings: MetaSettings) -> str:
    if settings.external_id == "raw":
        return value
    if (arrived := arrived_hash(value)) is not None:
        return arrived
    text = value.strip()
    return sha256_hex(text if settings.external_id == "keep_case" else text.lower())


def _browser(made: dict[str, Any], event: Event, omitted: list[Omitted]) -> None:
    address = event.facts.ip
    if address is not None:
        if _is_public(address):
            made["client_ip_address"] = address
        else:
            omitted.append(Omitted("user_data.client_ip_address", "is an address of a private network"))
    if event.facts.user_agent:
        made["client_user_agent"] = event.facts.user_agent[:1024]
    for key, (value, why) in (("fbc", read_fbc(event)), ("fbp", read_fbp(event))):
        if value is not None:
            made[key] = value
        elif why is not None:
            omitted.append(Omitted(f"user_data.{key}", why))


@lru_cache(maxsize=4096)
def _is_public(address: str) -> bool:
    """Whether an address is a visitor's and not one of a network of ours; documentation ranges count as public."""
    found = ipaddress.ip_address(address)
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    return not any(found.version == net.version and found in net for net in _PRIVATE)


_PRIVATE = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


def _set(made: dict[str, Any], key: str, value: Any, event: Event, settings: MetaSettings, omitted: list[Omitted]) -> None:
    """One key that the tag sets itself, by the same rules."""
    values = value if isinstance(value, list) else [value]
    if value is None or value in ("", []):
        return
    country = event.identity.country
    day_first = settings.date_order == "day_first"
    normalisers: dict[str, Callable[[str], str | None]] = {
        "em": email_text,
        "fn": name_text,
        "ln": name_text,
        "ge": gender_text,
        "db": lambda text: birth_date_text(text, day_first=day_first),
        "ct": city_text,
        "st": state_text,
        "zp": lambda text: postal_text(text, country),
        "country": country_code,
    }
    if key == "ph":
        _put(made, key, hash_phones(values, (country or settings.default_country or "").upper() or None), omitted)
    elif key in normalisers:
        _put(made, key, hash_values(values, normalisers[key], "is not usable"), omitted)
    elif key == "external_id":
        texts = [str(one) if type(one) is int else one for one in values]
        if made_ids := [_external(one, settings) for one in texts if type(one) is str and one.strip()]:
            made[key] = made_ids
    elif key in PLAIN_KEYS:
        _plain(made, key, value, omitted)
    elif key == "client_user_agent" and type(value) is str:
        made[key] = value[:1024]
    elif key == "client_ip_address":
        _set_address(made, value, omitted)
    elif key in ("fbc", "fbp"):
        # Read by the same rules as those of the event.
        read = read_fbc if key == "fbc" else read_fbp
        found, why = read(_with(event, key, value))
        if found is not None:
            made[key] = found
        else:
            omitted.append(Omitted(f"user_data.{key}", why or "is not usable"))
    else:
        omitted.append(Omitted(f"user_data.{str(key)[:40]}", "is no key that Meta knows"))


def _set_address(made: dict[str, Any], value: Any, omitted: list[Omitted]) -> None:
    try:
        address = str(ipaddress.ip_address(value)) if type(value) is str else ""
        if address and _is_public(address):
            made["client_ip_address"] = address
            return
    except ValueError:
        pass
    omitted.append(Omitted("user_data.client_ip_address", "is no public IP address"))


def _with(event: Event, key: str, value: Any) -> Event:
    return Event(event.name, event.event_id, event.time, {key: value}, event.facts)
