"""Events that follow from their id alone, so that whoever sees one can tell whether it is unaltered."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from typing import Any

ORIGIN = "https://shop.example"
DOMAIN = "people.example"
COLLECT = "/collect"
HOOK_SECRET = "secret-of-the-platform"
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


def signature(body: bytes) -> str:
    """As a platform signs what it posts: HMAC-SHA256 of the bytes, in hex."""
    return "sha256=" + hmac.digest(HOOK_SECRET.encode(), body, hashlib.sha256).hex()


def email(event_id: str) -> str:
    """The visitor's address; it must never be seen outside of the request that brought it."""
    return f"{event_id.lower()}@{DOMAIN}"


def value(event_id: str) -> float:
    """The value of the order."""
    return round(1 + zlib.crc32(event_id.encode()) % 99_900 / 100, 2)


def event(event_id: str, items: int = 0) -> dict[str, Any]:
    """What the producer sends. Each item makes it about 100 bytes larger."""
    made: dict[str, Any] = {
        "event": "purchase",
        "event_id": event_id,
        "page": {"location": "https://shop.example/thanks"},
        "user_data": {"email": email(event_id)},
        "ecommerce": {"transaction_id": event_id, "value": value(event_id), "currency": "EUR"},
        "consent": GRANTED,
    }
    if items:
        made["ecommerce"]["items"] = [
            {"item_id": f"{event_id}-{number}-{'x' * 60}", "quantity": 1, "price": 1.5} for number in range(items)
        ]
    return made


def digest(event_id: str) -> str:
    """What the oracle's `digest_of` gives for the unaltered event."""
    hashed = hashlib.sha256(email(event_id).encode()).hexdigest()
    return _digest([hashed], value(event_id), "EUR", event_id)


def digest_of(arrived: Mapping[str, Any]) -> str:
    """A fingerprint of what arrived at Meta's address."""
    person, custom = arrived.get("user_data", {}), arrived.get("custom_data", {})
    return _digest(person.get("em"), custom.get("value"), custom.get("currency"), custom.get("order_id"))


def _digest(*fields: Any) -> str:
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:16]
