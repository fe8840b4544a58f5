"""`custom_data`: what was bought, sought or looked at. Source: Pinterest's description of its API; it refuses fields
that it does not know, and wants money as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group
from tagserver.plugin.table import Code, Field, From, Items, Part, Value
from tagserver.plugin.values import COUNT, CURRENCY, ID, IDS, MONEY_TEXT, PIECES, TEXT, items_count
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


def _put_of_items(made: Group, event: Event, given: Mapping[str, Any], settings: PinterestSettings) -> None:
    contents = made.get("contents", [])
    made.put("content_ids", [content["id"] for content in contents if "id" in content], IDS)
    if len(contents) == 1:
        for key, source in _OF_ONE.items():
            made.put(key, contents[0].get(source), TEXT)


CUSTOM_DATA = Part(
    "custom_data",
    Items("contents", ITEMS, first=True),
    Code(("content_ids", *_OF_ONE), _put_of_items, kinds={"content_ids": IDS, **dict.fromkeys(_OF_ONE, TEXT)}),
    Field("num_items", From(lambda event: items_count(event.ecommerce.get("items")), ("ecommerce.items",)), COUNT),
    Value("value", MONEY_TEXT),
    Field("currency", "ecommerce.currency", CURRENCY),
    Field("order_id", "ecommerce.transaction_id", ID),
    Field("search_string", "search_term", TEXT),
    Field("predicted_ltv", None, MONEY_TEXT),
    Field("np", None, TEXT),
    tag="over",
    others="is no field of custom_data, and Pinterest refuses others",
)
