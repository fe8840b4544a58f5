"""The products of other shapes as items of an event."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tagserver.event.event import Note
from tagserver.event.order_ids import plain_id
from tagserver.inbound.notes import wrong
from tagserver.inbound.shapes.shape import picked
from tagserver.plugin.inbound_universal import UNIVERSAL_PRODUCT
from tagserver.plugin.plain import number

MOST = 1000
"""Products of one push that are read; an event holds 2000 values in all."""
LEVELS = 5
"""Of a category: GA4 has five fields for them."""
LONGEST_CATEGORY = 500

PRODUCT: Mapping[str, str] = {"id": "item_id", "sku": "item_id", **UNIVERSAL_PRODUCT, "list": "item_list_name"}
"""A product's fields in most shapes → those of an item."""


def items_of(
    products: Any, notes: list[Note], path: str, names: Mapping[str, str] = PRODUCT, *, levels: bool = False
) -> list[dict[str, Any]]:
    """Products as items: known fields under GA4's names, the others as they stand. `levels`: whether a category `a/b`
    is two of them."""
    if type(products) is not list:
        if products is not None:
            wrong(notes, path, "a list")
        return []
    made = []
    for index, product in enumerate(products[:MOST]):
        if type(product) is dict:
            made.append(item_of(product, names, levels=levels))
        else:
            wrong(notes, f"{path}.{index}", "an object")
    if len(products) > MOST:
        notes.append(Note(path, "too_many", f"{path} has more than {MOST} products; the first {MOST} are read"))
    return made


def item_of(product: Mapping[str, Any], names: Mapping[str, str] = PRODUCT, *, levels: bool = False) -> dict[str, Any]:
    """One product as an item. What stands under GA4's own names wins."""
    made: dict[str, Any] = picked(product, {ours: ours for ours in names.values()})
    for name, ours in names.items():
        value = product.get(name)
        if ours in made or value is None or value == "":
            continue
        if ours == "item_id":
            if (known := plain_id(value)) is not None:
                made[ours] = known
        elif ours == "item_category" and type(value) is list:
            made |= _by_levels([one for one in value[:LEVELS] if type(one) is str and one])
        elif ours == "item_category" and levels:
            made |= categories(value)
        else:
            made[ours] = value
    for name, value in product.items():
        if names.get(name) == "item_id" and made.get("item_id") != plain_id(value):
            made.setdefault(name, value)  # beside another id it is one of its own
        elif name not in names:
            made.setdefault(name, value)
    return made


def categories(value: Any) -> dict[str, Any]:
    """A category as UA writes it, `a/b/c`, as GA4's levels. As it stands where it has more than those, and where blanks
    are around a stroke: `TV / Hi-Fi` is a name."""
    if type(value) is not str or len(value) > LONGEST_CATEGORY:
        return {"item_category": value}
    levels = value.split("/", LEVELS)
    if len(levels) > LEVELS or not all(one and one == one.strip() for one in levels):
        return {"item_category": value}
    return _by_levels(levels)


def _by_levels(levels: list[Any]) -> dict[str, Any]:
    return {f"item_category{number if number > 1 else ''}": one for number, one in enumerate(levels[:LEVELS], 1)}


def each_price(total: Any, quantity: Any) -> int | float | None:
    """What one piece costs where a line tells the sum of all: None where that is no exact amount."""
    line, pieces = number(total), number(quantity)
    if line is None or pieces is None or pieces <= 0:
        return None
    whole, count = Decimal(repr(line)), Decimal(repr(pieces))
    try:
        price = (whole / count).quantize(Decimal("0.0001"))
    except InvalidOperation:
        return None
    if price * count != whole:
        return None
    return int(price) if price == price.to_integral_value() else float(price)
