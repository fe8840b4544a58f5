"""Which records somebody asks for, and the search for them: from the newest on, and no further than a request may
look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from tagserver.records.api import Reading
from tagserver.records.failures import has_failed, joined
from tagserver.records.values import SENDS, EventRecord

MOST = 200
"""Records in one answer."""
USUAL = 50
LOOKED_AT = 100_000
"""Records that one request looks at; behind them the next one goes on."""
JOINED = 10_000
"""The same where each has to be joined with its attempts."""
STATUSES = ("accepted", "duplicate", "held", "rejected", "refused")
DECISIONS = ("send", "restrict", "block", "skip", "error")
VERDICTS = ("fired", "not_fired", "failed", "refused")


class Query(msgspec.Struct, frozen=True):
    """What is asked for; what is empty asks for nothing. `verdict`, of all tags or of `tag`: `fired` (one sends it),
    `not_fired` (none does), `failed` (a plugin, an attempt or a delivery); or `refused` (nothing was taken). `text`:
    the beginning of an event_id or an order number. `persons`: keyed hashes of a person, of which a record has one.
    `before`: the number of a record."""

    name: str = ""
    tag: str = ""
    decision: str = ""
    reason: str = ""
    status: str = ""
    verdict: str = ""
    text: str = ""
    persons: frozenset[bytes] = frozenset()
    before: int | None = None
    limit: int = USUAL

    def newest(self, limit: int) -> Query:
        """The same, from the newest on."""
        return msgspec.structs.replace(self, before=None, limit=limit)

    @property
    def holds(self) -> Callable[[EventRecord], bool]:
        """Whether a record is asked for, by what it says itself: whether it `failed` its attempts say."""
        tests: list[Callable[[EventRecord], bool]] = []
        if self.name:
            tests.append(lambda record: record.name == self.name)
        if self.status:
            tests.append(lambda record: record.status == self.status)
        if self.tag or self.decision or self.reason:
            tests.append(self._decided)
        if self.verdict:
            tests.append(self._judged)
        if self.text or self.persons:
            tests.append(self._is_of)
        return lambda record: all(test(record) for test in tests)

    def _decided(self, record: EventRecord) -> bool:
        """Whether one tag, this one if it is named, decided so; the reason is also that of a refused request."""
        if self.reason and record.reason == self.reason and not (self.tag or self.decision):
            return True
        return any(
            (not self.tag or one.tag == self.tag)
            and (not self.decision or one.decision == self.decision)
            and (not self.reason or one.reason == self.reason)
            for one in record.tags
        )

    def _judged(self, record: EventRecord) -> bool:
        if self.verdict == "refused":
            return record.status in ("refused", "rejected")
        decisions = {one.decision for one in record.tags if not self.tag or one.tag == self.tag}
        if self.verdict == "not_fired":
            return bool(decisions) and SENDS.isdisjoint(decisions)
        return not SENDS.isdisjoint(decisions) or (self.verdict == "failed" and "error" in decisions)

    def _is_of(self, record: EventRecord) -> bool:
        if self.persons and not self.persons.isdisjoint(record.persons):
            return True
        text = self.text
        return bool(text) and ((record.event_id or "").startswith(text) or (record.order or "").startswith(text))


class Found(msgspec.Struct, frozen=True):
    """`after`: the number to go on before; None where nothing is left."""

    records: list[EventRecord]
    after: int | None


def search(store: Reading, query: Query) -> Found:
    """The newest records that a query asks for."""
    limit = max(1, min(query.limit, MOST))
    exact = {one.number: one for one, asked in _asked(store, query, _exact(store, query)) if asked}
    most = JOINED if query.verdict == "failed" else LOOKED_AT
    found: dict[int, EventRecord] = {}
    last: int | None = None
    for looked, (record, asked) in enumerate(_asked(store, query, store.newest(query.before)), 1):
        if asked:
            found[record.number] = record
        if len(found) == limit or looked == most:
            last = record.number
            break
    every = found | {number: one for number, one in exact.items() if query.before is None or number < query.before}
    records = [every[number] for number in sorted(every, reverse=True)][:limit]
    if len(every) > limit:
        last = records[-1].number
    return Found(records, last)


def _asked(store: Reading, query: Query, records: Iterator[EventRecord]) -> Iterator[tuple[EventRecord, bool]]:
    """Records, each with whether it is asked for."""
    holds = query.holds
    if query.verdict != "failed":
        return ((record, holds(record)) for record in records)
    return ((record, holds(record) and has_failed(record, of, query.tag)) for record, of in joined(store, records))


def _exact(store: Reading, query: Query) -> Iterator[EventRecord]:
    """What the store finds by itself, however old it is."""
    if query.text:
        yield from store.of_event(query.text)
        yield from store.of_order(query.text)
    if query.persons:
        yield from store.of_person(query.persons)
