"""Items of the data layer's `ecommerce.items` under a vendor's names, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event import Event
from tagserver.kit.fields import Group, is_missing
from tagserver.kit.kind import Kind
from tagserver.kit.plain import number

ItemFields = Mapping[str, tuple[str, Kind]]
"""The vendor's name of a field → the data layer's name, and the kind of value the vendor wants."""


def put_items(
    group: Group, key: str, items: Any, fields: ItemFields, needed: str | None = None, *, own: bool = False
) -> None:
    """Set `key` to the items, each a map of `fields`. A field that does not fit is named once.

    `needed`: the vendor's name of a field without which it takes no item. Items without it, or without any field,
    are counted in one sentence. `own`: they are a tag's, and have the vendor's names already.
    """
    rows: list[dict[str, Any]] = []
    objects = _objects(items)
    faults = Group(f"{group.name}.{key}" if group.name else key, [])
    for item in objects:
        row = Group(faults.name, faults.omitted)
        for name, (source, kind) in fields.items():
            row.put(name, item.get(name if own else source), kind)
        if row and (needed is None or needed in row):
            rows.append(dict(row))
    group.omitted.extend(dict.fromkeys(faults.omitted))
    if lost := len(objects) - len(rows):
        wanted = "any field that is known" if needed is None else needed if own else fields[needed][0]
        group.omit(key, f"{lost} of the items without {wanted}")
    if rows:
        group[key] = rows


def item_quantity(item: Mapping[str, Any]) -> int | float:
    """How many of an item; one where it does not say."""
    said = number(item.get("quantity"))
    return said if said is not None and said > 0 else 1


def items_count(items: Any) -> int | None:
    """How many pieces in all; None without items, or when it is no whole number."""
    objects = _objects(items)
    count = sum(item_quantity(item) for item in objects)
    return int(count) if objects and count == int(count) else None


def items_total(items: Any) -> int | float | None:
    """Price times quantity of all items; None without items, or when a price is missing."""
    objects = _objects(items)
    prices = [number(item.get("price")) for item in objects]
    known = [price for price in prices if price is not None]
    if not known or len(known) < len(objects):
        return None
    total = sum(price * item_quantity(item) for price, item in zip(known, objects, strict=True))
    return number(round(total, 6))


def event_value(event: Event, from_items: bool) -> Any:
    """The event's value as it came; where it has none and `from_items` says so, what its items add up to."""
    said = event.get("value")
    return items_total(event.ecommerce.get("items")) if is_missing(said) and from_items else said


def _objects(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
