"""`properties`: what was bought, sought or looked at. Source: TikTok, Events API 2.0, properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind
from tagserver.plugin.table import Code, Field, From, Items, Part, Value
from tagserver.plugin.values import (
    COUNT,
    CURRENCY,
    ID,
    IDS,
    NUMBER,
    PIECES,
    TEXT,
    items_count,
    page_address,
    plain_data,
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
_TYPE = Kind(lambda value: value if value in _TYPES else None, "is neither product nor product_group", free=False)
ANYTHING = Kind(plain_data, "holds nothing that JSON can")
"""Any other field, without what is empty within it."""


def _put_type(made: Group, event: Event, given: Mapping[str, Any], settings: TikTokSettings) -> None:
    if any("content_id" in content for content in made.get("contents", [])):
        made["content_type"] = "product"


PROPERTIES = Part(
    "properties",
    Items("contents", ITEMS, first=True),
    Code(("content_type",), _put_type, kinds={"content_type": _TYPE}, free=False),
    Field("num_items", From(lambda event: items_count(event.ecommerce.get("items")), ("ecommerce.items",)), COUNT),
    Value("value", NUMBER),
    Field("currency", "ecommerce.currency", CURRENCY),
    Field("order_id", "ecommerce.transaction_id", ID),
    Field("query", "search_term", TEXT),
    Field("content_ids", None, IDS),
    Field("shop_id", None, ID),
    Field("search_string", None, TEXT),
    Field("description", None, TEXT),
    tag="over",
    others=ANYTHING,
)
PAGE = Part(
    "page",
    Field("url", "page.location", page_address),
    Field("referrer", "page.referrer", page_address),
    others="is no key that TikTok knows",
)
"""The page's address with its query: TikTok reads the click id there, too."""
LEAD = Part("lead", others=ANYTHING)
