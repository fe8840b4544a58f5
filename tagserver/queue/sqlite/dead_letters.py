"""Dead letters in the SQLite engine: tried again, dropped, removed when they are old; and all of it in slices of the
writer's time, so that events are taken in and sent beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec

from tagserver.queue.dead_letters import (
    LARGEST_ID,
    RESTORED,
    Account,
    Bound,
    Cause,
    Choice,
    DeadGroup,
    DeadLetter,
    Dropped,
    Permits,
    Position,
    Retried,
)
from tagserver.queue.errors import Full
from tagserver.queue.moves import DROPPED, TOO_OLD, Move
from tagserver.queue.retry import deadline
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.dead_search import BEGINNING, END, Causes, DeadSearch
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import NAMES, persons_of, read
from tagserver.queue.sqlite.writer import Writer
from tagserver.queue.values import Row
from tagserver.system.time import Time

T = TypeVar("T")
SLICE = 500
HOLD = 0.004
"""Seconds that a slice of a retry or drop may hold the writer."""
_SENT = (
    "SELECT id, event_id, name, tag, destination, purposes, person, NULL, time, received, expires, '', x'', attempts, "
    "unknown_since, 0, reason FROM dead WHERE id = ?"
)
"""A letter as a `Row`, and its reason. Nobody asks about its group, account and payload before it is put back: to retry
it is to agree to the account of now."""
_GONE = "SELECT id, event_id, tag, destination, person, received, reason FROM dead"
"""What is told of a letter that is removed."""


class DeadLetterTable:
    """Used inside the writer's transactions."""

    def __init__(
        self,
        counters: Counters,
        person_filter: PersonFilter,
        search: DeadSearch,
        time: Time,
    ) -> None:
        self._counters = counters
        self._person_filter = person_filter
        self._search = search
        self._time = time

    def retry(
        self,
        database: sqlite3.Connection,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Position | None = None,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """Put letters back into the queue, at its end and as if never tried.

        A letter goes to the account that is configured now: to retry it is to agree to that. What a restore holds may
        have been sent since the backup: to send that is a decision of its own, and the choice has to name it.
        """
        now = self._time.now()
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
            destination = row.destination
            account = accounts.get(destination)
            end = deadline(row.expires, row.unknown_since, account.repeat if account is not None else None)
            if end is not None and end <= now:
                too_old += 1
                continue
            if permits is not None and (no := permits(_for(row, account))) is not None:
                refused[no[0]] = refused.get(no[0], 0) + 1
                continue
            if account is not None and account.repeat is not None and row.attempts:
                late += now - row.received > account.repeat * 1000
            moved[destination] = moved.get(destination, 0) + 1
            if not dry_run:
                payload = self._move_back(database, place.id, account)
                self._counters.add(destination, DEAD + reason, -1)
                self._counters.wait(destination, 1, payload)
                self._counters.moves.add(
                    Move(row.event_id, row.tag, destination, row.person, row.received, "queue", dead=reason)
                )
        if moved and not dry_run:
            self._person_filter.give_up()
        ended = len(places) < limit and (not places or at == places[-1])
        return Retried(moved, too_old, refused, late, None if ended else at)

    def _next(
        self, database: sqlite3.Connection, choice: Choice, limit: int, after: Position | None, bound: Bound | None
    ) -> Sequence[Position]:
        end, last = (bound.end, bound.last) if bound else (END, LARGEST_ID)
        return list(islice(self._search.positions(database, choice, after or BEGINNING, end, last), limit))

    def _in_time(self, places: Sequence[Position]) -> Iterator[Position]:
        """As many as a slice has time for: one at least, or nothing would ever come on."""
        began = self._time.monotonic()
        for place in places:
            yield place
            if self._time.monotonic() - began > HOLD:
                return

    @staticmethod
    def _row(database: sqlite3.Connection, one: int) -> tuple[Row, str]:
        """A letter as a row of the queue, but for its payload; and the reason."""
        *record, reason = database.execute(_SENT, (one,)).fetchone()
        (row,) = read([tuple(record)])
        return row, reason

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
        after: Position | None = None,
        bound: Bound | None = None,
    ) -> Dropped:
        """Remove letters for good. They count as erased."""
        places = self._next(database, choice, limit, after, bound)
        at = after
        count = 0
        for place in self._in_time(places):
            at = place
            self._remove(database, database.execute(f"{_GONE} WHERE id = ?", (place.id,)).fetchone(), DROPPED)
            count += 1
        ended = len(places) < limit and (not places or at == places[-1])
        return Dropped(count, None if ended else at)

    def _remove(self, database: sqlite3.Connection, letter: tuple[Any, ...], why: str) -> None:
        one, event_id, tag, destination, person, received, reason = letter
        database.execute("DELETE FROM dead WHERE id = ?", (one,))
        self._counters.add(destination, DEAD + reason, -1)
        self._counters.add(destination, "erased", 1)
        self._counters.moves.add(Move(event_id, tag, destination, persons_of(person), received, "erased", why, reason))

    def purge(self, database: sqlite3.Connection, keep: float) -> bool:
        """Remove a slice of those older than `keep` seconds; whether there may be more."""
        limit = self._time.now() - int(keep * 1000)
        old = database.execute(f"{_GONE} WHERE buried <= ? ORDER BY buried LIMIT ?", (limit, SLICE)).fetchall()
        for letter in old:
            self._remove(database, letter, TOO_OLD)
        return len(old) == SLICE


