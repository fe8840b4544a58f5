"""`custom_data`: what was bought, sought or signed up for. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind, Omitted
from tagserver.plugin.table import Code, Field, From, Items, Part, Value
from tagserver.plugin.values import (
    COUNT,
    CURRENCY,
    DATA,
    ID,
    IDS,
    NUMBER,
    QUANTITY,
    TEXT,
    TEXTS,
    items_count,
    put_items,
)
from tagserver_snapchat.settings import SnapchatSettings

ITEMS = {
    "id": ("item_id", ID),
    "quantity": ("quantity", QUANTITY),
    "item_price": ("price", NUMBER),
    "brand": ("item_brand", TEXT),
    "delivery_category": ("delivery_category", TEXT),
}
ONE = {"quantity": 1}
KINDS: Mapping[str, Kind] = {
    "predicted_ltv": NUMBER,
    **dict.fromkeys(("order_id", "content_name", "content_category", "search_string", "sign_up_method"), TEXT),
    "content_ids": IDS,
    "brands": TEXTS,
    "num_items": COUNT,
}
"""Of Snap's fields; any other field may hold what JSON can."""
SOURCES: Mapping[str, tuple[str, ...]] = {
    "order_id": ("transaction_id", "order_id"),
    "content_ids": ("content_ids",),
    "num_items": ("num_items",),
    "search_string": ("search_string", "search_term"),
    "sign_up_method": ("sign_up_method", "method"),
    "content_name": ("content_name",),
    "content_category": ("content_category",),
    "predicted_ltv": ("predicted_ltv",),
    "brands": ("brands",),
}
"""Snap's field and the fields of an event, or of its ecommerce, that it is taken from; the first that is there."""


def _put_of_items(made: Group, event: Event, given: Mapping[str, Any], settings: SnapchatSettings) -> None:
    """Ids and number of the items; of a single one its name and category too."""
    items = event.ecommerce.get("items")
    made.put("content_ids", [content["id"] for content in made.get("contents", [])], IDS)
    if (count := items_count(items)) is not None:
        made["num_items"] = count
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if len(rows) == 1:
        made.put("content_name", rows[0].get("item_name"), TEXT)
        made.put("content_category", rows[0].get("item_category"), TEXT)


def _put_contents(made: Group, event: Event, given: Mapping[str, Any], settings: SnapchatSettings) -> None:
    """As a page writes them in Snap's own names."""
    said = event.ecommerce.get("contents", event.data.get("contents"))
    put_items(made, "contents", said, ITEMS, needed="id", own=True, unsaid=ONE)


def _said(places: tuple[str, ...]) -> From:
    def read(event: Event) -> Any:
        shop, data = event.ecommerce, event.data
        for place in places:
            value = shop[place] if place in shop else data.get(place)
            if value is not None and value != "":
                return value
        return None

    return From(read, tuple(place for place in places if place != "transaction_id"))


def _part(sources: Mapping[str, tuple[str, ...]]) -> Part:
    return Part(
        "custom_data",
        Items("contents", ITEMS, needed="id", unsaid=ONE),
        Code(
            ("content_ids", "num_items", "content_name", "content_category"),
            _put_of_items,
            reads=("ecommerce.items",),
            kinds=KINDS,
        ),
        Value("value", NUMBER),
        Field("currency", "ecommerce.currency", CURRENCY),
        *(Field(key, _said(places), KINDS[key]) for key, places in sources.items()),
        Code(("contents",), _put_contents, reads=("ecommerce", "contents")),
        tag="over",
        others=DATA,
    )


SIGN_UP_DATA = _part(SOURCES)
CUSTOM_DATA = _part({**SOURCES, "sign_up_method": ("sign_up_method",)})
"""GA4's `method` is that of a login or a share too."""


def build_custom_data(
    event: Event, given: Mapping[str, Any], name: str, settings: SnapchatSettings, omitted: list[Omitted]
) -> Group:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    return (SIGN_UP_DATA if name == "SIGN_UP" else CUSTOM_DATA).fill(event, given, settings, omitted)
