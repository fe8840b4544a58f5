"""Claims: which rows are given out next, which are in flight, and what became of them.

A claim is one durable row that lists the ids in flight; the deliveries themselves are not touched. Which ids are in
flight is also kept in memory, and put right again when a group of the writer could not be committed.

Urgent deliveries go past a long queue: after an outage of a week, a purchase of today does not stand behind all the
page views. Their ids are in a table of their own; nothing else knows of it. A row that is missing there costs a
delivery its place, and nothing else.
"""

from __future__ import annotations

import array
import sqlite3
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tagserver.queue.crash_suspects import company
from tagserver.queue.dead_letters import code_in
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.rows import BARE, BODY, BURY, CRASHES, GROUP, READ, read
from tagserver.queue.values import (
    BY_AGE_EVERY,
    LONGEST_DETAIL,
    LOOK_AHEAD,
    URGENT_FROM,
    Batch,
    DeadLettered,
    Row,
    Settlement,
)
from tagserver.system.time import Time

Records = sqlite3.Cursor | Generator[tuple[Any, ...], None, None]
"""Of the columns `READ`."""


@dataclass(frozen=True, slots=True)
class _Claim:
    destination: str
    ids: frozenset[int]


class Claims:
    """Used inside the writer's transactions; `number` and `is_in_flight` may be asked from any thread."""

    def __init__(self, counters: Counters, priority: Priority, causes: Causes, time: Time) -> None:
        self._counters = counters
        self._time = time
        self._priority = priority
        self._causes = causes
        self._claims: dict[int, _Claim] = {}
        self._in_flight: set[int] = set()
        # Ids up to these have been claimed: a claim need not look at them again, unless some are released.
        self._claimed_to: dict[str, int] = {}
        # What the present group has changed above, to be undone if it is not committed.
        self._started: list[int] = []
        self._settled: list[tuple[int, _Claim]] = []

    @staticmethod
    def recover(database: sqlite3.Connection, marked: frozenset[int]) -> None:
        """What was in flight when the last process ended is ready again. The rows of `marked` claims, which a plugin
        had in hand, count a crash."""
        flights = database.execute("SELECT id, ids FROM flight").fetchall()
        if not flights:
            return
        suspects = [(one,) for flight, packed in flights if flight in marked for one in array.array("q", packed)]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("UPDATE delivery SET crashes = crashes + 1 WHERE id = ?", suspects)
        database.execute("DELETE FROM flight")
        database.execute("COMMIT")

    def group_ended(self, ok: bool) -> None:
        """A group of the writer was committed, or nothing of it was done."""
        if not ok:
            for number, known in self._settled:
                self._claims[number] = known
                self._in_flight |= known.ids
            for number in self._started:
                if (gone := self._claims.pop(number, None)) is not None:
                    self._in_flight -= gone.ids
            self._claimed_to.clear()
        self._started.clear()
        self._settled.clear()

    def number(self, destination: str) -> int:
        """How many rows of a destination are in flight."""
        return sum(len(claim.ids) for claim in list(self._claims.values()) if claim.destination == destination)

    def is_in_flight(self, one: int) -> bool:
        """Whether a row is in flight."""
        return one in self._in_flight

    def claim(
        self,
        database: sqlite3.Connection,
        destination: str,
        max_items: int,
        max_bytes: int,
        newest: bool,
        untried: bool,
    ) -> Batch | None:
        """See `Queue.claim`."""
        which = "AND attempts = 0" if untried else ""
        urgent_first = not newest and self._priority.is_open(
            database, destination, self._counters.pending(destination), self._in_flight
        )
        records: Records
        if urgent_first:
            records = self._priority.records(database, destination, which)
        else:
            records = self._by_age(database, destination, which, newest)
        rows, skipped = self._fill(records, max_items, max_bytes)
        if not rows:
            return None
        ids = frozenset(row.id for row in rows)
        if not (newest or untried or urgent_first):
            self._claimed_to[destination] = rows[-1].id if skipped is None else skipped - 1
        packed = array.array("q", sorted(ids)).tobytes()
        query = "INSERT INTO flight (destination, ids) VALUES (?, ?)"
        number = database.execute(query, (destination, packed)).lastrowid
        assert number is not None
        self._claims[number] = _Claim(destination, ids)
        self._started.append(number)
        self._in_flight |= ids
        return Batch(number, tuple(rows))

    def _fill(self, records: Records, max_items: int, max_bytes: int) -> tuple[list[Row], int | None]:
        """The rows of one claim, and the first of another group that was passed over for it."""
        in_flight = self._in_flight
        rows: list[Row] = []
        size = 0
        skipped: int | None = None
        group: str | None = None
        with closing(records):  # or the statement would stay in the middle of its rows, and hold up the log
            for record in records:
                one = record[0]
                if one in in_flight:
                    continue
                if not rows:
                    group = record[GROUP]
                elif record[GROUP] != group:
                    if abs(one - rows[0].id) >= LOOK_AHEAD:
                        break
                    skipped = skipped or one
                    continue  # another group's; ours may stand further on
                if record[CRASHES]:
                    max_items = min(max_items, company(record[CRASHES]) or max_items)
                    if rows and len(rows) >= max_items:
                        break
                size += len(record[BODY]) + 1
                if rows and size > max_bytes:
                    break
                rows.append(read(record))
                if len(rows) >= max_items:
                    break
        return rows, skipped

    def _by_age(self, database: sqlite3.Connection, destination: str, which: str, newest: bool) -> sqlite3.Cursor:
        order = "DESC" if newest else "ASC"
        after = 0 if newest else self._claimed_to.get(destination, 0)
        query = f"SELECT {READ} FROM delivery WHERE destination = ? AND id > ? {which} ORDER BY id {order}"  # noqa: S608 (our own names)
        return database.execute(query, (destination, after))

    def settle(self, database: sqlite3.Connection, batch: Batch, settlement: Settlement) -> None:
        """See `Queue.settle`."""
        claim = self._claims.pop(batch.id, None)
        if claim is None:
            return
        self._settled.append((batch.id, claim))
        self._in_flight -= claim.ids
        ids, destination = claim.ids, claim.destination
        # Each row ends once, whatever a list says twice; what was delivered does not die.
        delivered = ids.intersection(settlement.delivered)
        dead = {one.id: one for one in settlement.dead if one.id in ids and one.id not in delivered}
        # What is counted is what was there: the counters can never say less than nothing.
        gone = _delete(database, destination, ids, delivered)
        died = sum([self._die(database, destination, one) for one in dead.values()])
        self._count_attempts(database, settlement)
        database.execute("DELETE FROM flight WHERE id = ?", (batch.id,))
        self._counters.add(destination, "delivered", gone)
        released = ids.difference(delivered, dead)
        payload = sum([len(row.body) for row in batch.rows if row.id not in released])
        self._counters.wait(destination, -gone - died, -payload)
        self._priority.drop(database, destination, ids - released)
        if released:
            self._claimed_to[destination] = min(self._claimed_to.get(destination, 0), min(released) - 1)

    def _die(self, database: sqlite3.Connection, destination: str, one: DeadLettered) -> bool:
        """A row becomes a dead letter; False when it is not there."""
        if (tag := database.execute("SELECT tag FROM delivery WHERE id = ?", (one.id,)).fetchone()) is None:
            return False
        cause = self._causes.number(destination, tag[0], one.reason, one.code or code_in(one.reason, one.detail))
        database.execute(BURY, (one.reason, one.detail[:LONGEST_DETAIL], self._time.now(), cause, one.id))
        database.execute("DELETE FROM delivery WHERE id = ?", (one.id,))
        self._counters.dead(destination, one.reason, one.code)
        return True

    def _count_attempts(self, database: sqlite3.Connection, settlement: Settlement) -> None:
        database.executemany(
            "UPDATE delivery SET attempts = attempts + 1, crashes = 0 WHERE id = ?",
            [(one,) for one in settlement.attempted],
        )
        now = self._time.now()
        database.executemany(
            "UPDATE delivery SET attempts = attempts + 1, crashes = 0, unknown_since = coalesce(unknown_since, ?) "
            "WHERE id = ?",
            [(now, one) for one in settlement.unknown],
        )


