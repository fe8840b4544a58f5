"""`custom_data` from GA4's e-commerce, and from what pages write in Meta's own names. Source: Meta's page on custom
data parameters; values are kept as stated, none is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import (
    COUNT,
    CURRENCY,
    DATA,
    ID,
    IDS,
    NUMBER,
    QUANTITY,
    TEXT,
    Event,
    Group,
    Kind,
    Omitted,
    identifier,
    items_count,
    put_items,
    put_value,
)
from tagserver_meta_capi.settings import MetaSettings

ITEMS: Mapping[str, tuple[str, Kind]] = {
    "id": ("item_id", ID),
    "quantity": ("quantity", QUANTITY),
    "item_price": ("price", NUMBER),
    "title": ("item_name", TEXT),
    "brand": ("item_brand", TEXT),
    "category": ("item_category", TEXT),
    "delivery_category": ("delivery_category", TEXT),
}
CONTENTS = {**ITEMS, "description": ("description", TEXT)}
"""What an entry of `contents` may hold where somebody writes it in Meta's names."""
NEEDED = ("id", "quantity")
"""Meta refuses a whole request for an entry without them (100/2804008)."""
ONE = {"quantity": 1}

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("value", "predicted_ltv", "net_revenue"), NUMBER),
    **dict.fromkeys(("content_name", "content_category", "content_type", "delivery_category"), TEXT),
    **dict.fromkeys(("search_string", "status"), TEXT),
    **dict.fromkeys(("order_id", "item_number"), ID),
    "currency": CURRENCY,
    "content_ids": IDS,
    "num_items": COUNT,
}
"""Of Meta's fields; any other field may hold what JSON can."""
_OF_THE_SERVER_TAG = (
    *("content_category", "content_ids", "content_name", "content_type", "contents", "delivery_category"),
    *("num_items", "predicted_ltv", "status"),
)
FROM_EVENT: Mapping[str, str] = {
    **{name: name for name in (*_OF_THE_SERVER_TAG, "item_number", "net_revenue", "search_string")},
    **{f"x-fb-cd-{name}": name for name in _OF_THE_SERVER_TAG},
    "search_term": "search_string",
}
"""Fields of an event, or of its ecommerce, that are custom_data by their name, each with its name at Meta: as a page's
pixel has them, and as Meta's tag for server containers reads them."""
_CORE = frozenset({"value", "currency"})


def build_custom_data(
    event: Event, given: Mapping[str, Any], name: str, settings: MetaSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    shop = event.ecommerce
    made = Group("custom_data", omitted)
    _items(made, shop.get("items"), name)
    put_value(made, "value", event, NUMBER, from_items=settings.value_from_items)
    made.put("currency", shop.get("currency"), CURRENCY)
    made.put("order_id", _order(event), ID)
    for group in (shop, event.data):
        # In the order of the alphabet: what was written for Meta alone (x-fb-cd-…) comes last, and wins.
        for key in sorted(group.keys() & FROM_EVENT.keys()):
            _set(made, FROM_EVENT[key], group[key])
    for key, value in given.items():
        _set(made, key, value)
    if settings.core_setup:
        for key in [key for key in made if key not in _CORE]:
            made.omit(key, "core_setup sends value and currency alone")
        return {key: value for key, value in made.items() if key in _CORE}
    return made


def _order(event: Event) -> Any:
    """The order's id, by GA4's name or, where that says nothing, by Meta's."""
    for said in (event.ecommerce.get("transaction_id"), event.ecommerce.get("order_id"), event.data.get("order_id")):
        if said is not None and said != "":
            return said
    return None


def _items(made: Group, items: Any, name: str) -> None:
    if not isinstance(items, list) or not items:
        return
    put_items(made, "contents", items, ITEMS, NEEDED, unsaid=ONE)
    objects = [item for item in items if isinstance(item, dict)]
    if ids := [known for item in objects if (known := identifier(item.get("item_id"))) is not None]:
        made["content_ids"] = ids
        made["content_type"] = "product"
    if len(objects) == 1:
        made.put("content_name", objects[0].get("item_name"), TEXT)
        made.put("content_category", objects[0].get("item_category"), TEXT)
    if name == "InitiateCheckout":
        made.put("num_items", items_count(items), COUNT)


def _set(made: Group, key: str, value: Any) -> None:
    if key == "contents":
        put_items(made, key, value, CONTENTS, NEEDED, own=True, unsaid=ONE)
    else:
        made.put(key, value, KINDS.get(key, DATA))
