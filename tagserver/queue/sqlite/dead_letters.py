"""Dead letters in the SQLite engine: chosen, counted, listed, tried again, dropped, and removed when they are old."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from tagserver.queue.dead import (
    LARGEST_ID,
    RESTORED,
    Account,
    Bound,
    Cause,
    Choice,
    DeadGroup,
    DeadLetter,
    Dropped,
    Place,
    Retried,
)
from tagserver.queue.outbox import Row
from tagserver.queue.presence import Presence
from tagserver.queue.retry import deadline
from tagserver.queue.sqlite.causes import Causes
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.rows import NAMES, read
from tagserver.queue.sqlite.schema import COLUMNS

SLICE = 500
HOLD = 0.004
"""Seconds that a slice of a retry or drop may hold the writer."""
COUNTED = 20_000
"""Entries of the index that are counted in one go: about a millisecond."""
_BEGINNING = Place(-LARGEST_ID, 0)
_END = Place(LARGEST_ID, LARGEST_ID)
_SHOWN = "d.id, d.destination, d.tag, d.name, d.event_id, d.reason, d.detail, d.attempts, d.received, d.buried"
_BARE = {"grp": "NULL", "identity": "''", "body": "x''"}
"""What nobody asks about a letter before it is put back: to retry it is to agree to the account of now."""
_SENT = ", ".join(["id, attempts, unknown_since, 0", *(_BARE.get(name, name) for name in COLUMNS), "reason"])

Permits = Callable[[Row], tuple[str, str] | None]
"""Why a row may not be sent as things stand (a reason and a sentence), or None."""


class Letters:
    """Used by the writer's thread; what changes something, inside its transactions. `steady`: seconds."""

    def __init__(
        self,
        counters: Counters,
        presence: Presence,
        causes: Causes,
        clock: Callable[[], int],
        steady: Callable[[], float],
    ) -> None:
        self._counters = counters
        self._presence = presence
        self._causes = causes
        self._clock = clock
        self._steady = steady

    # ── which

    def bound(self, database: sqlite3.Connection) -> Bound:
        """See `DeadLetters.dead_bound`."""
        newest = database.execute("SELECT buried, id FROM dead ORDER BY buried DESC, id DESC LIMIT 1").fetchone()
        last = database.execute("SELECT max(id) FROM dead").fetchone()[0]
        return Bound(Place(*newest) if newest else _BEGINNING, last or 0)

    def _places(
        self, database: sqlite3.Connection, choice: Choice, low: Place, high: Place, last: int, *, newest: bool = False
    ) -> Iterator[Place]:
        """Where the letters of a choice lie, behind `low` and up to `high`, in the order of burial or the reverse."""
        low, high = max(low, _since(choice)), min(high, _until(choice))
        span = (low.buried, low.id, high.buried, high.id, last)
        within = "(buried, id) > (?, ?) AND (buried, id) <= (?, ?) AND id <= ?"
        order = "buried DESC, id DESC" if newest else "buried, id"
        if choice.ids or choice.event_ids:
            yield from sorted(self._named(database, choice, within, span), reverse=newest)
            return
        if not any(choice.names):
            found = database.execute(f"SELECT buried, id FROM dead WHERE {within} ORDER BY {order}", span)  # noqa: S608 (ours)
            yield from (Place(*record) for record in found)
            return
        query = f"SELECT buried, id FROM dead WHERE cause = ? AND {within} ORDER BY {order}"  # noqa: S608 (ours)
        ways = [database.execute(query, (number, *span)) for _, number in self._matching(choice)]
        try:
            yield from (Place(*record) for record in heapq.merge(*ways, reverse=newest))
        finally:
            for way in ways:
                way.close()

    def _matching(self, choice: Choice) -> list[tuple[Cause, int]]:
        return sorted((cause, number) for cause, number in self._causes.numbers.items() if choice.fits(cause))

    def _named(
        self, database: sqlite3.Connection, choice: Choice, within: str, span: tuple[int, ...]
    ) -> Iterator[Place]:
        """The letters of some ids, or of some events: few, whatever else is asked of them."""
        causes = {number for _, number in self._matching(choice)}
        column, wanted = ("id", choice.ids) if choice.ids else ("event_id", choice.event_ids)
        query = f"SELECT buried, id, cause, event_id FROM dead WHERE {column} = ? AND {within}"  # noqa: S608 (our own names)
        for value in dict.fromkeys(wanted):
            for buried, one, cause, event_id in database.execute(query, (value, *span)):
                if cause in causes and (not choice.event_ids or event_id in choice.event_ids):
                    yield Place(buried, one)

    # ── seen

    def look(
        self, database: sqlite3.Connection, choice: Choice, limit: int, after: Place | None = None
    ) -> list[DeadLetter]:
        """See `DeadLetters.dead`."""
        high = _END if after is None else Place(after.buried, after.id - 1)
        places = islice(self._places(database, choice, _BEGINNING, high, LARGEST_ID, newest=True), limit)
        query = f"SELECT {_SHOWN}, coalesce(c.code, '') FROM dead d LEFT JOIN cause c ON c.id = d.cause WHERE d.id = ?"  # noqa: S608 (ours)
        return [DeadLetter(*database.execute(query, (place.id,)).fetchone()) for place in list(places)]

    def counter(self, database: sqlite3.Connection, choice: Choice, bound: Bound | None) -> Iterator[int]:
        """Counts the letters of a choice in pieces, each of which takes about a millisecond."""
        low, high = _since(choice), min(_until(choice), bound.end if bound else _END)
        last = bound.last if bound else LARGEST_ID
        if choice.ids or choice.event_ids:
            yield sum(1 for _ in self._places(database, choice, low, high, last))
            return
        numbers = [number for _, number in self._matching(choice)]
        for number in numbers:
            yield from _count(database, number, low, high, last)

    def groups(self, database: sqlite3.Connection, choice: Choice) -> Iterator[DeadGroup | None]:
        """The letters of a choice by cause, in pieces as in `counter`; None where a piece has ended and no group."""
        if choice.ids or choice.event_ids:
            yield from self._small_groups(database, choice)
            return
        low, high = _since(choice), _until(choice)
        ends = "SELECT buried, event_id FROM dead WHERE cause = ? AND (buried, id) > (?, ?) AND (buried, id) <= (?, ?)"
        for cause, number in self._matching(choice):
            span = (number, low.buried, low.id, high.buried, high.id)
            count = 0
            for piece in _count(database, number, low, high, LARGEST_ID):
                count += piece
                yield None
            oldest = database.execute(f"{ends} ORDER BY buried, id LIMIT 1", span).fetchone()
            newest = database.execute(f"{ends} ORDER BY buried DESC, id DESC LIMIT 1", span).fetchone()
            if count and oldest and newest:  # between two pieces others may have taken them all
                yield DeadGroup(cause, count, oldest[0], newest[0], newest[1])

    def _small_groups(self, database: sqlite3.Connection, choice: Choice) -> Iterator[DeadGroup]:
        by: dict[Cause, list[DeadLetter]] = {}
        for letter in self.look(database, choice, LARGEST_ID):
            by.setdefault(Cause(letter.destination, letter.tag, letter.reason, letter.code), []).append(letter)
        for cause, letters in sorted(by.items()):
            yield DeadGroup(cause, len(letters), letters[-1].buried, letters[0].buried, letters[0].event_id)

    # ── moved

    def retry(
        self,
        database: sqlite3.Connection,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Place | None = None,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """Put letters back into the queue, at its end and as if never tried.

        A letter goes to the account that is configured now: to retry it is to agree to that. What a restore holds may
        have been sent since the backup: to send that is a decision of its own, and the choice has to name it.
        """
        now = self._clock()
        moved: dict[str, int] = {}
        refused: dict[str, int] = {}
        too_old = late = 0
        places = self._next(database, choice, limit, after, bound)
        at = after
        for place in self._in_time(places):
            at = place
            row, reason = self._row(database, place.id)
            if reason == RESTORED and RESTORED not in choice.reasons:
                refused[RESTORED] = refused.get(RESTORED, 0) + 1
                continue
            destination = row.delivery.destination
            account = accounts.get(destination)
            end = deadline(row.delivery.expires, row.unknown_since, account.repeat if account is not None else None)
            if end is not None and end <= now:
                too_old += 1
                continue
            if permits is not None and (no := permits(_for(row, account))) is not None:
                refused[no[0]] = refused.get(no[0], 0) + 1
                continue
            if account is not None and account.repeat is not None and row.attempts:
                late += now - row.delivery.received > account.repeat * 1000
            moved[destination] = moved.get(destination, 0) + 1
            if not dry_run:
                payload = self._move_back(database, place.id, account)
                self._counters.add(destination, DEAD + reason, -1)
                self._counters.wait(destination, 1, payload)
        if moved and not dry_run:
            self._presence.lose_track()
        ended = len(places) < limit and (not places or at == places[-1])
        return Retried(moved, too_old, refused, late, None if ended else at)

    def _next(
        self, database: sqlite3.Connection, choice: Choice, limit: int, after: Place | None, bound: Bound | None
    ) -> Sequence[Place]:
        end, last = (bound.end, bound.last) if bound else (_END, LARGEST_ID)
        return list(islice(self._places(database, choice, after or _BEGINNING, end, last), limit))

    def _in_time(self, places: Sequence[Place]) -> Iterator[Place]:
        """As many as a slice has time for: one at least, or nothing would ever come on."""
        began = self._steady()
        for place in places:
            yield place
            if self._steady() - began > HOLD:
                return

    @staticmethod
    def _row(database: sqlite3.Connection, one: int) -> tuple[Row, str]:
        """A letter as a row of the queue, but for its payload; and the reason."""
        query = f"SELECT {_SENT} FROM dead WHERE id = ?"  # noqa: S608 (our own names)
        *record, reason = database.execute(query, (one,)).fetchone()
        return read(tuple(record)), reason

    @staticmethod
    def _move_back(database: sqlite3.Connection, one: int, account: Account | None) -> int:
        """Put one back; the bytes of its payload."""
        database.execute(
            # What a backup cannot know stays unknown: the vendor's window for repeats counts from there.
            f"INSERT INTO delivery ({NAMES}, unknown_since) "  # noqa: S608 (ours)
            f"SELECT {NAMES}, unknown_since FROM dead WHERE id = ?",
            (one,),
        )
        if account is not None:
            database.execute("UPDATE delivery SET identity = ? WHERE id = last_insert_rowid()", (account.identity,))
        payload: int = database.execute("SELECT length(body) FROM dead WHERE id = ?", (one,)).fetchone()[0]
        database.execute("DELETE FROM dead WHERE id = ?", (one,))
        return payload

    def drop(
        self,
        database: sqlite3.Connection,
        choice: Choice,
        limit: int,
        after: Place | None = None,
        bound: Bound | None = None,
    ) -> Dropped:
        """Remove letters for good. They count as erased."""
        places = self._next(database, choice, limit, after, bound)
        at = after
        count = 0
        for place in self._in_time(places):
            at = place
            destination, reason = database.execute(
                "SELECT destination, reason FROM dead WHERE id = ?", (place.id,)
            ).fetchone()
            self._remove(database, place.id, destination, reason)
            count += 1
        ended = len(places) < limit and (not places or at == places[-1])
        return Dropped(count, None if ended else at)

    def _remove(self, database: sqlite3.Connection, one: int, destination: str, reason: str) -> None:
        database.execute("DELETE FROM dead WHERE id = ?", (one,))
        self._counters.add(destination, DEAD + reason, -1)
        self._counters.add(destination, "erased", 1)

    def purge(self, database: sqlite3.Connection, keep: float) -> bool:
        """Remove a slice of those older than `keep` seconds; whether there may be more."""
        limit = self._clock() - int(keep * 1000)
        old = database.execute(
            "SELECT id, destination, reason FROM dead WHERE buried <= ? ORDER BY buried LIMIT ?", (limit, SLICE)
        ).fetchall()
        for one, destination, reason in old:
            self._remove(database, one, destination, reason)
        return len(old) == SLICE


def _since(choice: Choice) -> Place:
    return _BEGINNING if choice.since is None else Place(choice.since - 1, LARGEST_ID)


def _until(choice: Choice) -> Place:
    return _END if choice.until is None else Place(choice.until - 1, LARGEST_ID)


def _for(row: Row, account: Account | None) -> Row:
    """The row as it would wait for the account that is configured now."""
    return (
        row
        if account is None
        else Row(row.id, msgspec.structs.replace(row.delivery, identity=account.identity), row.attempts)
    )


def _count(database: sqlite3.Connection, number: int, low: Place, high: Place, last: int) -> Iterator[int]:
    """How many letters of a cause lie in a span, in pieces."""
    span = "FROM dead WHERE cause = ? AND (buried, id) > (?, ?) AND (buried, id) <= (?, ?) AND id <= ?"
    while True:
        values = (number, low.buried, low.id, high.buried, high.id, last)
        end = database.execute(
            f"SELECT buried, id {span} ORDER BY buried, id LIMIT 1 OFFSET {COUNTED - 1}",
            values,
        ).fetchone()
        if end is None:
            yield database.execute(f"SELECT count(*) {span}", values).fetchone()[0]
            return
        low = Place(*end)
        yield COUNTED
