"""The lines of an order as items of an event: the id under which the catalogue has the product, its name, what one
piece has cost after discounts, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tagserver_webhooks.reading import Part, filled

MOST = 500
"""Lines of an order that are read."""
MOST_VALUES = 1600
"""In the items of one event, which holds 2000 values in all."""
MOST_TEXT = 100_000
"""Bytes in the items of one event, which holds 256 KiB by default."""
_COUNTED = ("item_id", "price", "quantity")


def fitting(items: Iterable[dict[str, Any]], order: Part) -> list[dict[str, Any]] | None:
    """The items that one event can hold; None for none. Of many lines what vendors count by is kept before what
    people read, so that an order is never refused for its length."""
    made = [item for item in items if item]
    if _values(made) > MOST_VALUES or sum(len(str(item).encode()) for item in made) > MOST_TEXT:
        made = [slim for item in made if (slim := {name: item[name] for name in _COUNTED if name in item})]
        order.note("line_items", "shortened", "are many: of each the id, price and number of pieces are kept")
        fits = MOST_VALUES // (len(_COUNTED) + 1)
        if len(made) > fits:
            order.note("line_items", "too_many", f"has more lines than an event holds; the first {fits} are read")
            made = made[:fits]
    return made or None


def _values(items: list[dict[str, Any]]) -> int:
    return sum(len(item) + 1 for item in items)


def shopify_item(line: Part, item_id: str, quantity: float | None, presentment: bool) -> dict[str, Any]:
    """One of `line_items`. `quantity`: how many of it; `presentment`: amounts as its customer has seen them."""
    price, off = line.amount("price"), line.amount("total_discount")
    if presentment:
        price = line.part("price_set").part("presentment_money").amount("amount")
        off = line.part("total_discount_set").part("presentment_money").amount("amount")
    pieces = line.amount("quantity")
    return filled(
        {
            "item_id": line.id(item_id),
            "item_name": line.text("title"),
            "item_variant": line.text("variant_title"),
            "item_brand": line.text("vendor"),
            **_priced(price, off, pieces),
            "quantity": pieces if quantity is None else quantity,
        }
    )


def woocommerce_item(line: Part, item_id: str) -> dict[str, Any]:
    """One of `line_items`, whose `price` is that of one piece after discounts. Of a product without variations (0)
    nothing but the product itself is a variant."""
    product = line.id("product_id")
    variation = line.id("variation_id") if item_id == "variant_id" else None
    found = line.id("sku") if item_id == "sku" else variation if variation not in (None, "0") else product
    return filled(
        {
            "item_id": None if found == "0" else found,
            "item_name": line.text("name"),
            "price": line.amount("price"),
            "quantity": line.amount("quantity"),
        }
    )


def _priced(price: float | None, off: float | None, pieces: float | None) -> Mapping[str, Any]:
    """What one piece has cost, and by how much it was cheaper: what stands on a line is for all its pieces."""
    if price is None or not off or pieces is None or pieces < 1:
        return {"price": price}
    each = (Decimal(repr(off)) / Decimal(repr(pieces))).quantize(Decimal("0.01"))
    return {"price": float(Decimal(repr(price)) - each), "discount": float(each)}
