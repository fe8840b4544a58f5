"""The event of the benchmark: a purchase of about 1.3 KB with nine identifiers and two items.

Each has its own event_id and is another person's, so that nothing is faster here for being the same each time.
"""

from __future__ import annotations

import itertools
import json
import random
import string
import time

_NUMBER = "48151623"
"""Stands in the template for the number of the event."""


def purchase(prefix: str = "e", number: str = _NUMBER) -> dict[str, object]:
    """One data-layer purchase; `number` has eight digits."""
    return {
        "event": "purchase",
        "event_id": f"{prefix}-{number}",
        "timestamp": int(time.time() * 1000),
        "client_id": f"{number}.1790000000",
        "user_id": f"customer-{number}",
        "page": {
            "location": "https://shop.example/checkout/thanks?utm_source=newsletter&utm_campaign=autumn",
            "referrer": "https://shop.example/checkout/payment",
            "title": "Thank you for your order",
        },
        "consent": {
            "ad_storage": "granted",
            "ad_user_data": "granted",
            "ad_personalization": "granted",
            "analytics_storage": "granted",
        },
        "user_data": {
            "email": f" Erika.{number}@Mail.Example ",
            "phone_number": f"+49 30 {number}",
            "address": {
                "first_name": "Erika",
                "last_name": "Mustermann",
                "city": "Berlin",
                "region": "Berlin",
                "postal_code": "10115",
                "country": "DE",
            },
        },
        "ecommerce": {
            "transaction_id": f"{prefix}-{number}",
            "value": 129.9,
            "currency": "EUR",
            "tax": 20.74,
            "shipping": 4.9,
            "coupon": "AUTUMN",
            "items": [
                {
                    "item_id": "SKU-1001",
                    "item_name": "Rain jacket",
                    "item_brand": "Nordwind",
                    "item_category": "Jackets",
                    "item_variant": "blue/M",
                    "price": 89.9,
                    "quantity": 1,
                },
                {
                    "item_id": "SKU-2002",
                    "item_name": "Wool socks",
                    "item_brand": "Nordwind",
                    "item_category": "Socks",
                    "item_variant": "grey/42",
                    "price": 20.0,
                    "quantity": 2,
                },
            ],
        },
    }


def some_prefix() -> str:
    """Of the ids of one load, which no other has. Letters alone: digits beside the number look like a telephone, which
    now and then would make all events of a load dearer."""
    return "".join(random.choices(string.ascii_lowercase, k=8))


class Requests:
    """HTTP requests of `events` purchases each to `/collect`; made by joining bytes, so that the load costs little."""

    def __init__(self, events: int, prefix: str) -> None:
        self._events = events
        self._numbers = itertools.count()
        self._parts = json.dumps(purchase(prefix)).encode().split(_NUMBER.encode())
        self._head = (
            b"POST /collect HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: https://shop.example\r\ncontent-type: text/plain\r\n"
            b"user-agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\ncontent-length: %d\r\n\r\n"
        )

    def __next__(self) -> bytes:
        made = [b"%08d" % next(self._numbers) for _ in range(self._events)]
        events = [number.join(self._parts) for number in made]
        body = events[0] if self._events == 1 else b"[" + b",".join(events) + b"]"
        return self._head % len(body) + body
