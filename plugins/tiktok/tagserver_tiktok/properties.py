"""`properties`: what was bought, sought or looked at. Source: TikTok, Events API 2.0, properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import (
    COUNT,
    CURRENCY,
    ID,
    IDS,
    NUMBER,
    PIECES,
    TEXT,
    Event,
    Group,
    Kind,
    Omitted,
    items_count,
    plain_data,
    put_items,
    put_value,
)
from tagserver_tiktok.settings import TikTokSettings

ITEMS = {
    "content_id": ("item_id", ID),
    "content_name": ("item_name", TEXT),
    "content_category": ("item_category", TEXT),
    "brand": ("item_brand", TEXT),
    "price": ("price", NUMBER),
    "quantity": ("quantity", PIECES),
}
_TYPES = ("product", "product_group")
KINDS: Mapping[str, Kind] = {
    "value": NUMBER,
    "currency": CURRENCY,
    "num_items": COUNT,
    "content_ids": IDS,
    "content_type": Kind(lambda value: value if value in _TYPES else None, "is neither product nor product_group"),
    **dict.fromkeys(("order_id", "shop_id"), ID),
    **dict.fromkeys(("query", "search_string", "description"), TEXT),
}
"""Of TikTok's fields."""
ANYTHING = Kind(plain_data, "holds nothing that JSON can")
"""Of any other field, without what is empty within it."""


def build_properties(
    event: Event, given: Mapping[str, Any], settings: TikTokSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    made = Group("properties", omitted)
    items = event.ecommerce.get("items")
    put_items(made, "contents", given.get("contents", items), ITEMS, own="contents" in given)
    if any("content_id" in content for content in made.get("contents", [])):
        made["content_type"] = "product"
    made.put("num_items", items_count(items), COUNT)
    put_value(made, "value", event, NUMBER, from_items=settings.value_from_items)
    made.put("currency", event.get("currency"), CURRENCY)
    made.put("order_id", event.get("transaction_id"), ID)
    made.put("query", event.get("search_term"), TEXT)
    for key, value in given.items():
        if key != "contents":
            made.put(key, value, KINDS.get(key, ANYTHING))
    return made
