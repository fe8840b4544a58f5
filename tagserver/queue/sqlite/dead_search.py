"""Which dead letters are meant: found by cause, by the time of death, or by name; listed and counted.

The causes are a small table of names, whose numbers the letters carry. A letter is a wide row, so what is asked of many
letters must not read them. A cause and a time are one narrow entry of an index: a million letters are counted in a
twentieth of a second, and a name that no letter ever had is known at once. Letters without a number died in an earlier
version, or were taken out of a damaged file: they are given theirs in slices, when nobody waits or before the first
question.
"""

from __future__ import annotations

import heapq
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tagserver.queue.dead_letters import (
    CAUSE_CODE,
    LARGEST_ID,
    OTHER,
    Bound,
    Cause,
    Choice,
    DeadGroup,
    DeadLetter,
    Position,
    code_in,
)

log = logging.getLogger("tagserver.delivery")

COUNTED = 20_000
"""Entries of the index that are counted in one go: about a millisecond."""
BEGINNING = Position(-LARGEST_ID, 0)
END = Position(LARGEST_ID, LARGEST_ID)
_SHOWN = "d.id, d.destination, d.tag, d.name, d.event_id, d.reason, d.detail, d.attempts, d.received, d.buried"
SETTLED = 200
MOST = 2000
MOST_CODES = 200
"""Of causes in all, and of codes for one destination, tag and reason: a vendor's code is whatever it answers."""

_INDEXES = {
    "dead_cause": "CREATE INDEX IF NOT EXISTS dead_cause ON dead (cause, buried)",
    "dead_event": "CREATE INDEX IF NOT EXISTS dead_event ON dead (event_id)",
}
ENTRY = 300
"""Bytes for one letter in both indexes, and once more in the log while they are made; an event_id may be long."""
_FIND = "SELECT id FROM cause WHERE destination = ? AND tag = ? AND reason = ? AND code = ?"


def index_causes(database: sqlite3.Connection) -> None:
    """Make the indexes where they are missing, which is once in the life of a file: a million letters take some
    seconds. Without room for them all works as well, slowly."""
    if database.execute("SELECT count(*) FROM sqlite_master WHERE name IN (?, ?)", tuple(_INDEXES)).fetchone()[0] == 2:
        return
    letters = database.execute("SELECT count(*) FROM dead").fetchone()[0]
    folder = Path(database.execute("PRAGMA database_list").fetchone()[2]).parent
    try:
        if shutil.disk_usage(folder).free < letters * ENTRY:
            raise sqlite3.OperationalError("the disk is nearly full")
        for statement in _INDEXES.values():
            database.execute(statement)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) & 0xFF != sqlite3.SQLITE_FULL:
            raise
        log.warning(
            "there is no room for the indexes of %d dead letters (%s): commands about them are slow until the next "
            "start that finds some",
            letters,
            error,
        )


