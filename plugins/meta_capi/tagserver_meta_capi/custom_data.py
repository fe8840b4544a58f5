"""`custom_data` from GA4's e-commerce. Source: Meta's page on custom data parameters; values are kept as stated, none is invented."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Omitted
from tagserver_meta_capi.settings import MetaSettings

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,10})?|\.\d{1,10})\Z", re.ASCII)
_TEXT_KEYS = ("content_name", "content_category", "content_type", "status", "delivery_category", "item_number", "search_string")
_CORE = frozenset({"value", "currency"})
LONGEST_TEXT = 1000


def number(value: Any) -> int | float | None:
    """A number, or a text that is one: no thousands separators, no NaN, no infinity; true and false are no numbers."""
    if type(value) is int:
        return value if abs(value) < 10**15 else None
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is str and _NUMBER.match(text := value.strip()):
        made = float(text)
        return int(text) if made.is_integer() and "." not in text else made
    return None


def _identifier(value: Any) -> str | None:
    if type(value) is str:
        return value.strip() or None
    if type(value) is int:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def build_custom_data(
    event: Event, given: Mapping[str, Any], name: str, settings: MetaSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    shop = event.ecommerce
    made: dict[str, Any] = {}
    items = shop.get("items")
    if isinstance(items, list) and items:
        _items(made, items, name)
    _number(made, "value", shop.get("value"), omitted)
    if "value" not in made and settings.value_from_items and (total := _total(made)) is not None:
        made["value"] = total
    _currency(made, shop.get("currency"), omitted)
    if (order := _identifier(shop.get("transaction_id"))) is not None:
        made["order_id"] = order
    data = event.data
    if isinstance(term := data.get("search_term", shop.get("search_term")), str) and term:
        made["search_string"] = term[:LONGEST_TEXT]
    for key in ("predicted_ltv", "net_revenue"):
        if data.get(key) is not None:
            _number(made, key, data[key], omitted)
    for key in _TEXT_KEYS:
        if isinstance(text := data.get(key), str) and text:
            made[key] = text[:LONGEST_TEXT]
    for key, value in given.items():
        _set(made, key, value, omitted)
    if settings.core_setup:
        for key in made.keys() - _CORE:
            omitted.append(Omitted(f"custom_data.{key}", "core_setup sends value and currency alone"))
        made = {key: value for key, value in made.items() if key in _CORE}
    return made


def _number(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    if value is None or value == "":
        return
    found = number(value)
    if found is None:
        omitted.append(Omitted(f"custom_data.{key}", "is not a plain number"))
    else:
        made[key] = found


def _currency(made: dict[str, Any], value: Any, omitted: list[Omitted]) -> None:
    if value is None or value == "":
        return
    text = value.strip().upper() if type(value) is str else ""
    if _CURRENCY.match(text):
        made["currency"] = text
    else:
        omitted.append(Omitted("custom_data.currency", "is not three letters of ISO 4217"))


def _items(made: dict[str, Any], items: list[Any], name: str) -> None:
    contents = []
    count = 0
    for item in items:
        if not isinstance(item, dict):
            continue
        found = number(item.get("quantity"))
        quantity = found if found is not None and found > 0 else 1
        count += int(quantity)
        identifier = _identifier(item.get("item_id"))
        if identifier is None:
            continue
        content: dict[str, Any] = {"id": identifier, "quantity": quantity}
        if (price := number(item.get("price"))) is not None:
            content["item_price"] = price
        for key, source in (("title", "item_name"), ("brand", "item_brand"), ("category", "item_category")):
            if isinstance(text := item.get(source), str) and text:
                content[key] = text[:LONGEST_TEXT]
        contents.append(content)
    if contents:
        made["contents"] = contents
        made["content_ids"] = [content["id"] for content in contents]
        made["content_type"] = "product"
    if len(items) == 1 and isinstance(items[0], dict):
        for key, source in (("content_name", "item_name"), ("content_category", "item_category")):
            if isinstance(text := items[0].get(source), str) and text:
                made[key] = text[:LONGEST_TEXT]
    if name == "InitiateCheckout" and count:
        made["num_items"] = count


def _total(made: Mapping[str, Any]) -> float | None:
    contents = made.get("contents")
    if not contents or not all("item_price" in content for content in contents):
        return None
    total: float = sum(content["item_price"] * content["quantity"] for content in contents)
    return round(total, 6)


def _set(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    if value is None or value == "":
        return
    if key in ("value", "predicted_ltv", "net_revenue"):
        _number(made, key, value, omitted)
    elif key == "currency":
        _currency(made, value, omitted)
    elif key == "order_id":
        if (order := _identifier(value)) is not None:
            made[key] = order
    elif key == "content_ids":
        ids = [_identifier(one) for one in (value if isinstance(value, list) else [value])]
        if known := [one for one in ids if one is not None]:
            made[key] = known
    elif sendable(value):
        made[key] = value
    else:
        omitted.append(Omitted(f"custom_data.{str(key)[:60]}", "holds something that JSON cannot"))


def sendable(value: Any, depth: int = 10) -> bool:
    """Whether a value is plain data that JSON can hold, within reason."""
    if value is None or isinstance(value, bool | int | str):
        return not isinstance(value, int) or abs(value) < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(sendable(one, depth - 1) for one in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and sendable(one, depth - 1) for key, one in value.items())
    return False
