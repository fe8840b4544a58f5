"""`items` from the event's ecommerce, whose names are Google's own. Source: Measurement Protocol, events, `items`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tagserver.plugin import Group, Kind, Omitted
from tagserver.plugin.values import COUNT, CURRENCY, ID, NUMBER, PIECES, identifier, is_missing, is_text
from tagserver_ga4.names import name_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.values import SCALAR, cut, short

MOST_ITEMS = 200
MOST_BYTES = 90_000
"""Of 130 kB that a body may have; the rest is for everything else."""
_TEXT = Kind(identifier, "is neither text nor number")
IDS = frozenset({"item_id", "item_list_id", "promotion_id", "location_id"})
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(IDS, ID),
    **dict.fromkeys(("item_name", "affiliation", "coupon", "creative_name", "creative_slot", "item_brand"), _TEXT),
    **dict.fromkeys(("item_category", *(f"item_category{level}" for level in range(2, 6))), _TEXT),
    **dict.fromkeys(("item_list_name", "item_variant", "promotion_name"), _TEXT),
    **dict.fromkeys(("price", "discount"), NUMBER),
    "quantity": PIECES,
    "index": COUNT,
    "currency": CURRENCY,
}
"""Of the fields that Google knows; a shop's own are texts, numbers, true or false."""


def build_items(said: Any, settings: Ga4Settings, omitted: list[Omitted]) -> list[dict[str, Any]]:
    """The items that Google takes; each left out is counted, each field left out is named."""
    if not isinstance(said, list):
        if not is_missing(said):
            omitted.append(Omitted("params.items", "is not a list"))
        return []
    made: list[dict[str, Any]] = []
    faults: list[Omitted] = []
    nameless = most = 0
    for index, one in enumerate(said):
        item = _item(one, settings, faults) if isinstance(one, Mapping) else {}
        if "item_id" not in item and "item_name" not in item:
            nameless += 1
            continue
        most += sum(6 * len(value) if type(value) is str else 0 for value in item.values()) + _FIELD * len(item)
        if len(made) == MOST_ITEMS or (most > MOST_BYTES and _size([*made, item]) > MOST_BYTES):
            rest = len(said) - index
            omitted.append(
                Omitted("params.items", f"{rest} of the items: Google takes {MOST_ITEMS}, and 130 kB in all")
            )
            break
        made.append(item)
    if nameless:
        omitted.append(Omitted("params.items", f"{nameless} of the items without item_id and item_name"))
    omitted.extend(dict.fromkeys(faults))
    return made


def _size(items: list[dict[str, Any]]) -> int:
    return sum(len(json.dumps(item, ensure_ascii=False).encode()) + 1 for item in items)


_FIELD = 300
"""Bytes that a field has at most beside its text, of which a character has six."""


@lru_cache(maxsize=8)
def _kinds(longest: int) -> Mapping[str, Kind]:
    return {key: short(ID, longest) if key in IDS else cut(kind, longest) for key, kind in KINDS.items()}


def _item(one: Mapping[Any, Any], settings: Ga4Settings, faults: list[Omitted]) -> dict[str, Any]:
    made = Group("params.items", faults)
    known = _kinds(settings.max_value_length)
    own = 0
    for key, value in one.items():
        if is_missing(value):
            continue
        if key in KINDS:
            made.put(key, value, known[key])
        elif not isinstance(key, str) or not is_text(key) or name_fault(key) is not None:
            faults.append(Omitted("params.items", "a field whose name Google does not take"))
        elif own < settings.max_item_params:
            made.put(key, value, cut(SCALAR, settings.max_value_length))
            own += key in made
        else:
            made.omit(key, f"is one more than the {settings.max_item_params} own parameters of an item")
    return dict(made)
