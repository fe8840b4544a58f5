"""`custom_data`: what was bought, sought or looked at. Source: Pinterest's description of its API; it refuses fields
that it does not know, and wants money as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import (
    COUNT,
    CURRENCY,
    ID,
    IDS,
    MONEY_TEXT,
    PIECES,
    TEXT,
    Event,
    Group,
    Kind,
    Omitted,
    items_count,
    put_items,
    put_value,
)
from tagserver_pinterest.processing import FLAGS
from tagserver_pinterest.settings import PinterestSettings

ITEMS = {
    "id": ("item_id", ID),
    "item_name": ("item_name", TEXT),
    "item_category": ("item_category", TEXT),
    "item_brand": ("item_brand", TEXT),
    "item_price": ("price", MONEY_TEXT),
    "quantity": ("quantity", PIECES),
}
_OF_ONE = {"content_name": "item_name", "content_category": "item_category", "content_brand": "item_brand"}
KINDS: Mapping[str, Kind] = {
    "value": MONEY_TEXT,
    "currency": CURRENCY,
    "order_id": ID,
    "num_items": COUNT,
    "content_ids": IDS,
    "predicted_ltv": MONEY_TEXT,
    **dict.fromkeys(("search_string", "content_name", "content_category", "content_brand", "np"), TEXT),
}
ELSEWHERE = frozenset({"contents", FLAGS})
_UNKNOWN = Kind(lambda value: None, "is no field of custom_data, and Pinterest refuses others")


def build_custom_data(
    event: Event, given: Mapping[str, Any], settings: PinterestSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    made = Group("custom_data", omitted)
    items = event.ecommerce.get("items")
    put_items(made, "contents", given.get("contents", items), ITEMS, own="contents" in given)
    contents = made.get("contents", [])
    made.put("content_ids", [content["id"] for content in contents if "id" in content], IDS)
    if len(contents) == 1:
        for key, source in _OF_ONE.items():
            made.put(key, contents[0].get(source), TEXT)
    made.put("num_items", items_count(items), COUNT)
    put_value(made, "value", event, MONEY_TEXT, from_items=settings.value_from_items)
    made.put("currency", event.get("currency"), CURRENCY)
    made.put("order_id", event.get("transaction_id"), ID)
    made.put("search_string", event.get("search_term"), TEXT)
    for key, value in given.items():
        if key not in ELSEWHERE:
            made.put(key, value, KINDS.get(key, _UNKNOWN))
    return made
