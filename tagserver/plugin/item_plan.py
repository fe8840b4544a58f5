"""How a shop's items become a vendor's, worked out before they come.

An item's texts are those of a catalogue, and its numbers are mostly what they are read as. So of a usual item each text
is looked up, and each number compared; any other value is read by its field's kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin.fields import Group, Kind, is_missing
from tagserver.plugin.plain import Unlisted, listed

ItemFields = Mapping[str, tuple[str, Kind]]
"""The vendor's name of a field → the data layer's name, and the kind of value the vendor wants."""
NOTHING_ELSE: Mapping[str, Any] = {}
MOST_NAMED = 20
"""Unknown fields of items that are named."""
_MOST_TEXTS, _LONGEST_TEXT = 4096, 100
"""Of what is remembered of one field."""


class ItemPlan:
    """Compiled for a map of fields; the arguments are those of `put_items`."""

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
        self._places: list[tuple[str, str, set[str], float, float, float, Kind]] = []
        """The vendor's name, the one in an item, texts that are read as they are, and between which whole numbers and
        (up to the last) others are; and the kind."""
        for name, (place, kind) in fields.items():
            low, high = kind.between or (0, 0)
            self._places.append((name, name if own else place, set(), low, high, low if kind.whole else high, kind))

    def put(self, group: Group, key: str, items: Any) -> None:
        """Set `key` of a group to the items."""
        if self._own:
            items = own_objects(group, key, items, self._fields)
        elif not isinstance(items, list):
            return
        rows: list[dict[str, Any]] = []
        faults: dict[tuple[str, str], None] = {}
        lost: dict[str, int] = {}
        places, needed, unsaid = self._places, self._needed, self._unsaid
        for item in items:
            if not isinstance(item, dict):
                continue
            row: dict[str, Any] = {}
            quiet: dict[str, Any] | None = None
            for name, place, texts, low, high, top, kind in places:
                value: Any = item.get(place)
                held = type(value)
                if (
                    (held is str and value in texts)
                    or (held is float and low < value < top)
                    or (held is int and low < value < high)
                ):
                    row[name] = value
                elif value is None or (not value and is_missing(value)):
                    if name in unsaid:
                        quiet = {} if quiet is None else quiet
                        quiet[name] = unsaid[name]
                elif (made := kind.read(value)) is None:
                    faults[name, kind.fault] = None
                else:
                    row[name] = made
                    if held is str and made == value and len(value) <= _LONGEST_TEXT:
                        if len(texts) >= _MOST_TEXTS:
                            texts.clear()
                        texts.add(value)
            if not row:
                first = needed[0] if needed else ""
                lost[first] = lost.get(first, 0) + 1
                continue
            if quiet is not None:
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
            field = (name if self._own else self._fields[name][0]) if name else "any field that is known"
            group.omit(key, f"{count} of the items without {field}")
        if rows:
            group[key] = rows


def own_objects(group: Group, key: str, items: Any, fields: ItemFields) -> list[dict[str, Any]]:
    """The objects of a list in the vendor's own names; names what is no list, no object, and fields not known."""
    if is_missing(items):
        return []
    try:
        entries = listed(items)
    except Unlisted as problem:
        group.omit(key, str(problem))
        return []
    found = [item for item in entries if isinstance(item, dict)]
    if len(found) < len(entries):
        group.omit(key, f"{len(entries) - len(found)} of the items are no objects")
    named = Group(f"{group.name}.{key}" if group.name else key, group.omitted)
    unknown = {name: None for item in found for name in item if name not in fields}
    for name in list(unknown)[:MOST_NAMED]:
        named.omit(name, "is no field of an item that the vendor knows")
    return found
