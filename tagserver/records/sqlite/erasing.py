"""Erasing: which records, attempts, orders, fates and shares somebody's are, and the blocks without them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from tagserver.event.order_ids import OF_ORDER
from tagserver.records.sqlite import tokens
from tagserver.records.sqlite.kinds import ATTEMPTS, EVENTS, ORDERS, REFUSED, AllSeries
from tagserver.records.sqlite.series import Kind, Series
from tagserver.records.sqlite.sharing import all_shares
from tagserver.records.sqlite.walk import Ask, Found, matching, read
from tagserver.records.values import Attempted, RowOutcome


class Erasure:
    """Of these persons and orders, within one transaction.

    All that has the event_id of a record of theirs goes with it, because the id may be made of the order's number. A
    block that cannot be read and may have something of them goes as a whole.
    """

    def __init__(
        self, database: sqlite3.Connection, ask: Ask, persons: Collection[bytes], orders: Collection[str], since: int
    ) -> None:
        """`since`: what is older (ms) is not shown any more, so it is not counted."""
        self._database = database
        self._ask = ask
        self._persons = frozenset(persons)
        self._orders = frozenset(orders)
        self._since = since
        self._ids = {*self._orders, *(OF_ORDER + one for one in self._orders)}

    def run(self, series: AllSeries) -> int:
        """Remove them; how many records of events. The series have to be settled afterwards."""
        self._find_ids()
        removed = self._sift(series.events) + self._sift(series.refused)
        self._sift(series.orders)
        self._sift(series.fates)
        self._sift_attempts(series.attempts)
        for share in all_shares(self._ask):
            if share.event_id in self._ids or self._is_of(share.persons, share.orders):
                self._database.execute("DELETE FROM share WHERE rowid = ?", (share.row,))
        return removed

    def _is_of(self, persons: Sequence[bytes], orders: Sequence[str | None]) -> bool:
        return not (self._persons.isdisjoint(persons) and self._orders.isdisjoint(orders))

    def _find_ids(self) -> None:
        """All event_ids of theirs."""
        searched = {*map(tokens.of_person, self._persons), *map(tokens.of_order, self._orders)}
        kinds: tuple[Kind[Any], ...] = (EVENTS, REFUSED, ORDERS)
        for kind in kinds:
            for found in matching(self._ask, kind, searched):
                for one in read(kind, found):
                    if one.event_id is not None and self._is_of(one.persons, (one.order,)):
                        self._ids.add(one.event_id)
        for share in all_shares(self._ask):
            if self._is_of(share.persons, share.orders):
                self._ids.add(share.event_id)
        self._tokens = {*searched, *map(tokens.of_event, self._ids)}

    def _blocks(self, kind: Kind[Any]) -> Iterator[tuple[Found, list[Any]]]:
        for found in matching(self._ask, kind, self._tokens):
            yield found, read(kind, found)

    def _sift(self, series: Series[Any]) -> int:
        removed = 0
        for found, records in self._blocks(series.kind):
            kept = [one for one in records if not self._goes(one)]
            if len(kept) < len(records) or not records:
                removed += sum(series.kind.time(one) >= self._since for one in records if self._goes(one))
                series.replace(self._database, found.first, found.last, kept)
        return removed

    def _goes(self, record: Any) -> bool:
        """Fates have neither persons nor an order; they are found by their event_id."""
        if record.event_id in self._ids:
            return True
        return self._is_of(getattr(record, "persons", ()), (getattr(record, "order", None),))

    def _sift_attempts(self, series: Series[Attempted]) -> None:
        for found, attempts in self._blocks(ATTEMPTS):
            kept = [left for one in attempts if (left := self._without(one)) is not None]
            if kept != attempts or not attempts:
                series.replace(self._database, found.first, found.last, kept)

    def _without(self, attempt: Attempted) -> Attempted | None:
        """An attempt without the rows of these events."""
        places = [place for place, (event_id, _) in enumerate(attempt.rows) if event_id not in self._ids]
        if len(places) == len(attempt.rows):
            return attempt
        if not places:
            return None
        gone = {event_id for event_id, _ in attempt.rows} & self._ids
        one_for_all = len(attempt.outcomes) != len(attempt.rows)
        outcomes = attempt.outcomes if one_for_all else tuple([attempt.outcomes[place] for place in places])
        return msgspec.structs.replace(
            attempt,
            rows=tuple([attempt.rows[place] for place in places]),
            outcomes=tuple([self._silent(one, gone) for one in outcomes]),
        )

    def _silent(self, outcome: RowOutcome, gone: set[str]) -> RowOutcome:
        """An outcome for several rows may name in its message one that goes."""
        if any(one in outcome.message for one in (*gone, *self._orders)):
            return msgspec.structs.replace(outcome, message="")
        return outcome
