"""`user_data`: who it was, hashed where Meta wants hashes. Source: Meta's page on customer information parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    MISSING,
    Event,
    Found,
    Identity,
    Omitted,
    birth_date_text,
    city_text,
    country_code,
    email_text,
    gender_text,
    hash_phones,
    hash_values,
    identifier,
    is_text,
    name_text,
    postal_text,
    public_ip,
    sha256_hex,
    state_text,
)
from tagserver_meta_capi.click import FAULTS, read_fbc, read_fbp, well_formed
from tagserver_meta_capi.settings import MetaSettings

PLAIN_KEYS = (
    *("subscription_id", "fb_login_id", "lead_id", "anon_id", "madid", "page_id", "page_scoped_user_id", "ctwa_clid"),
    *(
        "whatsapp_business_account_id",
        "ig_account_id",
        "instagram_business_account_id",
        "ig_sid",
        "partner_id",
        "partner_name",
    ),
)
"""Sent in the clear, as they are."""
HASHED_KEYS = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country")
_PLAIN = frozenset(PLAIN_KEYS)
BROWSER_KEYS = ("client_ip_address", "client_user_agent", "fbc", "fbp")
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
        hashed = (
            ("em", identity.email),
            ("ph", identity.phone(settings.default_country)),
            ("fn", identity.first_name),
            ("ln", identity.last_name),
            ("ct", identity.city),
            ("st", identity.region),
            ("zp", identity.postal_code),
            ("country", identity.country_hash),
            ("ge", identity.gender),
            ("db", identity.birth_date(day_first=settings.date_order == "day_first")),
        )
        for name, (hashes, faults) in hashed:
            if hashes:
                made[name] = list(hashes)
            omitted += [Omitted(f"user_data.{name}", fault) for fault in faults] if faults else ()
        for key in sorted(event.user_data.keys() & _PLAIN):  # a set has another order in each process
            _plain(made, key, event.user_data[key], omitted)
    _put(made, "external_id", _external_ids(identity, settings), omitted)
    _browser(made, event, omitted)
    for key in given:
        _set(made, key, given, event, settings, omitted)
    drops = BROWSER_KEYS if action_source in ("business_messaging", "physical_store") else ()
    for key in drops:
        made.pop(key, None)
    return made


def too_broad(user_data: Mapping[str, Any]) -> bool:
    """Whether Meta would refuse these keys as finding nobody."""
    if "em" in user_data or "external_id" in user_data:
        return False
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
    text = identifier(value)
    if text is None or len(text) > 500:
        omitted.append(Omitted(f"user_data.{key}", "is not a short text"))
    elif key in ("fb_login_id", "lead_id") and not (text.isascii() and text.isdigit()):
        omitted.append(Omitted(f"user_data.{key}", "is not a row of digits"))
    elif key == "lead_id" and not 15 <= len(text) <= 17:
        omitted.append(Omitted("user_data.lead_id", "does not have 15 to 17 digits"))
    else:
        made[key] = text


def _external_ids(identity: Identity, settings: MetaSettings) -> Found:
    """The ids as the pixel sends them: the same format everywhere, or Meta does not match them.

    32 hex digits are a customary id (a UUID without dashes) and no wrong hash.
    """
    ids, wrong = identity.external_ids, identity.external_id_faults
    if settings.external_id == "raw":
        return ids, wrong
    if len(ids) == 1 and len(ids[0]) < 32:
        text = ids[0].strip()
        return (sha256_hex(text if settings.external_id == "keep_case" else text.lower()),), wrong
    normalise = str.strip if settings.external_id == "keep_case" else _folded
    hashes, faults = hash_values(list(ids), normalise, "is no id", md5=False)
    return hashes, (*wrong, *faults)


def _folded(text: str) -> str:
    return text.strip().lower()


def _browser(made: dict[str, Any], event: Event, omitted: list[Omitted]) -> None:
    address = event.facts.ip
    if address is not None:
        if public := public_ip(address):
            made["client_ip_address"] = public
        else:
            omitted.append(Omitted("user_data.client_ip_address", "is no public IP address"))
    if (agent := event.facts.user_agent) and is_text(agent):
        made["client_user_agent"] = agent[:1024]
    for key, (value, why) in (("fbc", read_fbc(event)), ("fbp", read_fbp(event))):
        if value is not None:
            made[key] = value
        if why is not None:
            omitted.append(Omitted(f"user_data.{key}", why))


def _set(
    made: dict[str, Any],
    key: str,
    given: Mapping[str, Any],
    event: Event,
    settings: MetaSettings,
    omitted: list[Omitted],
) -> None:
    """One key that the tag sets itself, by the same rules."""
    value = given[key]
    if value is None or value is MISSING or value == "" or value == []:
        return
    values = value if isinstance(value, list) else [value]
    country = event.identity.country
    # A country that the tag sets beside the other keys says where its phone, region and postal code belong.
    if type(said := given.get("country")) is str:
        country = country_code(said) or country
    day_first = settings.date_order == "day_first"
    normalisers: dict[str, Callable[[str], str | None]] = {
        "em": email_text,
        "fn": name_text,
        "ln": name_text,
        "ge": gender_text,
        "db": lambda text: birth_date_text(text, day_first=day_first),
        "ct": city_text,
        "st": lambda text: state_text(text, country),
        "zp": lambda text: postal_text(text, country),
        "country": country_code,
    }
    if key == "ph":
        _put(made, key, hash_phones(values, (country or settings.default_country or "").upper() or None), omitted)
    elif key in normalisers:
        found = hash_values(values, normalisers[key], "is not usable", person_name=key in ("fn", "ln"))
        _put(made, key, found, omitted)
    elif key == "external_id":
        _put(made, key, _external_ids(Identity({"user_data": {"external_id": value}}), settings), omitted)
    elif key in PLAIN_KEYS:
        _plain(made, key, value, omitted)
    elif key == "client_user_agent" and type(value) is str and is_text(value) and not value.isspace():
        made[key] = value[:1024]
    elif key == "client_ip_address":
        if type(value) is str and (public := public_ip(value)):
            made[key] = public
        else:
            omitted.append(Omitted("user_data.client_ip_address", "is no public IP address"))
    elif key in ("fbc", "fbp"):
        if text := well_formed(key, value):
            made[key] = text
        else:
            omitted.append(Omitted(f"user_data.{key}", FAULTS[key]))
    else:
        omitted.append(Omitted(f"user_data.{str(key)[:40]}", "is no key that Meta knows, or not of its type"))
