"""Items of a shop under a vendor's names, and what they add up to.

One set of rules for all vendors, for the data layer's `ecommerce.items` and for items that a tag or a page writes in
the vendor's own names. Nothing is invented: a quantity that is not said is one (as Google defines it), and a quantity
or price that is said and is no sound number is left out and named, never replaced; a sum over it is left out, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Event
from tagserver.plugin.fields import Group, Kind, is_missing
from tagserver.plugin.item_plan import NOTHING_ELSE, ItemFields, ItemPlan
from tagserver.plugin.plain import number, whole_number


def _quantity(value: Any) -> int | float | None:
    said = number(value)
    return said if said is not None and said > 0 else None


def _pieces(value: Any) -> int | None:
    return whole_number(value) or None


_MOST = 10**15


QUANTITY = Kind(_quantity, "is not a number above zero", free=False, between=(0, _MOST))
"""How many of an item, of weights and lengths too (1.5)."""
PIECES = Kind(_pieces, "is not a whole number above zero", free=False, between=(0, _MOST), whole=True)
"""How many of an item, for vendors that take whole numbers alone."""


def put_items(
    group: Group,
    key: str,
    items: Any,
    fields: ItemFields,
    needed: str | tuple[str, ...] | None = None,
    *,
    own: bool = False,
    unsaid: Mapping[str, Any] = NOTHING_ELSE,
) -> None:
    """Set `key` to the items, each a map of `fields`. A field that does not fit is named once.

    `needed`: the vendor's names of fields without which it takes no item. Items without one of them, or without any
    field, are counted in one sentence. `unsaid`: what stands for a field, by the vendor's name, of which an item says
    nothing. `own`: they have the vendor's names already (a tag's, or a page's that speaks to this vendor), may come as
    a JSON text, and a field that the vendor does not know is named.
    """
    ItemPlan(fields, needed, own=own, unsaid=unsaid).put(group, key, items)


def item_quantity(item: Mapping[str, Any]) -> int | float | None:
    """How many of an item, zero too; one where it does not say, None where it says what is no quantity."""
    said = item.get("quantity")
    if is_missing(said):
        return 1
    found = number(said)
    return found if found is not None and found >= 0 else None


def items_count(items: Any) -> int | None:
    """How many pieces in all; None without any, or when a quantity is unsound or the sum is no whole number."""
    count: int | float = 0
    for item in _objects(items):
        if (quantity := item_quantity(item)) is None:
            return None
        count += quantity
    return int(count) if count and count == int(count) else None


def items_total(items: Any) -> int | float | None:
    """Price times quantity of all items; None without items, or when a price or a quantity is missing or unsound."""
    total: int | float = 0
    objects = _objects(items)
    for item in objects:
        price, quantity = number(item.get("price")), item_quantity(item)
        if price is None or quantity is None:
            return None
        total += price * quantity
    return number(round(total, 6)) if objects else None


def event_value(event: Event, from_items: bool) -> Any:
    """The event's value as it came; where it has none and `from_items` says so, what its items add up to."""
    said = event.get("value")
    return items_total(event.ecommerce.get("items")) if is_missing(said) and from_items else said


def put_value(group: Group, key: str, event: Event, kind: Kind, *, from_items: bool = False) -> None:
    """Set `key` to `event_value`. Items that should add up to one, and cannot, are named."""
    value = event_value(event, from_items)
    if value is None and from_items and _objects(event.ecommerce.get("items")):
        group.omit(key, "is not said, and the items do not add up: one has no sound price or quantity")
    group.put(key, value, kind)


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
