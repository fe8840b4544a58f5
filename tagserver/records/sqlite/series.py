"""A series: a table of blocks, the oldest first, and the one block that is being written. Its row is written anew with
each group as long as it is small and young, so that a calm hour does not make a block an event."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tagserver.records.sqlite.blocks import Block
from tagserver.records.sqlite.rows import HEAD, padding, room_in_sql, room_of

LARGEST = 24 << 10
"""Bytes of a block from which on the next one begins."""
OLDEST = 3_600_000
"""Milliseconds between the begin of a block and the last record that is put into it: blocks are removed whole."""

Record = TypeVar("Record")
MakeRoom = Callable[[int], None]
"""Hears how many bytes of the file are needed, before they are."""


class Kind(NamedTuple, Generic[Record]):
    """What a series is made of. `piece`: how many records, from a place on, are put into a block before its size is
    looked at; `time`: of a record, ms; `number`: of a record, None where records have none and are counted here."""

    table: str
    new: Callable[[int], Block[Record]]
    read: Callable[[int, bytes, bytes], list[Record]]
    time: Callable[[Record], int]
    piece: Callable[[Sequence[Record], int], int]
    number: Callable[[Record], int] | None = None


class Oldest(NamedTuple):
    """The oldest block: its times, and the bytes of the file that it takes."""

    first: int
    since: int
    until: int
    room: int


def create(table: str) -> str:
    """The statement that makes a series' table. `first` and `last`: numbers of records; `since` and `until`: their
    times, ms; `head` and `rest`: see `rows`."""
    return (
        f"CREATE TABLE {table} (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, since INTEGER NOT NULL, "
        "until INTEGER NOT NULL, count INTEGER NOT NULL, head BLOB NOT NULL, filter BLOB NOT NULL, "
        "shared BLOB NOT NULL, body BLOB NOT NULL, rest BLOB NOT NULL)"
    )


_ROOM = room_in_sql("length(filter) + length(shared) + length(body)")


class Series(Generic[Record]):
    """One of them; whoever writes calls one at a time, with the connection that writes, inside a transaction."""

    def __init__(self, kind: Kind[Record], database: sqlite3.Connection) -> None:
        self.kind = kind
        self._block: Block[Record] | None = None
        self._first = self._begun = self._room = 0
        self.next = 0
        """The number of the next record."""
        self.room = 0
        """Bytes of the file that all blocks take."""
        table = kind.table
        self._insert = (
            f"INSERT OR REPLACE INTO {table} (first, last, since, until, count, head, filter, shared, body, rest) "  # noqa: S608 (our own names)
            f"VALUES (?, ?, ?, ?, ?, zeroblob({HEAD}), ?, ?, ?, zeroblob(?))"
        )
        self._delete = f"DELETE FROM {table} WHERE first = ?"  # noqa: S608 (our own names)
        self._oldest = f"SELECT first, since, until, {_ROOM} FROM {table} ORDER BY first LIMIT 1"  # noqa: S608 (our own names)
        self.settle(database)

    def settle(self, database: sqlite3.Connection) -> None:
        """Look at the file anew: it is not as this was left. What was being written is not gone on with."""
        self._block = None
        query = f"SELECT coalesce(max(last), -1) + 1, coalesce(sum({_ROOM}), 0) FROM {self.kind.table}"  # noqa: S608 (our own names)
        self.next, self.room = database.execute(query).fetchall()[0]

    def add(self, database: sqlite3.Connection, records: Sequence[Record], make_room: MakeRoom) -> None:
        """Put these behind those that are there."""
        kind, number, start = self.kind, self.kind.number, 0
        while start < len(records):
            piece = records[start : start + kind.piece(records, start)]
            at = kind.time(piece[0])
            if self._block is not None and abs(at - self._begun) > OLDEST:
                self._block = None  # its row is up to date
            if self._block is None:
                self._first = number(piece[0]) if number else self.next
                self._block, self._begun, self._room = kind.new(self._first), at, 0
            self._block.add(piece)
            self.next = number(piece[-1]) + 1 if number else self.next + len(piece)
            start += len(piece)
            if self._block.size >= LARGEST:
                self._put(database, self._block, make_room)
                self._block = None
        if self._block is not None:
            self._put(database, self._block, make_room)

    def _put(self, database: sqlite3.Connection, block: Block[Record], make_room: MakeRoom) -> None:
        """Write the row of the block that is being written."""
        since, until, count, filter_, shared, body = block.content()
        length = len(filter_) + len(shared) + len(body)
        room = room_of(length)
        make_room(room - self._room)
        row = (self._first, self.next - 1, since, until, count, filter_, shared, body, padding(length))
        database.execute(self._insert, row)
        self.room += room - self._room
        self._room = room

    def replace(self, database: sqlite3.Connection, first: int, last: int, records: Sequence[Record]) -> None:
        """Write the block `first`, whose last number was `last`, with these records alone; without any it goes. Call
        `settle` before anything is added."""
        if not records:
            database.execute(self._delete, (first,))
            return
        block = self.kind.new(first)
        block.add(records)
        since, until, count, filter_, shared, body = block.content()
        rest = padding(len(filter_) + len(shared) + len(body))
        database.execute(self._insert, (first, last, since, until, count, filter_, shared, body, rest))

    def amend(
        self, database: sqlite3.Connection, first: int, last: int, records: Sequence[Record], make_room: MakeRoom
    ) -> None:
        """Write the block `first` with these records; if it is the one being written, it is gone on with."""
        block = self.kind.new(first)
        block.add(records)
        if self._block is not None and first == self._first:
            self._block = block
            self._put(database, block, make_room)
        else:
            self.replace(database, first, last, records)

    def let_go(self, before: int) -> None:
        """If all that may be in the block that is being written is older, it is not gone on with."""
        if self._begun + OLDEST < before:
            self._block = None

    def oldest(self, database: sqlite3.Connection) -> Oldest | None:
        """The oldest block, if it is not the one being written."""
        found = database.execute(self._oldest).fetchall()
        if not found or (self._block is not None and found[0][0] == self._first):
            return None
        return Oldest(*found[0])

    def remove(self, database: sqlite3.Connection, oldest: Oldest) -> None:
        """Remove the oldest block."""
        database.execute(self._delete, (oldest.first,))
        self.room -= oldest.room


def rooms(series: Iterable[Series[Any]]) -> int:
    """Bytes of the file that these take together."""
    return sum(one.room for one in series)