class Causes:
    """The names by number. Used by the writer's thread, inside its transactions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._numbers: dict[Cause, int] = {}
        self._read()

    def _read(self) -> None:
        found = self._database.execute("SELECT id, destination, tag, reason, code FROM cause")
        self._numbers = {Cause(*names): number for number, *names in found}
        self._fresh = False

    def group_ended(self, ok: bool) -> None:
        """A group of the writer was committed, or nothing of it was done."""
        if self._fresh and not ok:
            self._read()
        self._fresh = False

    @property
    def numbers(self) -> dict[Cause, int]:
        """Every cause that letters have or had."""
        return self._numbers

    def number(self, destination: str, tag: str, reason: str, code: str) -> int:
        """The number of a cause, which is written down when it is new."""
        cause = Cause(destination, tag, reason, code if not code or CAUSE_CODE.fullmatch(code) else OTHER)
        if (known := self._numbers.get(cause)) is not None:
            return known
        if code and self._full(cause):
            cause = Cause(destination, tag, reason, OTHER)
            if (known := self._numbers.get(cause)) is not None:
                return known
        names = (cause.destination, cause.tag, cause.reason, cause.code)
        self._database.execute(
            "INSERT OR IGNORE INTO cause (destination, tag, reason, code) VALUES (?, ?, ?, ?)", names
        )
        number: int = self._database.execute(_FIND, names).fetchone()[0]
        self._numbers[cause] = number
        self._fresh = True
        return number

    def _full(self, cause: Cause) -> bool:
        if len(self._numbers) >= MOST:
            return True
        alike = sum(
            (cause.destination, cause.tag, cause.reason) == (one.destination, one.tag, one.reason)
            for one in self._numbers
        )
        return alike >= MOST_CODES

    def settle(self, database: sqlite3.Connection) -> bool:
        """Give some letters their numbers; whether there may be more without."""
        found = database.execute(
            "SELECT id, destination, tag, reason, detail FROM dead WHERE cause IS NULL LIMIT ?", (SETTLED,)
        ).fetchall()
        database.executemany(
            "UPDATE dead SET cause = ? WHERE id = ?",
            [
                (self.number(destination, tag, reason, code_in(reason, detail)), one)
                for one, destination, tag, reason, detail in found
            ],
        )
        return len(found) == SETTLED


class DeadSearch:
    """Used by the writer's thread."""

    def __init__(self, causes: Causes) -> None:
        self._causes = causes

    def bound(self, database: sqlite3.Connection) -> Bound:
        """See `DeadLetters.dead_bound`."""
        newest = database.execute("SELECT buried, id FROM dead ORDER BY buried DESC, id DESC LIMIT 1").fetchone()
        last = database.execute("SELECT max(id) FROM dead").fetchone()[0]
        return Bound(Position(*newest) if newest else BEGINNING, last or 0)

    def positions(
        self,
        database: sqlite3.Connection,
        choice: Choice,
        low: Position,
        high: Position,
        last: int,
        *,
        newest: bool = False,
    ) -> Iterator[Position]:
        """The letters of a choice behind `low` and up to `high`, in the order of death or the reverse."""
        low, high = max(low, _since(choice)), min(high, _until(choice))
        span = (low.buried, low.id, high.buried, high.id, last)
        within = "(buried, id) > (?, ?) AND (buried, id) <= (?, ?) AND id <= ?"
        order = "buried DESC, id DESC" if newest else "buried, id"
        if choice.ids or choice.event_ids:
            yield from sorted(self._named(database, choice, within, span), reverse=newest)
            return
        if not any(choice.names):
            found = database.execute(f"SELECT buried, id FROM dead WHERE {within} ORDER BY {order}", span)  # noqa: S608 (ours)
            yield from (Position(*record) for record in found)
            return
        query = f"SELECT buried, id FROM dead WHERE cause = ? AND {within} ORDER BY {order}"  # noqa: S608 (ours)
        ways = [database.execute(query, (number, *span)) for _, number in self._matching(choice)]
        try:
            yield from (Position(*record) for record in heapq.merge(*ways, reverse=newest))
        finally:
            for way in ways:
                way.close()

    def _matching(self, choice: Choice) -> list[tuple[Cause, int]]:
        return sorted((cause, number) for cause, number in self._causes.numbers.items() if choice.fits(cause))

    def _named(
        self, database: sqlite3.Connection, choice: Choice, within: str, span: tuple[int, ...]
    ) -> Iterator[Position]:
        """The letters of some ids, or of some events: few, whatever else is asked of them."""
        causes = {number for _, number in self._matching(choice)}
        column, wanted = ("id", choice.ids) if choice.ids else ("event_id", choice.event_ids)
        query = f"SELECT buried, id, cause, event_id FROM dead WHERE {column} = ? AND {within}"  # noqa: S608 (our own names)
        for value in dict.fromkeys(wanted):
            for buried, one, cause, event_id in database.execute(query, (value, *span)):
                if cause in causes and (not choice.event_ids or event_id in choice.event_ids):
                    yield Position(buried, one)

    def find(
        self, database: sqlite3.Connection, choice: Choice, limit: int, after: Position | None = None
    ) -> list[DeadLetter]:
        """See `DeadLetters.dead`."""
        high = END if after is None else Position(after.buried, after.id - 1)
        places = islice(self.positions(database, choice, BEGINNING, high, LARGEST_ID, newest=True), limit)
        query = f"SELECT {_SHOWN}, coalesce(c.code, '') FROM dead d LEFT JOIN cause c ON c.id = d.cause WHERE d.id = ?"  # noqa: S608 (ours)
        return [DeadLetter(*database.execute(query, (place.id,)).fetchone()) for place in list(places)]

    def count(self, database: sqlite3.Connection, choice: Choice, bound: Bound | None) -> Iterator[int]:
        """Counts the letters of a choice in pieces, each of which takes about a millisecond."""
        low, high = _since(choice), min(_until(choice), bound.end if bound else END)
        last = bound.last if bound else LARGEST_ID
        if choice.ids or choice.event_ids:
            yield sum(1 for _ in self.positions(database, choice, low, high, last))
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
        for letter in self.find(database, choice, LARGEST_ID):
            by.setdefault(Cause(letter.destination, letter.tag, letter.reason, letter.code), []).append(letter)
        for cause, letters in sorted(by.items()):
            yield DeadGroup(cause, len(letters), letters[-1].buried, letters[0].buried, letters[0].event_id)


def _since(choice: Choice) -> Position:
    return BEGINNING if choice.since is None else Position(choice.since - 1, LARGEST_ID)


def _until(choice: Choice) -> Position:
    return END if choice.until is None else Position(choice.until - 1, LARGEST_ID)


def _count(database: sqlite3.Connection, number: int, low: Position, high: Position, last: int) -> Iterator[int]:
    """How many letters of a cause are in a span, in pieces."""
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
        low = Position(*end)
        yield COUNTED
