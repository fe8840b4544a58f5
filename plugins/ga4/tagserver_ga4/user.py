"""`user_data`: who it was, hashed under Google's own rule. Source: Measurement Protocol, user-provided data."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Found, Identity, Omitted, country_code, email_gmail_dots_text, letters_text
from tagserver_ga4.settings import Ga4Settings


def street_text(text: str) -> str:
    """Street and number: lower case, without symbols; blanks between words stay."""
    text = unicodedata.normalize("NFC", text).lower()
    kept = "".join(one if unicodedata.category(one)[0] in "LMN" else " " if one.isspace() else "" for one in text)
    return " ".join(kept.split())


def postal_code(text: str) -> str:
    """Without the two symbols that Google names, trimmed."""
    return text.replace(".", "").replace("~", "").strip()


def build_user_data(
    event: Event, given: Mapping[str, Any], settings: Ga4Settings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag sets under `user_data`, in the event's spelling; it wins."""
    identity = event.identity
    if given:
        identity = Identity({"user_data": {**event.user_data, **given}})
    made: dict[str, Any] = {}
    email = identity.hashed("email", email_gmail_dots_text, "is no e-mail address")
    _put(made, "sha256_email_address", email, omitted)
    _put(made, "sha256_phone_number", identity.phone_plus(settings.default_country), omitted)
    address: dict[str, Any] = {}
    for key, field, rule in (
        ("sha256_first_name", "first_name", letters_text),
        ("sha256_last_name", "last_name", letters_text),
        ("sha256_street", "street", street_text),
    ):
        found: dict[str, Any] = {}
        _put(found, key, identity.hashed(field, rule, "holds no letters"), omitted, "address.")
        if found:
            address[key] = found[key][0]
    named = bool(address)
    for key, normalise in (
        ("city", letters_text),
        ("region", letters_text),
        ("postal_code", postal_code),
        ("country", _country),
    ):
        if (text := identity.plain(key, normalise)) is not None and len(text) <= 100:
            address[key] = text
    if named:
        made["address"] = [address]
    elif address:
        omitted.append(Omitted("user_data.address", "has no name and no street, and finds nobody"))
    return made


def _country(text: str) -> str | None:
    code = country_code(text)
    return code.upper() if code else None


def _put(made: dict[str, Any], key: str, found: Found, omitted: list[Omitted], group: str = "") -> None:
    hashes, faults = found
    if hashes:
        # The first 64 characters: a hash that Meta's parameter builder made has an appendix behind them.
        made[key] = list(dict.fromkeys(one[:64] for one in hashes))
    omitted.extend(Omitted(f"user_data.{group}{key}", why) for why in faults)