def _for(row: Row, account: Account | None) -> Row:
    """The row as it would wait for the account that is configured now."""
    return row if account is None else msgspec.structs.replace(row, identity=account.identity, unknown_since=None)


class SqliteDeadLetters:
    """The `DeadLetters` of the engine, which inherits it and sets what is named here."""

    _writer: Writer
    _dead_search: DeadSearch
    _dead_letters: DeadLetterTable
    _causes: Causes
    _time: Time

    def _announce_all(self) -> None:
        """Something may be ready for any destination."""
        raise NotImplementedError

    async def dead(self, choice: Choice, limit: int, after: Position | None = None) -> Sequence[DeadLetter]:
        """See `DeadLetters.dead`."""
        await self._settled()
        found: list[DeadLetter] = await self._writer.aside(
            lambda database: self._dead_search.find(database, choice, limit, after)
        )
        return found

    async def count_dead(self, choice: Choice, bound: Bound | None = None) -> int:
        """See `DeadLetters.count_dead`."""
        await self._settled()
        return sum(await self._pieces(lambda database: self._dead_search.count(database, choice, bound)))

    async def dead_groups(self, choice: Choice) -> Sequence[DeadGroup]:
        """See `DeadLetters.dead_groups`."""
        await self._settled()
        found = await self._pieces(lambda database: self._dead_search.groups(database, choice))
        return [group for group in found if group is not None]

    async def causes(self) -> Collection[Cause]:
        """See `DeadLetters.causes`."""
        await self._settled()
        return list(self._causes.numbers)

    async def dead_bound(self) -> Bound:
        """See `DeadLetters.dead_bound`."""
        bound: Bound = await self._writer.aside(self._dead_search.bound)
        return bound

    async def retry_dead(
        self,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Position | None = None,
        *,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """See `DeadLetters.retry_dead`."""
        await self._settled()

        def work(database: sqlite3.Connection) -> Retried:
            return self._dead_letters.retry(database, choice, accounts, limit, after, bound, permits, dry_run)

        done: Retried = await (self._writer.aside(work) if dry_run else self._writer.run(work))
        if done.moved and not dry_run:
            self._announce_all()
        return done

    async def drop_dead(
        self, choice: Choice, limit: int, after: Position | None = None, *, bound: Bound | None = None
    ) -> Dropped:
        """See `DeadLetters.drop_dead`."""
        await self._settled()
        done: Dropped = await self._writer.run(
            lambda database: self._dead_letters.drop(database, choice, limit, after, bound)
        )
        return done

    async def _settled(self) -> None:
        """Letters that have no cause yet get theirs, or a choice by name would not find them."""
        with contextlib.suppress(Full):  # whoever wants to drop some to make room must not wait for room
            while await self._writer.run(self._causes.settle):
                pass

    async def _pieces(self, begin: Callable[[sqlite3.Connection], Iterator[T]]) -> list[T]:
        """Everything that a walk gives, which is done in slices between the writer's groups."""
        found: list[T] = []
        walk: Iterator[T] | None = None

        def some(database: sqlite3.Connection) -> bool:
            nonlocal walk
            walk = walk or begin(database)
            began = self._time.monotonic()
            for piece in walk:
                found.append(piece)
                if self._time.monotonic() - began > HOLD:
                    return True
            return False

        while await self._writer.aside(some):
            pass
        return found
