"""`custom_data` from GA4's e-commerce, and from what pages write in Meta's own names. Source: Meta's page on custom
data parameters; values are kept as stated, none is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind, Omitted
from tagserver.plugin.table import Code, Field, Items, Part, Value
from tagserver.plugin.values import (
    COUNT,
    CURRENCY,
    DATA,
    ID,
    IDS,
    NUMBER,
    QUANTITY,
    TEXT,
    identifier,
    items_count,
    put_items,
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
    **dict.fromkeys(("predicted_ltv", "net_revenue"), NUMBER),
    **dict.fromkeys(("content_name", "content_category", "content_type", "delivery_category"), TEXT),
    **dict.fromkeys(("search_string", "status"), TEXT),
    "item_number": ID,
    "content_ids": IDS,
    "num_items": COUNT,
}
"""Of Meta's fields beside value, currency and order_id; any other field may hold what JSON can."""
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
_SOURCES = frozenset(FROM_EVENT)
_CORE = frozenset({"value", "currency"})


def _put_of_items(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    items = (event.data.get("ecommerce") or {}).get("items")
    if type(items) is not list or not items:
        return
    contents = made.get("contents", ())
    if len(contents) == len(items) > 1:  # each is there, with its id
        ids, objects = [one["id"] for one in contents], items
    else:
        objects = [one for one in items if isinstance(one, dict)]
        ids = [known for one in objects if (known := identifier(one.get("item_id"))) is not None]
    if ids:
        made["content_ids"] = ids
        made["content_type"] = "product"
    if len(objects) == 1:
        made.put("content_name", objects[0].get("item_name"), TEXT)
        made.put("content_category", objects[0].get("item_category"), TEXT)


def _put_count(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    made.put("num_items", items_count(event.ecommerce.get("items")), COUNT)


def _put_named(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    data = event.data
    for group in (data.get("ecommerce"), data):
        if not group or _SOURCES.isdisjoint(group):
            continue
        # In the order of the alphabet: what was written for Meta alone (x-fb-cd-…) comes last, and wins.
        for key in sorted(_SOURCES.intersection(group)):
            name = FROM_EVENT[key]
            if name == "contents":
                put_items(made, name, group[key], CONTENTS, NEEDED, own=True, unsaid=ONE)
            else:
                made.put(name, group[key], KINDS[name])


_SHOP = (
    Value("value", NUMBER),
    Field("currency", "ecommerce.currency", CURRENCY),
    Field("order_id", ("ecommerce.transaction_id", "ecommerce.order_id", "order_id"), ID),
)
_NAMED = Code(tuple(KINDS), _put_named, reads=("ecommerce", *sorted(FROM_EVENT)), kinds=KINDS)


def _part(*more: Code) -> Part:
    return Part(
        "custom_data",
        Items("contents", ITEMS, NEEDED, own=CONTENTS, unsaid=ONE),
        Code(
            ("content_ids", "content_type", "content_name", "content_category"),
            _put_of_items,
            reads=("ecommerce.items",),
            kinds=KINDS,
        ),
        *more,
        *_SHOP,
        _NAMED,
        tag="over",
        others=DATA,
    )


def _put_own(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    said = sent_with(event).get("custom_data")
    for name, value in said.items() if type(said) is dict else ():
        if name not in made:
            made.put(name, value, DATA)


def sent_with(event: Event) -> Mapping[str, Any]:
    """What a sender at Meta's own door has said that is Meta's alone: the client has put it under `pixel`."""
    own = event.data.get("pixel")
    return own if type(own) is dict else NOTHING


NOTHING: Mapping[str, Any] = {}
OWN_DATA = Part(
    "custom_data",
    *_SHOP,
    _NAMED,
    Code((), _put_own, reads=("pixel",)),
    tag="over",
    others=DATA,
)
"""Of an event that was sent in Meta's own words: as it was, with nothing made of its items."""
CUSTOM_DATA = _part()
CHECKOUT_DATA = _part(Code(("num_items",), _put_count, reads=("ecommerce.items",), kinds=KINDS, free=False))
"""What the tag's parameters set wins, and goes by the same rules."""


def build_custom_data(
    event: Event,
    given: Mapping[str, Any],
    name: str,
    settings: MetaSettings,
    omitted: list[Omitted],
    *,
    as_sent: bool = False,
) -> dict[str, Any]:
    """The group for one event. `as_sent`: it came in Meta's own words, and goes in them."""
    part = OWN_DATA if as_sent else CHECKOUT_DATA if name == "InitiateCheckout" else CUSTOM_DATA
    made = part.fill(event, given, settings, omitted)
    if settings.core_setup:
        for key in [key for key in made if key not in _CORE]:
            made.omit(key, "core_setup sends value and currency alone")
        return {key: value for key, value in made.items() if key in _CORE}
    return made
