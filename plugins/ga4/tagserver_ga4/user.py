"""`user_data`: who it was, hashed under Google's own rule. Source: Measurement Protocol, user-provided data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import Event, Omitted
from tagserver.plugin.identity import (
    PHONE_PLUS,
    country_code,
    email_gmail_dots_text,
    letters_text,
    rule,
    street_text,
)
from tagserver.plugin.table import HASH, HASHES, Clear, Field, Part
from tagserver.plugin.values import DATA
from tagserver_ga4.settings import Ga4Settings

LONGEST = 100
"""Characters of a place."""


def postal_code(text: str) -> str:
    """Without the two symbols that Google names, trimmed."""
    return text.replace(".", "").replace("~", "").strip()


def _country(text: str) -> str | None:
    code = country_code(text)
    return code.upper() if code else None


def _place(name: str, form: Callable[[str], str | None]) -> Field:
    def read(who: Any) -> str | None:
        text: str | None = who.plain(name, form)
        return text if text is not None and len(text) <= LONGEST else None

    return Field(name, Clear(f"address.{name}", read), DATA, clear=True)


USER_DATA = Part(
    "user_data",
    Field("sha256_email_address", rule("email", email_gmail_dots_text, "is no e-mail address"), HASHES),
    Field("sha256_phone_number", PHONE_PLUS, HASHES),
)
ADDRESS = Part(
    "user_data.address",
    Field("sha256_first_name", rule("first_name", letters_text, "holds no letters"), HASH),
    Field("sha256_last_name", rule("last_name", letters_text, "holds no letters"), HASH),
    Field("sha256_street", rule("street", street_text, "holds no letters"), HASH),
    _place("city", letters_text),
    _place("region", letters_text),
    _place("postal_code", postal_code),
    _place("country", _country),
)


def build_user_data(
    event: Event, given: Mapping[str, Any], settings: Ga4Settings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag sets under `user_data`, in the event's spelling; it wins."""
    if given:
        data = {**event.data, "user_data": {**event.user_data, **given}}
        event = Event(event.name, event.event_id, event.time, data, event.facts)
    made = USER_DATA.fill(event, {}, settings, omitted)
    address = ADDRESS.fill(event, {}, settings, omitted)
    if any(key.startswith("sha256_") for key in address):
        made["address"] = [dict(address)]
    elif address:
        made.omit("address", "has no name and no street, and finds nobody")
    return made
