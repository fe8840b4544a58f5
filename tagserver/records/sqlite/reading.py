"""Reading: what pages and commands ask. All of it goes block by block, beside the one who writes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from heapq import merge
from itertools import chain

from tagserver.records.api import MOST_FOUND
from tagserver.records.sqlite import tokens
from tagserver.records.sqlite.connections import Readers
from tagserver.records.sqlite.containers import read_container
from tagserver.records.sqlite.kinds import ATTEMPTS, EVENTS, FATES, ORDERS, REFUSED
from tagserver.records.sqlite.limits import Cutoffs
from tagserver.records.sqlite.series import Kind
from tagserver.records.sqlite.sharing import read_share, read_shares
from tagserver.records.sqlite.walk import backwards, backwards_matching, forwards, matching, read
from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate, RowOutcome, Share


class SqliteReading:
    """The part of the engine that reads."""

    _readers: Readers
    _cutoffs: Cutoffs
    _following: int
    """The number of the next event; those below are in the file."""

    def newest(self, before: int | None = None) -> Iterator[EventRecord]:
        """See `Reading.newest`."""
        before = self._following if before is None else min(before, self._following)
        lanes = (self._backwards(kind, before) for kind in (EVENTS, REFUSED))
        return merge(*lanes, key=lambda one: -one.number)

    def _backwards(self, kind: Kind[EventRecord], before: int) -> Iterator[EventRecord]:
        since = self._cutoffs.records()
        for found in backwards(self._readers.ask, kind, before):
            for one in reversed(read(kind, found)):
                if one.number < before and one.received >= since:
                    yield one

    def numbered(self, number: int) -> EventRecord | None:
        """See `Reading.numbered`."""
        since = self._cutoffs.records()
        for kind in (EVENTS, REFUSED):
            for found in backwards(self._readers.ask, kind, number + 1):
                for one in read(kind, found) if found.last >= number else ():
                    if one.number == number and one.received >= since:
                        return one
                break
        return None

    def of_event(self, event_id: str) -> list[EventRecord]:
        """See `Reading.of_event`."""
        return self._search([tokens.of_event(event_id)], lambda one: one.event_id == event_id)

    def of_order(self, order: str) -> list[EventRecord]:
        """See `Reading.of_order`."""
        return self._search([tokens.of_order(order)], lambda one: one.order == order)

    def of_person(self, persons: Collection[bytes]) -> list[EventRecord]:
        """See `Reading.of_person`."""
        wanted = frozenset(persons)
        return self._search(map(tokens.of_person, wanted), lambda one: not wanted.isdisjoint(one.persons))

    def _search(self, looked_for: Iterable[bytes], is_it: Callable[[EventRecord], bool]) -> list[EventRecord]:
        since, wanted = self._cutoffs.records(), set(looked_for)
        found: deque[EventRecord] = deque(maxlen=MOST_FOUND)
        lanes = (
            (one for block in matching(self._readers.ask, kind, wanted) for one in read(kind, block) if is_it(one))
            for kind in (EVENTS, REFUSED)
        )
        found.extend(one for one in merge(*lanes, key=lambda one: one.number) if one.received >= since)
        return list(found)

    def attempts(self, event_ids: Collection[str], since: int) -> list[Attempted]:
        """See `Reading.attempts`."""
        wanted, since = set(event_ids), max(since, self._cutoffs.records())
        sought = set(map(tokens.of_event, wanted))
        found: list[Attempted] = []
        seen: Counter[str] = Counter()
        for block in backwards_matching(self._readers.ask, ATTEMPTS, sought, since):
            for one in reversed(read(ATTEMPTS, block)):
                if one.at < since or (left := _of(one, wanted)) is None:
                    continue
                found.append(left)
                ids = {event_id for event_id, _ in left.rows}
                seen.update(ids)
                if enough := {event_id for event_id in ids if seen[event_id] == MOST_FOUND}:
                    wanted -= enough
                    sought.intersection_update(map(tokens.of_event, wanted))
        found.reverse()
        return found

    def orders(self, order: str | None = None, since: int = 0) -> Iterator[OrderEvent]:
        """See `Reading.orders`."""
        since, ask = max(since, self._cutoffs.orders()), self._readers.ask
        if order is None:
            blocks = forwards(ask, ORDERS, since)
        else:
            blocks = matching(ask, ORDERS, {tokens.of_order(order)}, since)
        for block in blocks:
            for one in read(ORDERS, block):
                if one.at >= since and order in (None, one.order):
                    yield one

    def fates(self, event_ids: Collection[str], since: int = 0) -> list[OrderFate]:
        """See `Reading.fates`."""
        wanted, since = frozenset(event_ids), max(since, self._cutoffs.orders())
        blocks = matching(self._readers.ask, FATES, set(map(tokens.of_event, wanted)), since)
        fates = chain.from_iterable(read(FATES, block) for block in blocks)
        return [one for one in fates if one.at >= since and one.event_id in wanted]

    def container(self, version: str) -> ContainerText | None:
        """See `Reading.container`."""
        return read_container(self._readers.ask, version)

    def shared(self, name: str, now: int) -> Share | None:
        """See `Sharing.shared`."""
        return read_share(self._readers.ask, name, now)

    def shares(self, now: int) -> list[Share]:
        """See `Sharing.shares`."""
        return read_shares(self._readers.ask, now)

    def _count(self) -> tuple[int, int | None]:
        """How many events there are, and when the oldest one was received."""
        since, ask = self._cutoffs.records(), self._readers.ask
        count, oldest = 0, None
        for kind in (EVENTS, REFUSED):
            whole = f"SELECT coalesce(sum(count), 0), min(since) FROM {kind.table} WHERE since >= ?"  # noqa: S608 (our own names)
            number, first = ask(whole, (since,))[0]
            partly = f"SELECT first FROM {kind.table} WHERE since < ? AND until >= ?"  # noqa: S608 (our own names)
            for (block,) in ask(partly, (since, since)):
                query = f"SELECT first, last, shared, body FROM {kind.table} WHERE first = ?"  # noqa: S608 (our own names)
                for row in ask(query, (block,)):
                    times = [one.received for one in kind.read(row[0], *row[2:]) if one.received >= since]
                    number += len(times)
                    first = min((*times, *(() if first is None else (first,))), default=None)
            count += number
            oldest = first if oldest is None else oldest if first is None else min(oldest, first)
        return count, oldest


def _of(attempt: Attempted, event_ids: Set[str]) -> Attempted | None:
    """What an attempt has of these events, with an outcome for each of its rows."""
    rows: list[tuple[str, str]] = []
    outcomes: list[RowOutcome] = []
    one_for_all = len(attempt.outcomes) != len(attempt.rows)
    for place, row in enumerate(attempt.rows):
        if row[0] in event_ids:
            rows.append(row)
            outcomes.append(attempt.outcomes[0 if one_for_all else place])
    if not rows:
        return None
    return Attempted(attempt.destination, attempt.at, attempt.ms, attempt.status, tuple(rows), tuple(outcomes))
