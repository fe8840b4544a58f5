"""The parameters of an event, by name, in the fields of a data layer: what is of the shop goes into `ecommerce`, who it
is into `user_data`, and what would say something of the visitor that only his page or a key may say is left out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tagserver.plugin.inbound import Note, of_two_places
from tagserver_ga4_client.reading import Notes

SHOP = frozenset(
    [
        *("transaction_id", "value", "currency", "tax", "shipping", "coupon", "discount", "affiliation"),
        *("item_list_id", "item_list_name", "location_id", "creative_name", "creative_slot", "promotion_id"),
        *("promotion_name", "payment_type", "shipping_tier", "customer_type"),
    ]
)
"""Parameters of Google's shop events."""
RESERVED = frozenset(
    [
        # What the hit says by fields of its own, what the server fills in, and names that mean something of ours.
        *("action_source", "click", "client", "client_device", "client_hints", "client_id", "client_location"),
        *("cookie", "ctx", "ecommerce", "ecid", "event", "event_name", "fbq", "ga4", "geo", "header", "ip"),
        *("ip_override", "page", "page_view_id", "pixel", "source", "timestamp", "user_agent", "user_data"),
        *("user_properties", "items"),
        # Of consent: a parameter is no word of the visitor's.
        *("consent", "consent_state", "gcs", "x-ga-gcs", "gcd", "x-ga-gcd", "tcf", "gdpr_consent", "gdpr", "npa"),
        *("x-ga-npa", "addtl_consent", "us_privacy", "gpp", "gpp_sid", "gpc"),
        # What Meta alone may be told.
        *("data_processing_options", "data_processing_options_country", "data_processing_options_state", "opt_out"),
    ]
)
"""Names at the top of an event that mean something else than a parameter of this name."""
OPT_OUTS: Mapping[str, str] = MappingProxyType(
    {"us_privacy": "us_privacy", "gpc": "gpc", "npa": "x-ga-npa", "x-ga-npa": "x-ga-npa"}
)
"""Those of consent that only take away, and so count wherever they stand; the hit's own `npa` beside that of a
parameter, of which the stricter counts."""
PERSON = "user_data."
ADDRESS = "address"
LISTED = frozenset({"email", "phone_number", "sha256_email_address", "sha256_phone_number"})
"""Of these a person may have several."""
MOST_LISTED = 10
UNWRITTEN = "[object Object]"
"""What a script makes of an object that it cannot write."""


def put(event: dict[str, Any], name: str, value: Any, notes: Notes, *, reserved: frozenset[str] = RESERVED) -> None:
    """One parameter where it belongs; what has been said by a field of its own stays."""
    if name in OPT_OUTS:
        event.update(of_two_places(event, {OPT_OUTS[name]: value}))
    elif name in SHOP:
        event.setdefault("ecommerce", {}).setdefault(name, value)
    elif name in reserved:
        notes.add(Note(name, "reserved", f"{name} is no parameter of an event here; left out"))
    else:
        event.setdefault(name, value)


def is_unwritten(value: str) -> bool:
    """Whether an object, or a list with one, stood there."""
    return UNWRITTEN in value


def person_of(found: Mapping[str, str], notes: Notes) -> dict[str, Any]:
    """`user_data` of the parameters whose names begin like it, without that beginning: `email`, `phone_number.0`,
    `address.first_name`, `address.0.city`. Of several addresses the first counts."""
    person: dict[str, Any] = {}
    for path, value in found.items():
        name, *rest = path.split(".", 3)
        if not value or not name or name.startswith("_"):
            continue
        if is_unwritten(value):
            notes.add(Note(PERSON + name, "wrong_type", f"{PERSON}{name} is an object that the page could not write"))
        elif name == ADDRESS:
            if rest[:1] == ["0"]:
                rest = rest[1:]
            if len(rest) == 1 and not rest[0].isdecimal():
                person.setdefault(ADDRESS, {}).setdefault(rest[0], value)
        elif not rest:
            person.setdefault(name, [] if name in LISTED else value)
            if name in LISTED:
                person[name] += [one for one in value.split(",") if one.strip()]
        elif len(rest) == 1 and rest[0].isdecimal() and name in LISTED:
            person.setdefault(name, []).append(value)
    for name in LISTED & person.keys():
        several = list(dict.fromkeys(person[name]))[:MOST_LISTED]
        person[name] = several[0] if len(several) == 1 else several
    return {name: value for name, value in person.items() if value != []}
