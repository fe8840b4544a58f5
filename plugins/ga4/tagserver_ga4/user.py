"""`user_data`: who it was, hashed under Google's own rule. Source: Measurement Protocol, user-provided data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import (
    Event,
    Group,
    Identity,
    Omitted,
    country_code,
    email_gmail_dots_text,
    letters_text,
    street_text,
)
from tagserver_ga4.settings import Ga4Settings


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
    made = Group("user_data", omitted)
    made.put_hashes("sha256_email_address", identity.hashed("email", email_gmail_dots_text, "is no e-mail address"))
    made.put_hashes("sha256_phone_number", identity.phone_plus(settings.default_country))
    address = Group("user_data.address", omitted)
    for key, rule in (("first_name", letters_text), ("last_name", letters_text), ("street", street_text)):
        address.put_hashes(f"sha256_{key}", identity.hashed(key, rule, "holds no letters"), single=True)
    named = bool(address)
    for key, clear in (
        ("city", letters_text),
        ("region", letters_text),
        ("postal_code", postal_code),
        ("country", _country),
    ):
        if (text := identity.plain(key, clear)) is not None and len(text) <= 100:
            address[key] = text
    if named:
        made["address"] = [dict(address)]
    elif address:
        made.omit("address", "has no name and no street, and finds nobody")
    return made


def _country(text: str) -> str | None:
    code = country_code(text)
    return code.upper() if code else None
