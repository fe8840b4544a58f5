"""`custom_data` from GA4's e-commerce. Source: Meta's page on custom data parameters; values are kept as
stated, none is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import MISSING, Event, Omitted, currency_code, identifier, is_text, number, sendable
from tagserver_meta_capi.settings import MetaSettings

FROM_EVENT = frozenset(
    [
        "content_name",
        "content_category",
        "content_type",
        "delivery_category",
        "item_number",
        "net_revenue",
        "predicted_ltv",
        "search_string",
        "search_term",
        "status",
    ]
)
"""Fields of an event, or of its ecommerce, that are custom_data by their name."""
_TEXTS = frozenset(
    ["content_name", "content_category", "content_type", "delivery_category", "item_number", "search_string", "status"]
)
_CORE = frozenset({"value", "currency"})
LONGEST_TEXT = 1000


def build_custom_data(
    event: Event, given: Mapping[str, Any], name: str, settings: MetaSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set; they win, and go by the same rules."""
    shop = event.ecommerce
    made: dict[str, Any] = {}
    items = shop.get("items")
    if isinstance(items, list) and items:
        _items(made, items, name, omitted)
    _number(made, "value", shop.get("value"), omitted)
    if "value" not in made and settings.value_from_items and (total := _total(made)) is not None:
        made["value"] = total
    _currency(made, shop.get("currency"), omitted)
    if (order := identifier(shop.get("transaction_id"))) is not None:
        made["order_id"] = order
    for group in (shop, event.data):
        for key in group.keys() & FROM_EVENT:
            _set(made, "search_string" if key == "search_term" else key, group[key], omitted)
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
    if (code := currency_code(value)) is not None:
        made["currency"] = code
    else:
        omitted.append(Omitted("custom_data.currency", "is no currency of ISO 4217"))


def _items(made: dict[str, Any], items: list[Any], name: str, omitted: list[Omitted]) -> None:
    contents = []
    count = 0
    nameless = 0
    for item in items:
        if not isinstance(item, dict):
            continue
        found = number(item.get("quantity"))
        quantity = found if found is not None and found > 0 else 1
        count += int(quantity)
        item_id = identifier(item.get("item_id"))
        if item_id is None:
            nameless += 1
            continue
        content: dict[str, Any] = {"id": item_id, "quantity": quantity}
        if (price := number(item.get("price"))) is not None:
            content["item_price"] = price
        for key, source in (("title", "item_name"), ("brand", "item_brand"), ("category", "item_category")):
            if type(text := item.get(source)) is str and text and is_text(text):
                content[key] = text[:LONGEST_TEXT]
        contents.append(content)
    if nameless:
        omitted.append(Omitted("custom_data.contents", f"{nameless} of the items without an item_id"))
    if contents:
        made["contents"] = contents
        made["content_ids"] = [content["id"] for content in contents]
        made["content_type"] = "product"
    if len(items) == 1 and isinstance(items[0], dict):
        for key, source in (("content_name", "item_name"), ("content_category", "item_category")):
            if type(text := items[0].get(source)) is str and text and is_text(text):
                made[key] = text[:LONGEST_TEXT]
    if name == "InitiateCheckout" and count:
        made["num_items"] = count


def _total(made: Mapping[str, Any]) -> float | None:
    contents = made.get("contents")
    if not contents or not all("item_price" in content for content in contents):
        return None
    total: float = sum(content["item_price"] * content["quantity"] for content in contents)
    return number(round(total, 6))


def _set(made: dict[str, Any], key: str, value: Any, omitted: list[Omitted]) -> None:
    if value is None or value is MISSING or value == "":
        return
    if not is_text(key):
        omitted.append(Omitted("custom_data", "a name that is not valid text"))
        return
    if key in ("value", "predicted_ltv", "net_revenue"):
        _number(made, key, value, omitted)
    elif key == "currency":
        _currency(made, value, omitted)
    elif key == "order_id" or key in _TEXTS:
        if (text := identifier(value)) is not None:
            made[key] = text[:LONGEST_TEXT]
        else:
            omitted.append(Omitted(f"custom_data.{key}", "is not text"))
    elif key == "num_items":
        count = number(value)
        if count is not None and count >= 0 and count == int(count):
            made[key] = int(count)
        else:
            omitted.append(Omitted("custom_data.num_items", "is not a whole number"))
    elif key == "content_ids":
        ids = [identifier(one) for one in (value if isinstance(value, list) else [value])]
        if known := [one for one in ids if one is not None]:
            made[key] = known
        if len(known) < len(ids):
            omitted.append(Omitted("custom_data.content_ids", "holds what is no id"))
    elif key == "contents" and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        omitted.append(Omitted("custom_data.contents", "is not a list of objects"))
    elif sendable(value):
        made[key] = value
    else:
        omitted.append(Omitted(f"custom_data.{str(key)[:60]}", "holds something that JSON cannot"))
