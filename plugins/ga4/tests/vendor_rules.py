"""Google's documented rules of a Measurement Protocol request, written from its documentation and apart from the
plugin. `faults(body)` gives sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

HEX = re.compile(r"[0-9a-f]{64}\Z")
RESERVED = [
    "app_remove",
    "app_store_refund",
    "app_store_subscription_cancel",
    "app_store_subscription_convert",
    "app_store_subscription_renew",
    "first_open",
    "first_visit",
    "in_app_purchase",
    "session_start",
    "user_engagement",
]
ENVELOPE = [
    "client_id",
    "user_id",
    "timestamp_micros",
    "user_properties",
    "user_data",
    "consent",
    "non_personalized_ads",
    "user_location",
    "ip_override",
    "device",
    "validation_behavior",
    "events",
]


def faults(body: dict[str, Any]) -> list[str]:
    """What Google documents as wrong."""
    return list(_faults(body))


def _name(name: str, longest: int = 40) -> bool:
    reserved = name.startswith(("_", "firebase_", "ga_", "google_", "gtag."))
    return bool(re.match(r"[^\W\d_]\w*\Z", name)) and len(name) <= longest and not reserved


def _faults(body: dict[str, Any]) -> Iterator[str]:
    yield from (f"unknown field {key}" for key in body if key not in ENVELOPE)
    if not isinstance(body.get("client_id"), str) or not body["client_id"]:
        yield "client_id is missing"
    if "user_id" in body and not 0 < len(body["user_id"]) <= 256:
        yield "user_id"
    properties = body.get("user_properties", {})
    if len(properties) > 25:
        yield "too many user properties"
    for name, held in properties.items():
        if not _name(name, 24) or list(held) != ["value"] or len(str(held["value"])) > 36:
            yield f"user property {name}"
    for key, value in body.get("consent", {}).items():
        if key not in ("ad_user_data", "ad_personalization") or value not in ("GRANTED", "DENIED"):
            yield f"consent {key}"
    yield from _user_data(body.get("user_data", {}))
    events = body.get("events")
    if not isinstance(events, list) or not 1 <= len(events) <= 25:
        yield "1 to 25 events"
        return
    for event in events:
        yield from _event(event)
    if len(json.dumps(body, ensure_ascii=False).encode()) >= 130_000:
        yield "body too large"


def _user_data(group: dict[str, Any]) -> Iterator[str]:
    for key, value in group.items():
        if key in ("sha256_email_address", "sha256_phone_number"):
            if not value or not all(HEX.match(one) for one in value):
                yield f"{key} holds no hashes"
        elif key == "address":
            for address in value:
                for part, text in address.items():
                    if part in ("sha256_first_name", "sha256_last_name", "sha256_street"):
                        if not HEX.match(text):
                            yield f"{part} is no hash"
                    elif part == "country":
                        if not re.match(r"[A-Z]{2}\Z", text):
                            yield "country"
                    elif part not in ("city", "region", "postal_code") or HEX.match(text):
                        yield f"address {part}"
        else:
            yield f"user_data {key}"


def _event(event: dict[str, Any]) -> Iterator[str]:
    if not set(event) <= {"name", "params", "timestamp_micros"}:
        yield "unknown field of an event"
    if not _name(event["name"]) or event["name"] in RESERVED:
        yield f"event name {event['name']}"
    if not 10**15 < event["timestamp_micros"] < 10**16:
        yield "timestamp_micros is not in microseconds"
    params = event.get("params", {})
    if len(params) > 25:
        yield "too many params"
    virtual = ("earn_virtual_currency", "spend_virtual_currency")
    if "value" in params and "currency" not in params and event["name"] not in virtual:
        yield "value without currency"
    if event["name"] == "purchase" and not params.get("transaction_id"):
        yield "purchase without transaction_id"
    longest = {"page_location": 1000, "page_referrer": 420, "page_title": 300}
    for name, value in params.items():
        if not _name(name):
            yield f"param name {name}"
        if name == "items":
            yield from _items(value)
        elif not isinstance(value, str | int | float | bool) or value == "":
            yield f"param {name} is no text, number or boolean"
        elif isinstance(value, str) and len(value) > longest.get(name, 100):
            yield f"param {name} is too long"
    for name in ("value", "tax", "shipping"):
        if name in params and (isinstance(params[name], bool) or not isinstance(params[name], int | float)):
            yield f"{name} is no number"


def _items(items: Any) -> Iterator[str]:
    if not isinstance(items, list) or not 1 <= len(items) <= 200:
        yield "1 to 200 items"
        return
    for item in items:
        if not item.get("item_id") and not item.get("item_name"):
            yield "item without item_id and item_name"
        if "quantity" in item and type(item["quantity"]) is not int:
            yield "quantity"
        if "price" in item and type(item["price"]) not in (int, float):
            yield "price"
        if "item_id" in item and not isinstance(item["item_id"], str):
            yield "item_id is no text"
        for name, value in item.items():
            if not _name(name) or not isinstance(value, str | int | float | bool):
                yield f"item field {name}"
            elif isinstance(value, str) and len(value) > 100:
                yield f"item field {name} is too long"
