"""Items of GA4's e-commerce as Snap's `contents`. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import ID, IDS, NUMBER, TEXT, Group, Kind, items_count, number, put_items


def _quantity(value: Any) -> int | float | None:
    said = number(value)
    return said if said is not None and said > 0 else None


FIELDS = {
    "id": ("item_id", ID),
    "quantity": ("quantity", Kind(_quantity, "is not a number above nought")),
    "item_price": ("price", NUMBER),
    "brand": ("item_brand", TEXT),
}


def read_items(made: Group, items: Any) -> None:
    """Sets `contents`, `content_ids` and `num_items`; of a single item its name and category too."""
    put_items(made, "contents", items, FIELDS, needed="id")
    for content in made.get("contents", []):
        content.setdefault("quantity", 1)
    made.put("content_ids", [content["id"] for content in made.get("contents", [])], IDS)
    if (count := items_count(items)) is not None:
        made["num_items"] = count
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if len(rows) == 1:
        made.put("content_name", rows[0].get("item_name"), TEXT)
        made.put("content_category", rows[0].get("item_category"), TEXT)
