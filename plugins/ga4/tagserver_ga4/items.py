"""`items` from the event's ecommerce, whose names are Google's own. Source: Measurement Protocol, events, `items`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Omitted
from tagserver_ga4.names import name_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.values import currency, identifier, is_text, missing, number, scalar

MOST_ITEMS = 200
MOST_BYTES = 90_000
"""Of 130 kB that a body may have; the rest is for everything else."""
_IDS = frozenset({"item_id", "item_list_id", "promotion_id", "location_id"})
_TEXTS = frozenset(
    ["item_name", "affiliation", "coupon", "creative_name", "creative_slot", "item_brand", "item_category"]
    + [f"item_category{level}" for level in range(2, 6)]
    + ["item_list_name", "item_variant", "promotion_name"]
)
_NUMBERS = frozenset({"price", "discount"})
_WHOLE = frozenset({"quantity", "index"})
STANDARD = _IDS | _TEXTS | _NUMBERS | _WHOLE | {"currency"}


def build_items(said: Any, settings: Ga4Settings, omitted: list[Omitted]) -> list[dict[str, Any]]:
    """The items that Google takes; each left out is counted, each field left out is named."""
    if not isinstance(said, list):
        if not missing(said):
            omitted.append(Omitted("params.items", "is not a list"))
        return []
    made: list[dict[str, Any]] = []
    faults: dict[str, Omitted] = {}
    nameless = size = 0
    for index, one in enumerate(said):
        item = _item(one, settings, faults) if isinstance(one, Mapping) else {}
        if "item_id" not in item and "item_name" not in item:
            nameless += 1
            continue
        size += len(json.dumps(item, ensure_ascii=False).encode()) + 1
        if len(made) == MOST_ITEMS or size > MOST_BYTES:
            rest = len(said) - index
            omitted.append(
                Omitted("params.items", f"{rest} of the items: Google takes {MOST_ITEMS}, and 130 kB in all")
            )
            break
        made.append(item)
    if nameless:
        omitted.append(Omitted("params.items", f"{nameless} of the items without item_id and item_name"))
    omitted.extend(faults.values())
    return made


def _item(one: Mapping[Any, Any], settings: Ga4Settings, faults: dict[str, Omitted]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    own = 0
    for key, value in one.items():
        if missing(value):
            continue
        if not isinstance(key, str) or not is_text(key) or name_fault(key) is not None:
            faults.setdefault("", Omitted("params.items", "a field whose name Google does not take"))
            continue
        kept, why = _field(key, value, settings)
        if key not in STANDARD and kept is not None:
            own += 1
            if own > settings.max_item_params:
                kept, why = None, f"is one more than the {settings.max_item_params} own parameters of an item"
        if kept is not None:
            made[key] = kept
        if why is not None:
            faults.setdefault(key, Omitted(f"params.items.{key}", why))
    return made


def _field(key: str, value: Any, settings: Ga4Settings) -> tuple[Any, str | None]:
    """The value as Google takes it (None: not at all), and what is wrong with it."""
    if key in _NUMBERS:
        found = number(value)
        return found, None if found is not None else "is not a plain number"
    if key in _WHOLE:
        found = number(value)
        if found is None or found != int(found) or found < 0:
            return None, "is not a whole number"
        return int(found), None
    if key == "currency":
        code = currency(value)
        return code, None if code else "is not three letters of ISO 4217"
    longest = settings.max_value_length
    if key in _IDS:
        text = identifier(value)
        if text is None:
            return None, "is no id"
        # An id that is cut is another id.
        return (text, None) if len(text) <= longest else (None, f"is longer than {longest} characters")
    kept = scalar(value) if key not in _TEXTS else identifier(value)
    if kept is None:
        return None, "is neither text nor number"
    if isinstance(kept, str) and len(kept) > longest:
        return kept[:longest], f"is cut to {longest} characters"
    return kept, None
