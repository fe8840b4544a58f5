"""`metadata`: the conversion's id, and what was bought or looked at. Source: Reddit, Conversions API v3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import (
    COUNT,
    CURRENCY,
    ID,
    NUMBER,
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
from tagserver_reddit.settings import RedditSettings

ITEMS = {
    "id": ("item_id", ID),
    "name": ("item_name", TEXT),
    "category": ("item_category", TEXT),
    "item_price": ("price", NUMBER),
    "quantity": ("quantity", PIECES),
}
WITHOUT_VALUE = frozenset({"PAGE_VISIT", "SEARCH"})
"""Types that value and items do not belong to."""
_KINDS: Mapping[str, Kind] = {"value": NUMBER, "currency": CURRENCY, "item_count": COUNT}
_UNKNOWN = Kind(lambda value: None, "is no field of metadata")


def build_metadata(
    event: Event, kind: str, given: Mapping[str, Any], settings: RedditSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event of a type. `given`: what the tag's parameters set; they win, and go by the same rules."""
    made = Group("metadata", omitted)
    made["conversion_id"] = event.event_id
    if kind not in WITHOUT_VALUE:
        items = event.ecommerce.get("items")
        put_items(made, "products", items, ITEMS)
        made.put("item_count", items_count(items), COUNT)
        put_value(made, "value", event, NUMBER, from_items=settings.value_from_items)
        made.put("currency", event.get("currency"), CURRENCY)
    for key, value in given.items():
        if key == "products":
            put_items(made, key, value, ITEMS, own=True)
        elif key == "conversion_id":
            made.omit(key, "is the event_id, which a tag cannot change")
        else:
            made.put(key, value, _KINDS.get(key, _UNKNOWN))
    return made
