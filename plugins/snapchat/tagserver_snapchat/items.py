"""Items of GA4's e-commerce as Snap's `contents`. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Omitted
from tagserver_snapchat.values import identifier, number, short_text


def read_items(items: Any, omitted: list[Omitted]) -> dict[str, Any]:
    """`contents`, `content_ids` and `num_items`; of a single item its name and category too. Empty without items."""
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if not rows:
        return {}
    contents: list[dict[str, Any]] = []
    count: int | float = 0
    for item in rows:
        said = number(item.get("quantity"))
        quantity = said if said is not None and said > 0 else 1
        count += quantity
        name = identifier(item.get("item_id"))
        if name is None:
            continue
        content: dict[str, Any] = {"id": name, "quantity": quantity}
        if (price := number(item.get("price"))) is not None:
            content["item_price"] = price
        if (brand := short_text(item.get("item_brand"))) is not None:
            content["brand"] = brand
        contents.append(content)
    made: dict[str, Any] = {}
    if contents:
        made = {"contents": contents, "content_ids": [content["id"] for content in contents]}
    if nameless := len(rows) - len(contents):
        omitted.append(Omitted("custom_data.contents", f"{nameless} of the items without an item_id"))
    if count == int(count):
        made["num_items"] = int(count)
    if len(rows) == 1:
        for key, source in (("content_name", "item_name"), ("content_category", "item_category")):
            if (text := short_text(rows[0].get(source))) is not None:
                made[key] = text
    return made


def total(made: Mapping[str, Any]) -> int | float | None:
    """Price times quantity of all contents; None when there are none, or one has no price."""
    contents = made.get("contents")
    if not contents or not all("item_price" in content for content in contents):
        return None
    return number(round(sum(content["item_price"] * content["quantity"] for content in contents), 6))
