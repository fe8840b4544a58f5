"""Items of GA4's e-commerce as Snap's `contents`. Source: Snap, Conversions API, Parameters."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import ID, IDS, NUMBER, QUANTITY, TEXT, Group, items_count, put_items

FIELDS = {
    "id": ("item_id", ID),
    "quantity": ("quantity", QUANTITY),
    "item_price": ("price", NUMBER),
    "brand": ("item_brand", TEXT),
    "delivery_category": ("delivery_category", TEXT),
}
ONE = {"quantity": 1}


def read_items(made: Group, items: Any) -> None:
    """Sets `contents`, `content_ids` and `num_items`; of a single item its name and category too."""
    put_items(made, "contents", items, FIELDS, needed="id", unsaid=ONE)
    made.put("content_ids", [content["id"] for content in made.get("contents", [])], IDS)
    if (count := items_count(items)) is not None:
        made["num_items"] = count
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if len(rows) == 1:
        made.put("content_name", rows[0].get("item_name"), TEXT)
        made.put("content_category", rows[0].get("item_category"), TEXT)


def read_contents(made: Group, contents: Any) -> None:
    """Sets `contents` as a tag or a page writes them in Snap's own names; the same rules hold."""
    put_items(made, "contents", contents, FIELDS, needed="id", own=True, unsaid=ONE)
