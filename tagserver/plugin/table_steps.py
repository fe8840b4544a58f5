"""A destination's table compiled for some settings: fields of one sort that follow each other are one step, which reads
them all in one loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from tagserver.event.event import MISSING, Event, reader
from tagserver.event.identity import HashField
from tagserver.event.identity_rules import Rule
from tagserver.event.spelling import canonical
from tagserver.event.tag_identity import Who
from tagserver.plugin.fields import Group, Kind, is_missing
from tagserver.plugin.item_plan import ItemPlan
from tagserver.plugin.items import put_value
from tagserver.plugin.table_rows import (
    Clear,
    Code,
    Field,
    From,
    Hashes,
    Items,
    KindBy,
    Row,
    RuleBy,
    Source,
    Value,
    Write,
)

Step = Write
"""Fills some fields of a group from an event: what a plugin's own code does, too."""


def steps(rows: Iterable[Row], settings: Any) -> Iterator[Step]:
    """The rows compiled: fields of one sort that follow each other are one step."""
    hashes: list[HashField] = []
    plain: list[Reading] = []
    for row in rows:
        kind = kind_of(row.kind, settings) if isinstance(row, Field | Value) else None
        if hashes and not isinstance(kind, Hashes):
            yield _hashing(hashes)
            hashes = []
        if plain and not isinstance(kind, Kind):
            yield _reading(plain)
            plain = []
        if isinstance(row, Value):
            if getattr(settings, "value_from_items", False):
                if plain:
                    yield _reading(plain)
                    plain = []
                yield _adding_up(row)
            else:
                plain.append(_plan(row.name, "ecommerce.value", row.kind))
        elif isinstance(row, Items):
            yield _listing(row)
        elif isinstance(row, Code):
            yield row.write
        elif isinstance(kind, Hashes):
            source = row.source.under(settings) if isinstance(row.source, RuleBy) else row.source
            assert isinstance(source, Rule), f"{row.name} is a hash of nothing"
            hashes.append((row.name, source, None if kind.marked and not kind.single else kind.of))
        elif row.first and isinstance(row.source, tuple) and isinstance(kind, Kind):
            if plain:
                yield _reading(plain)
                plain = []
            yield _choosing(row.name, _readers(row.source), kind)
        elif row.source is not None and kind is not None:
            made = _plan(row.name, row.source, kind)
            if plain and _is_at_the_top(plain[-1]) != _is_at_the_top(made):
                yield _reading(plain)
                plain = []
            plain.append(made)
    if hashes:
        yield _hashing(hashes)
    if plain:
        yield _reading(plain)


