"""Blocks of events. Most of what an event says others say, too: its name, its source, what its tags decided, and so on
make its shape, and a few shapes make all events of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.records.sqlite.blocks import Alike, Content, Encoded, Index, encoder
from tagserver.records.sqlite.tokens import TOKEN, filter_of
from tagserver.records.values import EventRecord, Full, Problem, TagDecision

_SHAPE_BYTES = 40
_DECISION_BYTES = 60
_PROBLEM_BYTES = 12
"""About what each of these takes without its texts."""


class _Shape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Places in `_Shared`: of texts, and in `tags` of one combination of decisions."""

    name: int
    source: int
    client: int
    status: int
    version: int
    currency: int
    reason: int
    origin: int
    session: int
    dry: bool
    tags: int
    repeated: tuple[tuple[int, int], ...]
    problems: tuple[Problem, ...]


class _Shared(msgspec.Struct, frozen=True, array_like=True):
    """`since`: the time from which the block's times count."""

    since: int
    texts: list[str | None]
    decisions: list[TagDecision]
    tags: list[tuple[int, ...]]
    shapes: list[_Shape]


class _Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event; the last four are left out where they are as here."""

    number: int
    received: int
    event_id: str | None
    shape: int
    persons: tuple[bytes, ...]
    order: str | None = None
    value: float | None = None
    count: int = 1
    full: Full | None = None


_SHARED = msgspec.msgpack.Decoder(_Shared)
_BODY = msgspec.msgpack.Decoder(list[_Stored])


class EventBlock:
    """A `Block` of events. `first`: the number of its first one."""

    def __init__(self, first: int) -> None:
        self.size = 0
        self._first = first
        self._times: list[int] = []
        self._filter: list[bytes] = []
        self._encoded = Encoded()
        self._texts = Index()
        self._decisions = Index()
        self._tags = Index()
        self._combinations = Alike(self._place_tags)
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._encoded_shapes: list[tuple[Any, ...]] = []

    def add(self, records: Sequence[EventRecord]) -> None:
        """See `Block.add`."""
        first, since = self._first, self._times[0] if self._times else records[0].received
        shapes, combinations = self._shapes, self._combinations
        rows: list[tuple[Any, ...]] = []
        persons: list[bytes] = []
        for one in records:
            look = (
                one.name,
                combinations.of(one.tags),
                one.source,
                one.client,
                one.status,
                one.version,
                one.currency,
                one.repeated,
                one.problems,
                one.reason,
                one.origin,
                one.session,
                one.dry,
            )
            shape = shapes.get(look)
            if shape is None:
                shape = self._place_shape(look)
            persons += one.persons
            number, received = one.number - first, one.received - since
            if one.order is None and one.value is None and one.full is None and one.count == 1:
                rows.append((number, received, one.event_id, shape, one.persons))
            else:
                rows.append(
                    (number, received, one.event_id, shape, one.persons, one.order, one.value, one.count, one.full)
                )
        self._times += [one.received for one in records]
        found = filter_of(
            [one.event_id for one in records if one.event_id is not None],
            {one.order for one in records if one.order is not None},
            persons,
        )
        self._filter.append(found)
        self.size += self._encoded.add(rows) + len(found)

    def _place_tags(self, tags: tuple[TagDecision, ...]) -> int:
        """The place of a combination."""
        known = len(self._decisions)
        decided = tuple([self._decisions[one] for one in tags])
        place = self._tags[decided]
        self.size += TOKEN + 2 * len(tags)
        if known < len(self._decisions):
            self.size += sum(_DECISION_BYTES + len(one.detail) for one in tags)
        return place

    def _place_shape(self, look: tuple[Any, ...]) -> int:
        """The place of a shape that is not known."""
        name, tags, source, client, status, version, currency, repeated, problems, reason, origin, session, dry = look
        texts, known = self._texts, len(self._texts)
        place = self._shapes[look] = len(self._encoded_shapes)
        self._encoded_shapes.append(
            (
                *map(texts.__getitem__, (name, source, client, status, version, currency, reason, origin, session)),
                dry,
                tags,
                tuple([(texts[tag], texts[key]) for tag, key in repeated]),
                problems,
            )
        )
        self.size += _SHAPE_BYTES + 3 * len(repeated)
        self.size += sum(_PROBLEM_BYTES + len(one.path) + len(one.code) + len(one.message) for one in problems)
        if known < len(texts):
            self.size += sum(len(one) for one in (name or "", client, reason, origin, session))
        return place

    def content(self) -> Content:
        """See `Block.content`."""
        times = self._times
        shared = (times[0], list(self._texts), list(self._decisions), list(self._tags), self._encoded_shapes)
        return Content(
            min(times), max(times), len(times), b"".join(self._filter), encoder.encode(shared), self._encoded.body()
        )


def read_events(first: int, shared: bytes, body: bytes) -> list[EventRecord]:
    """The events of a block. Raises msgspec.DecodeError or IndexError for one that is damaged."""
    head = _SHARED.decode(shared)
    texts: list[Any] = head.texts  # which of them may be None the types of `EventRecord` say
    combinations = [tuple([head.decisions[one] for one in places]) for places in head.tags]
    shapes = [
        (
            texts[one.name],
            texts[one.source],
            texts[one.client],
            texts[one.status],
            texts[one.version],
            combinations[one.tags],
            one.problems,
            texts[one.currency],
            tuple([(texts[tag], texts[key]) for tag, key in one.repeated]),
            texts[one.reason],
            texts[one.origin],
            texts[one.session],
            one.dry,
        )
        for one in head.shapes
    ]
    found = []
    for one in _BODY.decode(body):
        name, source, client, status, version, tags, problems, currency, repeated, reason, origin, session, dry = (
            shapes[one.shape]
        )
        found.append(
            EventRecord(
                first + one.number,
                head.since + one.received,
                one.event_id,
                name,
                source,
                client,
                status,
                version,
                tags,
                problems,
                one.order,
                one.value,
                currency,
                one.persons,
                repeated,
                reason,
                origin,
                one.count,
                session,
                dry,
                one.full,
            )
        )
    return found
