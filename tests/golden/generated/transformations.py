"""What some tags see instead of the event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.golden.generated.conditions import conditions
from tests.golden.generated.drawing import Draw

_FIELDS = (
    "ecommerce.items",
    "user_data.phone_number",
    "kunde",
    "page.referrer",
    "note",
    "user_data.address",
    "cookie",
    "ip",
    "user_id",
)
_STEPS: Mapping[str, Sequence[Any]] = {
    "exclude": (
        [_FIELDS[1], "kunde"],
        ["user_data"],
        ["ecommerce.items", "geo", "header"],
        ["ecommerce.items.item_name", "ecommerce.items.0.price", "items.9", "liste.0", "user_data.email.0"],
        ["note"],
        ["page.title", "click"],
    ),
    "allow": (
        ["ecommerce", "user_data", "page", "client_id", "user_id", "ip", "user_agent", "cookie"],
        ["user_data.email", "ecommerce", "user_id"],
        [
            "ecommerce.items.item_id",
            "ecommerce.items.0.price",
            "ecommerce.value",
            "user_data.em",
            "client_id",
            "tief.a.b",
        ],
    ),
    "rename": (
        {"kunde": "ecommerce.customer_type"},
        {"plan": "form"},
        {"note": "bemerkung", "user_data.external_id": "user_id"},
        {"tief.a": "kunde"},
        {"ecommerce.items.price": "ecommerce.items.item_price", "ecommerce.items.0.item_name": "plan"},
        {"items.item_brand": "items.marke"},
    ),
    "set": (
        {"ecommerce.value": "{{ betrag }}"},
        {"ecommerce.currency": "EUR"},
        {"page.title": "fest", "plan": "{{ user_data.email }}"},
        {"ecommerce.items.0.item_id": "tee_{{ ecommerce.items.0.item_id }}"},
        {"user_data.external_id": "{{ user_id }}"},
        {
            "ecommerce.items.item_brand": "Muster",
            "ecommerce.items.7.price": 1,
            "ecommerce.items.1.price": "{{ value }}",
        },
        {"kunde.stufe.tief": 5, "neu": {"a": ["{{ event }}"]}},
        {"user_data.address.country": "{{ geo.country }}"},
    ),
    "items": (
        {"where": {"item_brand": "Muster"}},
        {"fields": {"item_id": "tee_{{ item.item_id }}", "price": "price"}},
        {"fields": {"item_id": "item_id", "quantity": "quantity"}, "where": {"quantity": [1, 2]}},
    ),
    "strip_query": (["color", "voucher"], ["fbclid"], "Q"),
    "redact": (True,),
    "truncate_ip": (True,),
    "block_duplicates": ("1h", "30d"),
}


def transformation(draw: Draw, tags: list[str], destinations: list[str]) -> dict[str, Any]:
    """One entry under `transformations`."""
    made = draw.fields(_STEPS, 2, 1)
    if draw.chance(0.3):
        made["when"] = conditions(draw, 1)
    if draw.chance(0.3):
        made["tags"] = draw.some(tags, 3, 1)
    if draw.chance(0.2):
        made["except_tags"] = draw.some(tags, 1, 1)
    if draw.chance(0.2):
        made["destinations"] = draw.some(destinations, 2, 1)
    return made