def _delete(database: sqlite3.Connection, destination: str, ids: Collection[int], delivered: Collection[int]) -> int:
    """Remove the delivered rows of a claim; how many there were. A whole claim without gaps is one range, in which rows
    of other destinations may be."""
    low, high = min(ids), max(ids)
    if len(delivered) == len(ids) == high - low + 1:
        query = "DELETE FROM delivery WHERE id BETWEEN ? AND ? AND destination = ?"
        return database.execute(query, (low, high, destination)).rowcount
    return database.executemany("DELETE FROM delivery WHERE id = ?", [(one,) for one in delivered]).rowcount


class Priority:
    """Used inside the writer's transactions."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    @staticmethod
    def add(database: sqlite3.Connection, rows: Sequence[tuple[str, int]]) -> None:
        """Deliveries that matter more: destination and id of each."""
        database.executemany("INSERT INTO urgent (destination, id) VALUES (?, ?)", rows)

    @staticmethod
    def drop(database: sqlite3.Connection, destination: str, ids: Collection[int]) -> None:
        """Deliveries that wait no more."""
        if database.execute("SELECT 1 FROM urgent WHERE destination = ? LIMIT 1", (destination,)).fetchone():
            database.executemany("DELETE FROM urgent WHERE destination = ? AND id = ?", [(destination, i) for i in ids])

    def is_open(self, database: sqlite3.Connection, destination: str, waiting: int, in_flight: Collection[int]) -> bool:
        """Whether the next claim of a destination, of which `waiting` deliveries wait, takes urgent ones alone."""
        if waiting <= URGENT_FROM:
            return False
        turn = self._turns[destination] = (self._turns.get(destination, 0) + 1) % BY_AGE_EVERY
        return turn != 0 and next(self._ids(database, destination, in_flight), None) is not None

    @staticmethod
    def records(database: sqlite3.Connection, destination: str, which: str) -> Generator[tuple[Any, ...], None, None]:
        """The urgent deliveries, oldest first; `which`: a condition more."""
        for (one,) in database.execute("SELECT id FROM urgent WHERE destination = ? ORDER BY id", (destination,)):
            yield from database.execute(f"SELECT {READ} FROM delivery WHERE id = ? {which}", (one,))  # noqa: S608 (our own names)

    @staticmethod
    def _ids(database: sqlite3.Connection, destination: str, in_flight: Collection[int]) -> Iterator[int]:
        query = "SELECT id FROM urgent WHERE destination = ? ORDER BY id"
        return (one for (one,) in database.execute(query, (destination,)) if one not in in_flight)


LOOKED = 200
"""Rows that are looked at in one go, without taking them: two milliseconds."""
LOOK_PAUSE = 0.002
"""Seconds in between, in which others have the processor."""
_PENDING = f"SELECT {BARE} FROM delivery WHERE destination = ? AND id > ? ORDER BY id LIMIT {LOOKED}"  # noqa: S608 (our own names)


def pending_piece(database: sqlite3.Connection, destination: str, after: int) -> list[Row]:
    """Some rows of a destination beyond an id, without their payloads."""
    return [read(record) for record in database.execute(_PENDING, (destination, after))]
