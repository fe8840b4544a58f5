"""Events to begin with on the page Try, as shops push them; the people in them are invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.consent_fields import PURPOSES

_ITEM = {"item_id": "SKU-1", "item_name": "Blue cup", "price": 12.5, "quantity": 2}
_GRANTED = dict.fromkeys(PURPOSES, "granted")


def _event(name: str, page: str, **fields: Any) -> dict[str, Any]:
    return {"event": name, "page": {"location": f"https://shop.example/{page}"}, **fields, "consent": _GRANTED}


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "Purchase": _event(
        "purchase",
        "thanks",
        event_id="purchase_ORD-1",
        user_data={"email": "erika@example.com"},
        ecommerce={"transaction_id": "ORD-1", "value": 25.0, "currency": "EUR", "items": [_ITEM]},
    ),
    "Purchase, without consent": {
        **_event("purchase", "thanks", ecommerce={"transaction_id": "ORD-2", "value": 25.0, "currency": "EUR"}),
        "consent": dict.fromkeys(PURPOSES, "denied"),
    },
    "Begin checkout": _event(
        "begin_checkout", "checkout", ecommerce={"value": 25.0, "currency": "EUR", "items": [_ITEM]}
    ),
    "Add to cart": _event("add_to_cart", "cup", ecommerce={"value": 12.5, "currency": "EUR", "items": [_ITEM]}),
    "View item": _event("view_item", "cup", ecommerce={"value": 12.5, "currency": "EUR", "items": [_ITEM]}),
    "Lead": _event("generate_lead", "contact", user_data={"email": "erika@example.com", "phone": "+49 30 901820"}),
    "Sign up": _event("sign_up", "account", method="email", user_data={"email": "erika@example.com"}),
    "Page view": _event("page_view", ""),
}
"""By what people call them."""
