"""Blocks of what outlives the records: events with an order's number, and how their deliveries ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.records.sqlite.blocks import Alike, Content, Encoded, Index, encoder
from tagserver.records.sqlite.tokens import filter_of
from tagserver.records.values import OrderEvent, OrderFate, Status, TagDecision

_DECISION_BYTES = 60
_FATE_BYTES = 40
"""About what each of these takes without its texts."""


class _SharedEvents(msgspec.Struct, frozen=True, array_like=True):
    """`since`: the time from which the block's times count. `shapes`: status, currency and source."""

    since: int
    decisions: list[TagDecision]
    shapes: list[tuple[Status, str | None, str]]


class _StoredEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`shape` and `tags` by their places in `_SharedEvents`."""

    at: int
    order: str
    event_id: str
    shape: int
    value: float | None
    tags: tuple[int, ...]
    persons: tuple[bytes, ...]


class _SharedFates(msgspec.Struct, frozen=True, array_like=True):
    """`since`: the time from which the block's times count. `kinds`: destination, tag, fate and reason."""

    since: int
    kinds: list[tuple[str, str, Any, str]]


class _StoredFate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    at: int
    event_id: str
    kind: int


_SHARED_EVENTS = msgspec.msgpack.Decoder(_SharedEvents)
_EVENTS = msgspec.msgpack.Decoder(list[_StoredEvent])
_SHARED_FATES = msgspec.msgpack.Decoder(_SharedFates)
_FATES = msgspec.msgpack.Decoder(list[_StoredFate])


class OrderBlock:
    """A `Block` of events with orders."""

    def __init__(self, first: int) -> None:
        self.size = 0
        self._times: list[int] = []
        self._filter: list[bytes] = []
        self._encoded = Encoded()
        self._decisions = Index()
        self._places = Alike(self._places_of)
        self._shapes = Index()

    def add(self, records: Sequence[OrderEvent]) -> None:
        """See `Block.add`."""
        since = self._times[0] if self._times else records[0].at
        known = len(self._decisions)
        shapes, places = self._shapes, self._places
        rows = [
            (
                one.at - since,
                one.order,
                one.event_id,
                shapes[one.status, one.currency, one.source],
                one.value,
                places.of(one.tags),
                one.persons,
            )
            for one in records
        ]
        self._times += [one.at for one in records]
        persons = [person for one in records for person in one.persons]
        found = filter_of([one.event_id for one in records], [one.order for one in records], persons)
        self._filter.append(found)
        self.size += self._encoded.add(rows) + len(found) + _DECISION_BYTES * (len(self._decisions) - known)

    def _places_of(self, tags: tuple[TagDecision, ...]) -> list[int]:
        return [self._decisions[one] for one in tags]

    def content(self) -> Content:
        """See `Block.content`."""
        times = self._times
        shared = encoder.encode((times[0], list(self._decisions), list(self._shapes)))
        return Content(min(times), max(times), len(times), b"".join(self._filter), shared, self._encoded.body())


def read_orders(first: int, shared: bytes, body: bytes) -> list[OrderEvent]:
    """The events of a block. Raises msgspec.DecodeError or IndexError for one that is damaged."""
    head = _SHARED_EVENTS.decode(shared)
    found = []
    for one in _EVENTS.decode(body):
        status, currency, source = head.shapes[one.shape]
        tags = tuple([head.decisions[place] for place in one.tags])
        at = head.since + one.at
        found.append(OrderEvent(one.order, one.event_id, at, status, one.value, currency, source, tags, one.persons))
    return found


class FateBlock:
    """A `Block` of fates."""

    def __init__(self, first: int) -> None:
        self.size = 0
        self._times: list[int] = []
        self._filter: list[bytes] = []
        self._encoded = Encoded()
        self._kinds = Index()

    def add(self, records: Sequence[OrderFate]) -> None:
        """See `Block.add`."""
        since = self._times[0] if self._times else records[0].at
        known = len(self._kinds)
        rows: list[tuple[Any, ...]] = [
            (one.at - since, one.event_id, self._kinds[(one.destination, one.tag, one.fate, one.reason)])
            for one in records
        ]
        self._times += [one.at for one in records]
        found = filter_of({one.event_id for one in records})
        self._filter.append(found)
        self.size += self._encoded.add(rows) + len(found) + _FATE_BYTES * (len(self._kinds) - known)

    def content(self) -> Content:
        """See `Block.content`."""
        times = self._times
        shared = encoder.encode((times[0], list(self._kinds)))
        return Content(min(times), max(times), len(times), b"".join(self._filter), shared, self._encoded.body())


def read_fates(first: int, shared: bytes, body: bytes) -> list[OrderFate]:
    """The fates of a block. Raises msgspec.DecodeError or IndexError for one that is damaged."""
    head = _SHARED_FATES.decode(shared)
    found = []
    for one in _FATES.decode(body):
        destination, tag, fate, reason = head.kinds[one.kind]
        found.append(OrderFate(one.event_id, destination, tag, fate, reason, head.since + one.at))
    return found
