"""`metadata`: the conversion's id, and what was bought or looked at. Source: Reddit, Conversions API v3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind, Omitted
from tagserver.plugin.table import Code, Field, From, Items, Part, Value
from tagserver.plugin.values import COUNT, CURRENCY, ID, NUMBER, PIECES, TEXT, items_count
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
_COUNT = From(lambda event: items_count(event.ecommerce.get("items")), ("ecommerce.items",))
_OTHERS = "is no field of metadata"


def _put_id(made: Group, event: Event, given: Mapping[str, Any], settings: RedditSettings) -> None:
    made["conversion_id"] = event.event_id


_ID = Code(
    ("conversion_id",),
    _put_id,
    reads=("event_id",),
    kinds={"conversion_id": Kind(lambda value: None, "is the event_id, which a tag cannot change")},
)
METADATA = Part(
    "metadata",
    _ID,
    Items("products", ITEMS),
    Field("item_count", _COUNT, COUNT),
    Value("value", NUMBER),
    Field("currency", "ecommerce.currency", CURRENCY),
    tag="over",
    others=_OTHERS,
)
WITHOUT = Part(
    "metadata",
    _ID,
    Items("products", ITEMS, of_event=False),
    Field("item_count", None, COUNT),
    Field("value", None, NUMBER),
    Field("currency", None, CURRENCY),
    tag="over",
    others=_OTHERS,
)
"""Of types that value and items do not belong to: what a tag sets alone."""


def build_metadata(
    event: Event, kind: str, given: Mapping[str, Any], settings: RedditSettings, omitted: list[Omitted]
) -> Group:
    """The group for one event of a type. `given`: what the tag's parameters set; they win, and go by the same rules."""
    return (WITHOUT if kind in WITHOUT_VALUE else METADATA).fill(event, given, settings, omitted)
