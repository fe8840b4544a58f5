"""The event of the benchmark: a purchase of about 1.3 KB with nine identifiers and two items, with a fresh event_id
each time."""

from __future__ import annotations

import itertools
import json
import time

_MARK = "EVENT-ID-PLACE"


def purchase(event_id: str) -> dict[str, object]:
    """One data-layer purchase."""
    return {
        "event": "purchase",
        "event_id": event_id,
        "timestamp": int(time.time() * 1000),
        "client_id": "1234567890.1790000000",
        "user_id": "customer-48151623",
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
            "email": " Erika.Mustermann@Mail.Example ",
            "phone_number": "+49 30 1234567",
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
            "transaction_id": event_id,
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


class Bodies:
    """Request bodies with unique ids, `events` each; made by joining bytes, so that the load costs little."""

    def __init__(self, events: int, prefix: str) -> None:
        self._events = events
        self._prefix = prefix
        self._count = itertools.count()
        self._parts = json.dumps(purchase(_MARK)).encode().split(_MARK.encode())

    def __next__(self) -> bytes:
        made = []
        for _ in range(self._events):
            made.append(f"{self._prefix}-{next(self._count):08d}".encode().join(self._parts))
        return made[0] if self._events == 1 else b"[" + b",".join(made) + b"]"
