"""How a shop's items become a vendor's, worked out before they come.

A site's items are all of a few shapes: the same fields, with values of the same types. What can be told of a shape is
told once: which fields an item of it has, and which of them are texts and numbers. So of a usual item it is only asked
whether its numbers are sound and its texts are known, as the names of a catalogue soon are; any other is read field by
field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from tagserver.plugin.fields import Group, Kind, is_missing
from tagserver.plugin.plain import Unlisted, listed

ItemFields = Mapping[str, tuple[str, Kind]]
"""The vendor's name of a field → the data layer's name, and the kind of value the vendor wants."""
NOTHING_ELSE: Mapping[str, Any] = {}
MOST_NAMED = 20
"""Unknown fields of items that are named."""
_MOST_SHAPES = 32
_MOST_TEXTS, _LONGEST_TEXT = 4096, 100
"""Of what is remembered of all items."""

Pick = Callable[[tuple[Any, ...]], tuple[Any, ...]]


class _Shape(NamedTuple):
    """What the types of an item's values tell: the vendor's names of those that are there, how these and the texts
    among all values are picked, and where the numbers are, with the bounds between which each is itself. `unsaid`: what
    stands for fields that are not there."""

    names: tuple[str, ...]
    there: Pick
    texts: Pick
    numbers: tuple[tuple[int, float, float], ...]
    unsaid: dict[str, Any]


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
        self._names = tuple(fields)
        self._kinds = tuple(kind for _, kind in fields.values())
        self._places = self._names if own else tuple(place for place, _ in fields.values())
        self._shapes: dict[tuple[type, ...], _Shape | None] = {}
        self._readers = {kind.read for kind in self._kinds if kind.between is None}
        self._texts: set[str] = set()
        """Texts that every field for texts holds as they are."""

    def put(self, group: Group, key: str, items: Any) -> None:
        """Set `key` of a group to the items."""
        if self._own:
            items = own_objects(group, key, items, self._fields)
        elif not isinstance(items, list):
            return
        rows: list[dict[str, Any]] = []
        faults: dict[tuple[str, str], None] = {}
        lost: dict[str, int] = {}
        shapes, places, known = self._shapes, self._places, self._texts
        for item in items:
            if not isinstance(item, dict):
                continue
            values: tuple[Any, ...] = tuple(map(item.get, places))
            shape = shapes.get(tuple(map(type, values)))
            if shape is not None and known.issuperset(shape.texts(values)):
                for at, low, high in shape.numbers:
                    if not low < values[at] < high:
                        break
                else:
                    row = dict(zip(shape.names, shape.there(values), strict=True))
                    rows.append(row | shape.unsaid if shape.unsaid else row)
                    continue
            read = self._read(values, faults)
            if (missing := self._missing(read)) is None:
                rows.append(read)
                self._learn(values)
            else:
                lost[missing] = lost.get(missing, 0) + 1
        if faults:
            named = Group(f"{group.name}.{key}" if group.name else key, group.omitted)
            for name, fault in faults:
                named.omit(name, fault)
        for name, count in lost.items():
            field = (name if self._own else self._fields[name][0]) if name else "any field that is known"
            group.omit(key, f"{count} of the items without {field}")
        if rows:
            group[key] = rows

    def _read(self, values: Sequence[Any], faults: dict[tuple[str, str], None]) -> dict[str, Any]:
        """An item, field by field."""
        row: dict[str, Any] = {}
        unsaid: dict[str, Any] = {}
        for name, kind, value in zip(self._names, self._kinds, values, strict=True):
            if value is None or (not value and is_missing(value)):
                if name in self._unsaid:
                    unsaid[name] = self._unsaid[name]
            elif (made := kind.read(value)) is None:
                faults[name, kind.fault] = None
            else:
                row[name] = made
        return row | unsaid if row else row

    def _missing(self, row: Mapping[str, Any]) -> str | None:
        """A field without which the vendor takes no item; empty for a row of nothing where any field would do."""
        if not row:
            return self._needed[0] if self._needed else ""
        return next((name for name in self._needed if name not in row), None)

    def _learn(self, values: tuple[Any, ...]) -> None:
        """Remember the shape of an item that was taken, and its texts."""
        types = tuple(map(type, values))
        if types not in self._shapes:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[types] = self._shape_of(types)
        if self._shapes[types] is None:
            return
        for text in values:
            if type(text) is str and len(text) <= _LONGEST_TEXT and all(read(text) == text for read in self._readers):
                if len(self._texts) >= _MOST_TEXTS:
                    self._texts.clear()
                self._texts.add(text)

    def _shape_of(self, types: tuple[type, ...]) -> _Shape | None:
        """Of an item that was taken. None where a value of these types is not what its field holds: it is always
        read."""
        texts: list[int] = []
        numbers: list[tuple[int, float, float]] = []
        unsaid: dict[str, Any] = {}
        for at, (name, kind, held) in enumerate(zip(self._names, self._kinds, types, strict=True)):
            if held is type(None):
                if name in self._unsaid:
                    unsaid[name] = self._unsaid[name]
            elif held is str and kind.between is None:
                texts.append(at)
            elif kind.between is not None and (held is int or (held is float and not kind.whole)):
                numbers.append((at, *kind.between))
            else:
                return None
        there = [at for at, held in enumerate(types) if held is not type(None)]
        return _Shape(tuple(self._names[at] for at in there), _pick(there), _pick(texts), tuple(numbers), unsaid)


def _pick(places: Sequence[int]) -> Pick:
    """What stands at some places, always as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple([values[at] for at in places])


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
