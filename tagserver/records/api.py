"""The store of records as everybody else sees it: small protocols, which an engine fulfils (`tests/records/contract`
knows no engine).

All of it may block, and is called from worker threads, never on the event loop. An engine raises `RecordsError` when
it cannot read or write; it costs records, never an event.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import msgspec

from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate, Share

MOST_FOUND = 1000
"""Records that a search by event_id, order or person gives at most, and attempts of one event_id: strangers may send
one id as often as they like, each time under another name, so that each is delivered."""
MOST_SHARES = 1000
LARGEST_SHARE = 1 << 20
"""Bytes of a share's content."""


class RecordsError(Exception):
    """The store cannot be read or written; the text says why, and what to do."""


class Group(msgspec.Struct, frozen=True):
    """What is written together. The numbers of `events` are given by the store."""

    events: Sequence[EventRecord] = ()
    attempts: Sequence[Attempted] = ()
    orders: Sequence[OrderEvent] = ()
    fates: Sequence[OrderFate] = ()
    containers: Sequence[ContainerText] = ()


class Kept(msgspec.Struct, frozen=True):
    """What the store holds. `events`: records of events and refused requests; `since`: when the oldest one was
    received, ms, None for none; `bytes` of its files, and the `limit` of these. What orders take counts in neither."""

    events: int
    since: int | None
    bytes: int
    limit: int


class Recording(Protocol):
    """What the recorder needs."""

    def write(self, group: Group) -> list[EventRecord]:
        """Append a group, all of it or nothing; the events as they are kept, one for each and in their order, with
        their numbers. One that comes with a number replaces the refused request of that number; if that is gone, it is
        appended. What is too old or too much goes, the oldest first; an empty group removes what is too old. Of an
        event that cannot be encoded as it is, less is kept, and the log says so. Raises RecordsError."""
        ...

    def limit(self, keep: float, max_size: int) -> None:
        """From the next group on records are kept for `keep` seconds, and in so many bytes."""
        ...

    def close(self) -> None:
        """End. What was written is on disk."""
        ...


class Reading(Protocol):
    """What pages and commands need."""

    def newest(self, before: int | None = None) -> Iterator[EventRecord]:
        """Records from the newest to the oldest, or from the one before a number on. Records that come meanwhile are
        not among them; those that go meanwhile may be."""
        ...

    def numbered(self, number: int) -> EventRecord | None:
        """The record of a number."""
        ...

    def of_event(self, event_id: str) -> list[EventRecord]:
        """All records of an event_id, the oldest first; of more than `MOST_FOUND` the newest."""
        ...

    def of_order(self, order: str) -> list[EventRecord]:
        """All records of an order, the oldest first; of more than `MOST_FOUND` the newest."""
        ...

    def of_person(self, persons: Collection[bytes]) -> list[EventRecord]:
        """All records with one of these keyed hashes, the oldest first; of more than `MOST_FOUND` the newest."""
        ...

    def attempts(self, event_ids: Collection[str], since: int) -> list[Attempted]:
        """The attempts from a time on (ms) that deliveries of these events were in, in the order in which they were
        written; of one event with more than `MOST_FOUND` the newest. `rows` hold theirs alone, and `outcomes` one for
        each."""
        ...

    def orders(self, order: str | None = None, since: int = 0) -> Iterator[OrderEvent]:
        """The events of an order, or of all orders, received from a time on (ms), in the order in which they were
        written."""
        ...

    def fates(self, event_ids: Collection[str], since: int = 0) -> list[OrderFate]:
        """How the deliveries of these events with orders ended, from a time on (ms), in the order in which they were
        written: kept as long as orders are."""
        ...

    def container(self, version: str) -> ContainerText | None:
        """What a container meant."""
        ...

    def kept(self) -> Kept:
        """How much there is."""
        ...


class Erasing(Protocol):
    """What `forget` needs."""

    def erase(self, persons: Collection[bytes], orders: Collection[str] = ()) -> int:
        """Remove all records, attempts, events and fates of orders, and shares of events with one of these persons or
        orders; how many records. What has the event_id of one of them goes, too, and what has an event_id that is the
        order's number or `purchase_` and that number. Afterwards no byte of them is in the files. Raises RecordsError.
        """
        ...


class Sharing(Protocol):
    """Snapshots."""

    def share(self, share: Share) -> None:
        """Keep one, in place of one of that id; at most `MOST_SHARES`, of `LARGEST_SHARE` bytes each. Raises
        RecordsError."""
        ...

    def shared(self, name: str, now: int) -> Share | None:
        """One that has not expired."""
        ...

    def shares(self, now: int) -> list[Share]:
        """Those that have not expired, the newest first, without their `content` (it is empty)."""
        ...

    def revoke(self, name: str) -> bool:
        """Remove one; whether it was there."""
        ...


class RecordStore(Recording, Reading, Erasing, Sharing, Protocol):
    """All of it."""
