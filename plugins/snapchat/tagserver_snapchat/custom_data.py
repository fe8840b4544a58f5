"""`custom_data`: what was bought, sought or signed up for. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import COUNT, CURRENCY, DATA, IDS, NUMBER, TEXT, TEXTS, Event, Group, Kind, Omitted, put_value
from tagserver_snapchat.items import read_contents, read_items

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("value", "predicted_ltv"), NUMBER),
    **dict.fromkeys(("order_id", "content_name", "content_category", "search_string", "sign_up_method"), TEXT),
    "content_ids": IDS,
    "brands": TEXTS,
    "currency": CURRENCY,
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


def build_custom_data(
    event: Event, given: Mapping[str, Any], name: str, value_from_items: bool, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    shop = event.ecommerce
    made = Group("custom_data", omitted)
    read_items(made, shop.get("items"))
    put_value(made, "value", event, NUMBER, from_items=value_from_items)
    made.put("currency", shop.get("currency"), CURRENCY)
    for key, places in SOURCES.items():
        # GA4's `method` is that of a login or a share too.
        if key == "sign_up_method" and name != "SIGN_UP":
            places = places[:1]
        values = (shop.get(place, event.data.get(place)) for place in places)
        made.put(key, next((value for value in values if value is not None and value != ""), None), KINDS[key])
    read_contents(made, shop.get("contents", event.data.get("contents")))
    for key, value in given.items():
        if key == "contents":
            read_contents(made, value)
        else:
            made.put(key, value, KINDS.get(key, DATA))
    return made
