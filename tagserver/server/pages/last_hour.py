"""The last hour by event, for Home (`last_hour.html`): counted from the records, so within bounds, aside from the event
loop, and not with every look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

import msgspec

from tagserver.records.api import RecordsError
from tagserver.records.records import Records
from tagserver.records.values import SENDS, EventRecord
from tagserver.records.view import Tries
from tagserver.system.time import Time

HOUR = 3_600_000
BUCKETS = 12
"""Pieces of five minutes."""
LOOKED_AT = 10_000
"""Records that are counted at most: on a busy server the page then says that it knows less than an hour."""
NAMES = 20
"""Names of events that are shown; the rest, which strangers can make as many as they like, is one line."""
FRESH = 10.0
"""Seconds for which a count is good."""
SHARE = 0.02
"""Of the time that may go into counting, however often somebody looks."""


class EventHour(msgspec.Struct, frozen=True):
    """One name of events. `name` is None for what was not taken (refused or rejected), and empty for further names
    together. `events`: how many came; of their tags, how many decisions were to send (also restricted),
    how many were blocked for consent, how many failed. `buckets`: events in each five minutes, the oldest first."""

    name: str | None
    events: int
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    buckets: Sequence[int] = ()


class LastHour(msgspec.Struct, frozen=True):
    """Of all events. `since` in ms: later than an hour ago where records are younger."""

    since: int
    events: Sequence[EventHour] = ()


def count(records: Iterable[tuple[EventRecord, Tries]], now: int) -> LastHour:
    """Of records from the newest on, each with its attempts. `now` in ms."""
    since = now - HOUR
    found: dict[str | None, _Counted] = {}
    oldest = now
    for looked, (record, of) in enumerate(records, 1):
        if record.received < since:
            break
        oldest = min(oldest, record.received)
        name = None if record.status in ("refused", "rejected") else record.name
        found.setdefault(name, _Counted()).add(record, of, since)
        if looked == LOOKED_AT:
            since = oldest
            break
    rows = sorted(found.items(), key=lambda one: -one[1].events)
    shown, rest = rows[:NAMES], rows[NAMES:]
    if rest:
        others = _Counted()
        for _, one in rest:
            others.join(one)
        shown.append(("", others))
    return LastHour(since, [one.shown(name) for name, one in shown])


class _Counted:
    """The counts of one name."""

    def __init__(self) -> None:
        self.events = self.sent = self.blocked = self.failed = 0
        self.buckets = [0] * BUCKETS

    def add(self, record: EventRecord, of: Tries, since: int) -> None:
        """One more event, or some equal refused requests."""
        self.events += record.count
        self.buckets[min(BUCKETS - 1, max(0, (record.received - since) * BUCKETS // HOUR))] += record.count
        sends = record.status == "accepted" and not record.dry
        for one in record.tags:
            if one.decision in SENDS and sends:
                self.sent += 1
                self.failed += any(end.dead for _, end in of.get((record.event_id or "", one.tag), ()))
            elif one.decision == "block":
                self.blocked += 1
            elif one.decision == "error":
                self.failed += 1

    def join(self, other: _Counted) -> None:
        """Count another name as well."""
        self.events += other.events
        self.sent += other.sent
        self.blocked += other.blocked
        self.failed += other.failed
        self.buckets = [one + more for one, more in zip(self.buckets, other.buckets, strict=True)]

    def shown(self, name: str | None) -> EventHour:
        """For the page."""
        return EventHour(name, self.events, self.sent, self.blocked, self.failed, self.buckets)


def shown(hour: LastHour) -> dict[str, Any]:
    """For the page and for machines: the most frequent first, and `most`, the largest of all pieces, by which bars are
    drawn."""
    rows = sorted(hour.events, key=lambda one: (-one.events, one.name or ""))
    most = max((number for one in rows for number in one.buckets), default=0)
    return {"since": hour.since, "events": [msgspec.to_builtins(one) for one in rows], "most": most}


class HourCount:
    """Counts when somebody looks, and remembers for a while."""

    def __init__(self, records: Records, time: Time) -> None:
        self._records = records
        self._time = time
        self._known: LastHour | None = None
        self._good_until = 0.0
        self._counting = asyncio.Lock()

    async def __call__(self) -> LastHour | None:
        """The last hour; None where records are off, or cannot be read."""
        if self._records.config.level == "off":
            return None
        async with self._counting:
            if self._time.monotonic() >= self._good_until:
                now = self._time.now()
                began = perf_counter()
                try:
                    self._known = await self._records.read(lambda reader: count(reader.joined(), now))
                except RecordsError:
                    self._known = None
                took = perf_counter() - began
                self._good_until = self._time.monotonic() + max(FRESH, took / SHARE)
            return self._known
