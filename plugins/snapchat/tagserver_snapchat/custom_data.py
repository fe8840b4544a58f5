"""`custom_data`: what was bought, sought or signed up for. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Omitted
from tagserver_snapchat.items import read_items, total
from tagserver_snapchat.values import currency_code, identifier, number, sendable, short_text, shown

NUMBERS = frozenset({"value", "predicted_ltv"})
TEXTS = frozenset({"order_id", "content_name", "content_category", "search_string", "sign_up_method"})
LISTS = frozenset({"content_ids", "brands"})
SOURCES: Mapping[str, tuple[str, ...]] = {
    "order_id": ("transaction_id",),
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
    made = read_items(shop.get("items"), omitted)
    _set(made, "value", shop.get("value"), omitted)
    if "value" not in made and value_from_items and (summed := total(made)) is not None:
        made["value"] = summed
    _set(made, "currency", shop.get("currency"), omitted)
    for key, places in SOURCES.items():
        # GA4's `method` is that of a login or a share too.
        if key == "sign_up_method" and name != "SIGN_UP":
            places = places[:1]
        for place in places:
            value = shop.get(place, event.data.get(place))
            if value is not None and value != "":
                _set(made, key, value, omitted)
                break
    for key, value in given.items():
        _set(made, key, value, omitted)
    return made


def _set(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    """One field by its rule; a value that does not fit is named and left out."""
    if value is None or value == "" or value == []:
        return
    fitting: Any
    if key in NUMBERS:
        fitting, why = number(value), "is not a plain number"
    elif key == "currency":
        fitting, why = currency_code(value), "is not three letters of ISO 4217"
    elif key in TEXTS:
        fitting, why = short_text(value), "is not text"
    elif key == "num_items":
        count = number(value)
        fitting = int(count) if count is not None and count >= 0 and count == int(count) else None
        why = "is not a whole number"
    elif key in LISTS:
        values = value if isinstance(value, list) else [value]
        texts = [text for one in values if (text := identifier(one)) is not None]
        if texts and len(texts) < len(values):
            omitted.append(Omitted(f"custom_data.{key}", "holds what is no text"))
        fitting, why = texts or None, "is not a list of texts"
    elif key == "contents":
        fits = isinstance(value, list) and all(isinstance(one, dict) and one for one in value) and sendable(value)
        fitting, why = value if fits else None, "is not a list of objects"
    else:
        fits = isinstance(key, str) and sendable(key) and sendable(value)
        fitting, why = value if fits else None, "holds something that JSON cannot"
    if fitting is None:
        omitted.append(Omitted(f"custom_data.{shown(key)}", why))
    else:
        made[key] = fitting
