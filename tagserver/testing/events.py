"""Sample events and settings, made the way the server makes them."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.event.event import Event, Facts
from tagserver.inbound.clients.datalayer import read_event
from tagserver.plugin import Built, Destination, Payload, Request, Secret
from tagserver.plugin.attempt import attempt_of, carrying_request

NOW = 1_790_000_000_000
"""The time of receipt of sample events: 2026-09-21, in ms since 1970 UTC."""


def make_event(pushed: Mapping[str, Any], **facts: Any) -> Event:
    """An Event from what a page pushes, made as the server makes it.

    Keywords are facts of the request: `cookies`, `headers` (lower-case names), `ip`, `user_agent`, `country`, `region`,
    `source`, `received` (ms).
    """
    known: dict[str, Any] = {"source": "browser", "received": NOW} | facts
    return read_event({"event": "purchase", "event_id": "e-1"} | dict(pushed), Facts(**known))


def make_settings(destination: type[Destination], values: Mapping[str, Any]) -> Any:
    """The destination's Settings from plain values; texts become Secrets where the field is one."""
    hints = typing.get_type_hints(destination.Settings)
    made = {
        name: Secret(value)
        if isinstance(value, str) and Secret in (hints.get(name), *typing.get_args(hints.get(name)))
        else value
        for name, value in values.items()
    }
    return destination.Settings(**made)


def sample_events() -> list[Event]:
    """Events as shops push them, from a full purchase to one that holds nothing but its name."""
    person = {
        "email": " Erika.Muster+shop@Example.com ",
        "phone_number": "+49 30 1234567",
        "address": {
            "first_name": "Erika",
            "last_name": "O'Neil",
            "street": "Hauptstraße 1",
            "city": "Frankfurt am Main",
            "region": "Hessen",
            "postal_code": "60311",
            "country": "DE",
        },
    }
    broken = {
        "email": "erika.example.com",
        "phone_number": "ask my secretary",
        "gender": "prefer not to say",
        "date_of_birth": "in the spring of 1970",
        "address": {"first_name": "?!?!?!", "city": "12345", "country": "Middle-earth", "postal_code": "------"},
    }
    items = [
        {
            "item_id": "SKU-1",
            "item_name": "Jacket",
            "item_brand": "Nordwind",
            "item_category": "Outdoor",
            "price": 89.9,
        },
        {"item_id": 2, "item_name": "Socks", "price": "20", "quantity": 2},
    ]
    page = {
        "location": "https://shop.example/thanks?utm_source=mail",
        "title": "Thanks",
        "referrer": "https://shop.example/",
    }
    shop = {"transaction_id": "T-1001", "value": 129.9, "currency": "EUR", "items": items}
    facts: dict[str, Any] = {
        "ip": "198.51.100.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "cookies": {"_ga": "GA1.1.123456789.1700000000", "_fbp": "fb.1.1700000000000.42"},
    }
    base = {"client_id": "123456789.1700000000", "user_id": "customer-7", "page": page, "user_data": person}
    names = (
        "purchase",
        "page_view",
        "view_item",
        "add_to_cart",
        "begin_checkout",
        "refund",
        "search",
        "sign_up",
        "login",
    )
    events = [
        make_event(base | {"event": name, "event_id": f"id-{name}", "ecommerce": shop}, **facts) for name in names
    ]
    return [
        *events,
        make_event({"event": "generate_lead", "user_data": {"email": "a@b.example"}}),
        make_event({"event": "a name of the shop's own", "user_id": 7}),
        make_event(
            {"event": "purchase", "user_data": {"sha256_email_address": "a" * 64}, "value": "1.5", "currency": "usd"}
        ),
        make_event(
            {
                "event": "purchase",
                "ecommerce": {"value": None, "items": [None, {}, 7]},
                "user_data": {"email": ["", None]},
            }
        ),
        make_event({"event": "page_view"}),
        make_event({"event": "sign_up", "user_id": "customer-7", "user_data": broken}, **facts),
    ]


def payload_of(built: Built, event_id: str) -> Payload:
    """The stored delivery of a payload."""
    return Payload(event_id, built.name, built.time, msgspec.json.encode(built.body), built.group)


def payloads_of(built: Iterable[Built], event_id: str = "e") -> list[Payload]:
    """Stored deliveries of some payloads."""
    return [payload_of(one, f"{event_id}-{index}") for index, one in enumerate(built)]


def request_of(destination: Destination, payloads: Sequence[Payload], settings: Any, now: int = NOW) -> Request:
    """The request that carries some payloads, as `tagserver try` shows it; made at `now` (ms since 1970)."""
    return carrying_request(destination, payloads, settings, known_of(destination, payloads, now))


def known_of(destination: Destination, payloads: Sequence[Payload], now: int = NOW) -> Mapping[str, Any]:
    """What the methods of a destination declare of an attempt at `now`: it, and the id of the batch."""
    return attempt_of(destination, type(destination).type, payloads, now)
