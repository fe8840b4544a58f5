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
from functools import lru_cache
from typing import Any, NamedTuple

from tagserver.queue.crash_suspects import company
from tagserver.queue.dead_letters import code_in
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.rows import BARE, BODY, BURY, CRASHES, GROUP, READ, pieces, read
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


class Asked(NamedTuple):
    """See `Queue.claim`."""

    destination: str
    max_items: int
    max_bytes: int
    newest: bool
    untried: bool


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

    def claim(self, database: sqlite3.Connection, asked: Sequence[Asked]) -> list[Batch | None]:
        """See `Queue.claim`; of several, each."""
        batches: list[Batch | None] = []
        for one in asked:
            records, by_age = self._records(database, one)
            rows, skipped = self._fill(records, one.max_items, one.max_bytes)
            batches.append(self._taken(database, one.destination, rows) if rows else None)
            if rows and by_age:
                self._claimed_to[one.destination] = rows[-1].id if skipped is None else skipped - 1
        return batches

    def _records(self, database: sqlite3.Connection, asked: Asked) -> tuple[Records, bool]:
        """What may be claimed, in its order; and whether that is everything from the oldest on."""
        destination, which = asked.destination, "AND attempts = 0" if asked.untried else ""
        waiting = self._counters.pending(destination)
        if not asked.newest and self._priority.is_open(database, destination, waiting, self._in_flight):
            return self._priority.records(database, destination, which), False
        order = "DESC" if asked.newest else "ASC"
        after = 0 if asked.newest else self._claimed_to.get(destination, 0)
        query = f"SELECT {READ} FROM delivery WHERE destination = ? AND id > ? {which} ORDER BY id {order}"  # noqa: S608 (our own names)
        return database.execute(query, (destination, after)), not (asked.newest or asked.untried)

    def _taken(self, database: sqlite3.Connection, destination: str, rows: list[Row]) -> Batch:
        """The rows are in flight."""
        ids = [row.id for row in rows]
        packed = array.array("q", sorted(ids)).tobytes()
        number = database.execute(
            "INSERT INTO flight (destination, ids) VALUES (?, ?)", (destination, packed)
        ).lastrowid
        assert number is not None
        claim = self._claims[number] = _Claim(destination, frozenset(ids))
        self._started.append(number)
        self._in_flight |= claim.ids
        return Batch(number, tuple(rows))

    def _fill(self, records: Records, max_items: int, max_bytes: int) -> tuple[list[Row], int | None]:
        """The rows of one claim, and the first of another group that was passed over for it."""
        in_flight = self._in_flight
        taken: list[tuple[Any, ...]] = []
        size = 0
        skipped: int | None = None
        group: str | None = None
        with closing(records):  # or the statement would stay in the middle of its rows, and hold up the log
            for record in records:
                one = record[0]
                if one in in_flight:
                    continue
                if not taken:
                    group = record[GROUP]
                elif record[GROUP] != group:
                    if abs(one - taken[0][0]) >= LOOK_AHEAD:
                        break
                    skipped = skipped or one
                    continue  # another group's; ours may stand further on
                if record[CRASHES]:
                    max_items = min(max_items, company(record[CRASHES]) or max_items)
                    if taken and len(taken) >= max_items:
                        break
                size += len(record[BODY]) + 1
                if taken and size > max_bytes:
                    break
                taken.append(record)
                if len(taken) >= max_items:
                    break
        return read(taken), skipped

    def settle(self, database: sqlite3.Connection, settled: Sequence[tuple[Batch, Settlement]]) -> list[None]:
        """See `Queue.settle`; of several, each."""
        for batch, settlement in settled:
            if (claim := self._claims.pop(batch.id, None)) is not None:
                self._settled.append((batch.id, claim))
                self._in_flight -= claim.ids
                self._settle(database, batch, settlement, claim)
        return [None] * len(settled)

    def _settle(self, database: sqlite3.Connection, batch: Batch, settlement: Settlement, claim: _Claim) -> None:
        ids, destination = claim.ids, claim.destination
        # Each row ends once, whatever a list says twice; what was delivered does not die.
        delivered = ids.intersection(settlement.delivered)
        # What is counted is what was there: the counters can never say less than nothing.
        gone = _delete(database, destination, delivered) if delivered else 0
        self._counters.add(destination, "delivered", gone)
        ended = delivered
        if settlement.dead:
            dead = {one.id: one for one in settlement.dead if one.id in ids and one.id not in delivered}
            gone += sum([self._die(database, destination, one) for one in dead.values()])
            ended = delivered.union(dead)
        if settlement.attempted or settlement.unknown:
            self._count_attempts(database, settlement)
        database.execute("DELETE FROM flight WHERE id = ?", (batch.id,))
        released = ids - ended
        payload = sum([len(row.body) for row in batch.rows if row.id not in released])
        self._counters.wait(destination, -gone, -payload)
        self._priority.drop(database, destination, ended)
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


def _delete(database: sqlite3.Connection, destination: str, ids: Collection[int]) -> int:
    """Remove rows of a destination; how many there were. Those without gaps are one range, in which rows of other
    destinations may have come to be."""
    low, high = min(ids), max(ids)
    if len(ids) == high - low + 1:
        query = "DELETE FROM delivery WHERE id BETWEEN ? AND ? AND destination = ?"
        return database.execute(query, (low, high, destination)).rowcount
    every, gone = sorted(ids), 0
    for start, rows in pieces(len(every)):
        gone += database.execute(_delete_some(rows), every[start : start + rows]).rowcount
    return gone


@lru_cache
def _delete_some(rows: int) -> str:
    return f"DELETE FROM delivery WHERE id IN ({', '.join('?' * rows)})"  # noqa: S608 (our own names)


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
    return read(database.execute(_PENDING, (destination, after)))