def _hashing(fields: Sequence[HashField]) -> Step:
    def step(made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
        for name, fault in (event.derived.identity or event.identity).fill(made, fields):
            made.omit(name, fault)

    return step


Reading = tuple[str, str | None, str | None, Callable[[Event], Any], Callable[[Any], Any] | None, Kind]
"""A vendor's field; where the event's data has it, if it does: a name at its top, perhaps one below; how it is read of
the event in any case; how a value is read (None: not as one value); and its kind."""


def _reading(plans: Sequence[Reading]) -> Step:
    tops = frozenset(plan[1] for plan in plans)
    alone = all(map(_is_at_the_top, plans))

    def step(made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
        data = event.data
        if alone and tops.isdisjoint(data):
            return
        for name, root, below, read, fitting, kind in plans:
            if root is None:
                value = read(event)
            elif root not in data:
                continue
            else:
                value = data[root]
                if below is not None:
                    value = value.get(below) if type(value) is dict else read(event)
            if value is None or (not value and is_missing(value)):
                continue
            if fitting is None:
                made.put(name, value, kind)
            elif (fit := fitting(value)) is None:
                made.omit(name, kind.fault)
            else:
                made[name] = fit

    return step


def _is_at_the_top(plan: Reading) -> bool:
    """Such fields are mostly not there, so that one look at the event tells of all that follow each other."""
    return plan[1] is not None and plan[2] is None


def _plan(name: str, source: Source, kind: Kind) -> Reading:
    root, below = _place(source)
    return name, root, below, _reader(source), None if kind.each or kind.cut is not None else kind.read, kind


def _place(source: Source) -> tuple[str | None, str | None]:
    """Where an event's data has it: a name at its top, perhaps one below; nothing where it is not told so simply."""
    if isinstance(source, str) and source.isascii():
        way = canonical(source)
        if way[0] not in _BESIDE or (way[0] == "page" and way[1:] in _OF_THE_PAGE):
            return (way[0], None) if len(way) == 1 else (way[0], way[1]) if len(way) == 2 else (None, None)
    return None, None


_OF_THE_REQUEST: Mapping[str, Callable[[Event], Any]] = {
    "ip": attrgetter("facts.ip"),
    "user_agent": attrgetter("facts.user_agent"),
}
_BESIDE = frozenset(
    {"event", "event_id", "timestamp", "client", "source", "page", "click", "cookie", "header", "geo", *_OF_THE_REQUEST}
)
"""Roots of paths that do not, or not all, stand in an event's data."""
_OF_THE_PAGE = (("location",), ("referrer",), ("title",))


def _reader(source: Source) -> Callable[[Event], Any]:
    if isinstance(source, From):
        return source.read
    if isinstance(source, Clear):
        read = source.read
        return lambda event: read(event.identity)
    if isinstance(source, str):
        return _OF_THE_REQUEST.get(source) or reader(source)
    assert isinstance(source, tuple), "a rule is for hashes"
    ways = [(*_place(one), reader(one)) for one in source]

    def first(event: Event) -> Any:
        data = event.data
        for root, below, read in ways:
            group = None if root is None or below is None else data.get(root)
            value = group.get(below) if type(group) is dict else read(event)
            if value is not None and value is not MISSING and value != "":
                return value
        return None

    return first


def _readers(source: Source) -> tuple[Callable[[Event], Any], ...]:
    return tuple(map(_reader, source if isinstance(source, tuple) else () if source is None else (source,)))


def _choosing(name: str, readers: Sequence[Callable[[Event], Any]], kind: Kind) -> Step:
    return lambda made, event, given, settings: made.put_first(name, [read(event) for read in readers], kind)


def _adding_up(row: Value) -> Step:
    return lambda made, event, given, settings: put_value(made, row.name, event, row.kind, from_items=True)


def _listing(row: Items) -> Step:
    of_event, of_tag = ItemPlan(row.fields, row.needed, unsaid=row.unsaid), own_items(row)

    def step(made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
        if row.first and row.name in given:
            of_tag.put(made, row.name, given[row.name])
        elif row.of_event and (shop := event.data.get("ecommerce")) and (items := shop.get("items")):
            of_event.put(made, row.name, items)

    return step


def own_items(row: Items) -> ItemPlan:
    """How a tag's own items are read."""
    return ItemPlan(row.own or row.fields, row.needed, own=True, unsaid=row.unsaid)


def kind_of(kind: Kind | Hashes | KindBy, settings: Any) -> Kind | Hashes:
    return kind if isinstance(kind, Kind | Hashes) else kind(settings)


def put_field(made: Group, row: Field, event: Event, given: Mapping[str, Any], who: Who, settings: Any) -> None:
    name, source, kind = row.name, row.source, kind_of(row.kind, settings)
    if isinstance(source, RuleBy):
        source = source.under(settings)
    if isinstance(kind, Hashes):
        assert isinstance(source, Rule)
        hashes, faults = who.of(name).found(source)
        if hashes:
            made[name] = kind.of(hashes)
        for fault in faults:
            made.omit(name, fault)
    elif isinstance(source, Clear):
        made.put(name, source.read(who.of(name)), kind)
    else:
        if row.first:
            made.put_first(name, (given.get(name), *(read(event) for read in _readers(source))), kind)
        else:
            made.put(name, given[name] if name in given else None if source is None else _reader(source)(event), kind)
