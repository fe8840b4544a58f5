"""Items of a shop under a vendor's names, and what they add up to.

One set of rules for all vendors, for the data layer's `ecommerce.items` and for items that a tag or a page writes in
the vendor's own names. Nothing is invented: a quantity that is not said is one (as Google defines it), and a quantity
or price that is said and is no sound number is left out and named, never replaced; a sum over it is left out, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.event.event import Event
from tagserver.plugin.fields import Group, Kind, is_missing
from tagserver.plugin.plain import Unlisted, listed, number, whole_number

ItemFields = Mapping[str, tuple[str, Kind]]
"""The vendor's name of a field → the data layer's name, and the kind of value the vendor wants."""

Place = tuple[str, str, dict[str, str], Kind]
"""The vendor's name, the one in an item, what became of texts, and its kind."""
_MOST_PLANS = 256
_MOST_TEXTS, _LONGEST_TEXT = 4096, 100
"""Of what is remembered of one field: the names of a catalogue, which come again and again."""
NOTHING_ELSE: Mapping[str, Any] = {}


def _quantity(value: Any) -> int | float | None:
    said = number(value)
    return said if said is not None and said > 0 else None


def _pieces(value: Any) -> int | None:
    return whole_number(value) or None


_MOST = 10**15


QUANTITY = Kind(_quantity, "is not a number above zero", free=False, low=0, high=_MOST)
"""How many of an item, of weights and lengths too (1.5)."""
PIECES = Kind(_pieces, "is not a whole number above zero", free=False)
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


class ItemPlan:
    """How items become a vendor's, worked out before they come: see `put_items`."""

    def __init__(
        self,
        fields: ItemFields,
        needed: str | tuple[str, ...] | None = None,
        *,
        own: bool = False,
        unsaid: Mapping[str, Any] | None = None,
    ) -> None:
        self._fields, self._own, self._unsaid = fields, own, unsaid or NOTHING_ELSE
        self._needed = (needed,) if isinstance(needed, str) else needed or ()
        self._places = _places(fields, own)

    def put(self, group: Group, key: str, items: Any) -> None:
        """Set `key` of a group to the items."""
        if self._own:
            items = _own_objects(group, key, items, self._fields)
        elif not isinstance(items, list):
            return
        faults: dict[tuple[str, str], None] = {}
        rows: list[dict[str, Any]] = []
        lost: dict[str, int] = {}
        needed, unsaid, places = self._needed, self._unsaid, self._places
        for item in items:
            if not isinstance(item, dict):
                continue
            row: dict[str, Any] = {}
            quiet: dict[str, Any] | None = None
            for name, place, texts, wanted in places:
                value: Any = item.get(place)
                kind = type(value)
                if kind is str and (known := texts.get(value)) is not None:
                    row[name] = known
                elif (kind is float or kind is int) and wanted.low < value < wanted.high:
                    row[name] = value
                elif value is None or (not value and is_missing(value)):
                    if name in unsaid:
                        quiet = {} if quiet is None else quiet
                        quiet[name] = unsaid[name]
                elif (made := wanted.read(value)) is None:
                    faults[name, wanted.fault] = None
                else:
                    row[name] = made
                    if kind is str and type(made) is str and len(value) <= _LONGEST_TEXT:
                        if len(texts) >= _MOST_TEXTS:
                            texts.clear()
                        texts[value] = made
            if not row:
                first = needed[0] if needed else ""
                lost[first] = lost.get(first, 0) + 1
                continue
            if quiet:
                row |= quiet
            for name in needed:
                if name not in row:
                    lost[name] = lost.get(name, 0) + 1
                    break
            else:
                rows.append(row)
        if faults:
            named = Group(f"{group.name}.{key}" if group.name else key, group.omitted)
            for name, fault in faults:
                named.omit(name, fault)
        for name, count in lost.items():
            missing = (name if self._own else self._fields[name][0]) if name else "any field that is known"
            group.omit(key, f"{count} of the items without {missing}")
        if rows:
            group[key] = rows


_PLANS: dict[tuple[int, bool], tuple[ItemFields, Sequence[Place]]] = {}


def _places(fields: ItemFields, own: bool) -> Sequence[Place]:
    """The fields as they are gone through for each item; looked up once for each map of fields."""
    known = _PLANS.get((id(fields), own))
    if known is None or known[0] is not fields:
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.clear()
        made: list[Place] = [(name, name if own else source, {}, kind) for name, (source, kind) in fields.items()]
        known = _PLANS[id(fields), own] = fields, made
    return known[1]


def _own_objects(group: Group, key: str, items: Any, fields: ItemFields) -> list[dict[str, Any]]:
    """The objects of a list in the vendor's own names; names what is no list, no object, and fields not known."""
    if is_missing(items):
        return []
    try:
        entries = listed(items)
    except Unlisted as problem:
        group.omit(key, str(problem))
        return []
    objects = _objects(entries)
    if len(objects) < len(entries):
        group.omit(key, f"{len(entries) - len(objects)} of the items are no objects")
    named = Group(f"{group.name}.{key}" if group.name else key, group.omitted)
    unknown = {name: None for item in objects for name in item if name not in fields}
    for name in list(unknown)[:MOST_NAMED]:
        named.omit(name, "is no field of an item that the vendor knows")
    return objects


MOST_NAMED = 20
"""Unknown fields of items that are named."""


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
