"""The engine in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TypeVar

from msgspec.structs import replace

from tagserver.records.api import LARGEST_SHARE, MOST_FOUND, MOST_SHARES, Group, Kept, RecordsError
from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate, RowOutcome, Share
from tagserver.system.time import LONG_CALM, Time

ORDERS_KEPT = 90 * 86400.0
NEWEST_CONTAINERS = 50
Kept_ = TypeVar("Kept_", Attempted, OrderEvent, OrderFate)


class MemoryRecords:
    """A `RecordStore` without a limit in bytes."""

    def __init__(self, time: Time, *, keep: float) -> None:
        self._time = time
        self._keep = keep
        self._next = 1
        self._events: list[EventRecord] = []
        self._attempts: list[Attempted] = []
        self._orders: list[OrderEvent] = []
        self._fates: list[OrderFate] = []
        self._containers: list[ContainerText] = []
        self._shares: list[tuple[Share, set[bytes], set[str]]] = []
        self._closed = False
        self._cutoffs = [0, 0]

    def limit(self, keep: float, max_size: int) -> None:
        """See `Recording.limit`."""
        self._keep = keep

    def _expire(self) -> None:
        if self._time.trusted(LONG_CALM):
            now = self._time.now()
            for place, kept in enumerate((self._keep, ORDERS_KEPT)):
                self._cutoffs[place] = max(self._cutoffs[place], now - int(kept * 1000))
        records, orders = self._cutoffs
        self._events = [one for one in self._events if one.received >= records]
        self._attempts = [one for one in self._attempts if one.at >= records]
        self._orders = [one for one in self._orders if one.at >= orders]
        self._fates = [one for one in self._fates if one.at >= orders]
        self._shares = [one for one in self._shares if one[0].expires > self._time.now()]
        named = {one.version for one in self._events}
        newest = self._containers[-NEWEST_CONTAINERS:]
        self._containers = [one for one in self._containers if one.version in named or one in newest]

    def _require_open(self) -> None:
        if self._closed:
            raise RecordsError("the records are closed")

    # ── Recording

    def write(self, group: Group) -> list[EventRecord]:
        """See `Recording.write`."""
        self._require_open()
        self._expire()
        kept = []
        # Nobody knows the number of a record that comes with the same group.
        places = [self._place(event.number) for event in group.events]
        for event, place in zip(group.events, places, strict=True):
            if place is None:
                event = replace(event, number=self._next)
                self._next += 1
                self._events.append(event)
            else:
                self._events[place] = event
            kept.append(event)
        self._attempts += group.attempts
        self._orders += group.orders
        self._fates += group.fates
        for container in group.containers:
            self._containers = [one for one in self._containers if one.version != container.version]
            self._containers.append(container)
        return kept

    def _place(self, number: int) -> int | None:
        """Where the refused request of a number is."""
        for place, one in enumerate(self._events):
            if number and one.number == number and one.status == "refused":
                return place
        return None

    def close(self) -> None:
        """See `Recording.close`."""
        self._closed = True

    # ── Reading

    def _seen(self) -> list[EventRecord]:
        self._require_open()
        self._expire()
        return self._events

    def newest(self, before: int | None = None) -> Iterator[EventRecord]:
        """See `Reading.newest`."""
        return reversed([one for one in self._seen() if before is None or one.number < before])

    def numbered(self, number: int) -> EventRecord | None:
        """See `Reading.numbered`."""
        return next((one for one in self._seen() if one.number == number), None)

    def of_event(self, event_id: str) -> list[EventRecord]:
        """See `Reading.of_event`."""
        return [one for one in self._seen() if one.event_id == event_id][-MOST_FOUND:]

    def of_order(self, order: str) -> list[EventRecord]:
        """See `Reading.of_order`."""
        return [one for one in self._seen() if one.order == order][-MOST_FOUND:]

    def of_person(self, persons: Collection[bytes]) -> list[EventRecord]:
        """See `Reading.of_person`."""
        return [one for one in self._seen() if set(persons) & set(one.persons)][-MOST_FOUND:]

    def attempts(self, event_ids: Collection[str], since: int) -> list[Attempted]:
        """See `Reading.attempts`."""
        self._seen()
        wanted, seen, found = set(event_ids), Counter[str](), []
        for one in reversed(self._attempts):
            if one.at >= since and (part := _rows(one, wanted, True)):
                found.append(part)
                seen.update({event_id for event_id, _ in part.rows})
                wanted -= {event_id for event_id, number in seen.items() if number >= MOST_FOUND}
        return found[::-1]

    def orders(self, order: str | None = None, since: int = 0) -> Iterator[OrderEvent]:
        """See `Reading.orders`."""
        self._seen()
        return iter([one for one in self._orders if one.at >= since and order in (None, one.order)])

    def fates(self, event_ids: Collection[str], since: int = 0) -> list[OrderFate]:
        """See `Reading.fates`."""
        self._seen()
        return [one for one in self._fates if one.at >= since and one.event_id in event_ids]

    def container(self, version: str) -> ContainerText | None:
        """See `Reading.container`."""
        self._seen()
        return next((one for one in self._containers if one.version == version), None)

    def kept(self) -> Kept:
        """See `Reading.kept`."""
        events = self._seen()
        return Kept(len(events), min((one.received for one in events), default=None), 0, 0)

    # ── Erasing

    def erase(self, persons: Collection[bytes], orders: Collection[str] = ()) -> int:
        """See `Erasing.erase`."""
        self._require_open()

        def is_theirs(whose: Collection[bytes], of: str | None) -> bool:
            return bool(set(whose) & set(persons)) or of in orders

        ids = {made for one in orders for made in (one, f"purchase_{one}")}
        ids |= {one.event_id for one in self._events if is_theirs(one.persons, one.order) and one.event_id}
        ids |= {one.event_id for one in self._orders if is_theirs(one.persons, one.order)}
        ids |= {share.event_id for share, whose, of in self._shares if whose & set(persons) or of & set(orders)}
        before = len(self._events)
        self._events = [
            one for one in self._events if one.event_id not in ids and not is_theirs(one.persons, one.order)
        ]
        self._orders = [one for one in self._orders if one.event_id not in ids]
        self._fates = [one for one in self._fates if one.event_id not in ids]
        self._shares = [one for one in self._shares if one[0].event_id not in ids]
        self._attempts = [part for one in self._attempts if (part := _rows(one, ids, False))]
        return before - len(self._events)

    # ── Sharing

    def share(self, share: Share) -> None:
        """See `Sharing.share`."""
        records = self.of_event(share.event_id)
        if len(share.content) > LARGEST_SHARE:
            raise RecordsError("a share holds at most 1 MiB")
        self.revoke(share.id)
        if len(self._shares) >= MOST_SHARES:
            raise RecordsError("there are 1,000 shares")
        persons = {person for one in records for person in one.persons}
        self._shares.append((share, persons, {one.order for one in records if one.order}))

    def shared(self, name: str, now: int) -> Share | None:
        """See `Sharing.shared`."""
        return next((one for one, _, _ in self._shares if one.id == name and one.expires > now), None)

    def shares(self, now: int) -> list[Share]:
        """See `Sharing.shares`."""
        found = [replace(one, content=b"") for one, _, _ in self._shares if one.expires > now]
        return sorted(found, key=lambda one: (-one.made, one.id))

    def revoke(self, name: str) -> bool:
        """See `Sharing.revoke`."""
        before = len(self._shares)
        self._shares = [one for one in self._shares if one[0].id != name]
        return len(self._shares) < before


def _rows(attempt: Attempted, event_ids: set[str], theirs: bool) -> Attempted | None:
    """An attempt with the rows of these events, or with the others; then messages that name these events are gone."""
    each = attempt.outcomes if len(attempt.outcomes) == len(attempt.rows) else attempt.outcomes * len(attempt.rows)
    pairs = [(row, outcome) for row, outcome in zip(attempt.rows, each, strict=True) if (row[0] in event_ids) == theirs]
    if not pairs:
        return None
    outcomes = tuple([outcome for _, outcome in pairs])
    if not theirs and len(pairs) < len(attempt.rows):
        outcomes = tuple([_silent(one, event_ids) for one in outcomes])
    return replace(attempt, rows=tuple([row for row, _ in pairs]), outcomes=outcomes)


def _silent(outcome: RowOutcome, event_ids: set[str]) -> RowOutcome:
    return replace(outcome, message="") if any(one in outcome.message for one in event_ids) else outcome
