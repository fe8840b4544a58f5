"""Deliveries and pauses as rows of the SQLite engine, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Any

import msgspec

from tagserver.queue.pauses import Pause
from tagserver.queue.sqlite.schema import COLUMNS
from tagserver.queue.values import Delivery, Row

NAMES = ", ".join(COLUMNS)
_OFTEN_THE_SAME = ("name", "tag", "destination", "container", "mode", "purposes", "grp", "identity")
_ITS_OWN = ("event_id", "person", "time", "received", "expires", "body")
"""Columns that many deliveries have in common, and those that each has of its own: together `COLUMNS`."""
READ = (
    "id, event_id, name, tag, destination, purposes, person, grp, time, received, expires, identity, body, "
    "attempts, unknown_since, crashes"
)
"""The columns of a `Row`: what is needed to send it, and no more."""
GROUP, BODY, CRASHES = 7, 12, 15
"""Of these, where three are that a claim asks for before it makes a row."""
BARE = READ.replace("body", "x''")
"""The same without the payload."""
BURY = (
    f"INSERT INTO dead (id, attempts, reason, detail, buried, cause, {NAMES}) "  # noqa: S608 (our own names)
    f"SELECT id, attempts, ?, ?, ?, ?, {NAMES} FROM delivery WHERE id = ?"
)

_MOST = 64
EMPTY = bytearray()
"""With bytes behind it: these as a bytearray, in half of the time that the class takes."""
_END_PAUSE = "DELETE FROM pause WHERE destination = ?"

Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]


def pieces(rows: int) -> Iterator[tuple[int, int]]:
    """(start, length) of powers of two that cover `rows`: few statement texts, which SQLite prepares once each."""
    start = 0
    while start < rows:
        length = min(_MOST, 1 << ((rows - start).bit_length() - 1))
        yield start, length
        start += length


def insert(database: sqlite3.Connection, deliveries: Sequence[Delivery]) -> int:
    """Store deliveries, in their order. The id of the first; those of one transaction follow one another.

    A column that is the same in all of a statement is handed over once. Bytes are handed over as a bytearray: for
    `bytes`, and for None, Python's module looks for an adapter each time, which costs more than all else about them.
    """
    first = 0
    for start, rows in pieces(len(deliveries)):
        some = deliveries[start : start + rows]
        often = [
            (
                one.name,
                one.tag,
                one.destination,
                one.container,
                one.mode,
                purposes_text(one.purposes),
                one.group,
                one.identity,
            )
            for one in some
        ]
        own = [
            (one.event_id, EMPTY.join(one.person), one.time, one.received, one.expires, EMPTY + one.body)
            for one in some
        ]
        same: list[str] = []
        given: list[object] = []
        different: list[tuple[object, ...]] = []
        for name, column in zip(_OFTEN_THE_SAME, zip(*often, strict=True), strict=True):
            if column.count(column[0]) == rows:
                same.append(name)
                given.append(column[0])
            else:
                different.append(column)
        given += chain.from_iterable(zip(*different, *zip(*own, strict=True), strict=True))
        last = database.execute(_insert(rows, *same), given).lastrowid
        assert last is not None
        first = first or last - rows + 1
    return first


@lru_cache
def _insert(rows: int, *same: str) -> str:
    others = *(name for name in _OFTEN_THE_SAME if name not in same), *_ITS_OWN
    first = [f"?{number}" for number in range(1, len(same) + 1)]
    row = f"({', '.join([*first, *'?' * len(others)])})"  # a plain one is the parameter behind the highest before it
    return f"INSERT INTO delivery ({', '.join((*same, *others))}) VALUES {', '.join([row] * rows)}"  # noqa: S608 (ours)


def read(records: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Records of `READ` as the rows that they are."""
    return [
        Row(
            one, event_id, name, tag, destination, purposes_of(purposes), _cut(len(person))(person),
            group, at, received, expires, identity, body, attempts, unknown_since, crashes,
        )
        for one, event_id, name, tag, destination, purposes, person,
            group, at, received, expires, identity, body, attempts, unknown_since, crashes
        in records
    ]  # fmt: skip


def persons_of(blob: bytes) -> tuple[bytes, ...]:
    """The hashes in the column `person`."""
    return _cut(len(blob))(blob)


@lru_cache(maxsize=64)
def _cut(size: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """Cuts the hashes of a person, which are one blob of this size, from each other; a rest is left out."""
    return Struct("16s" * (size // 16) + f"{size % 16}x").unpack


@lru_cache(maxsize=256)
def purposes_text(purposes: frozenset[str]) -> str:
    """Purposes as the column `purposes` names them."""
    return " ".join(sorted(purposes))


@lru_cache(maxsize=256)
def purposes_of(text: str) -> frozenset[str]:
    """The purposes that the column `purposes` names."""
    return frozenset(text.split())


class PauseTable:
    """The `PauseStore` of the engine. `run` does a piece of work in the writer's thread, and returns once it is on
    disk."""

    def __init__(self, database: sqlite3.Connection, run: Run) -> None:
        query = "SELECT destination, names, by, note, since, until, term FROM pause"
        self._found = [_pause(record) for record in database.execute(query)]
        self._run = run

    def stored(self) -> Sequence[Pause]:
        """See `PauseStore.stored`."""
        return self._found

    async def replace(self, gone: Collection[str], pause: Pause) -> None:
        """See `PauseStore.replace`."""
        record = (
            *(pause.destination, msgspec.json.encode(pause.names).decode(), pause.by, pause.note),
            *(pause.since, pause.until, pause.term),
        )

        def work(database: sqlite3.Connection) -> None:
            database.executemany(_END_PAUSE, [(name,) for name in gone])
            database.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?, ?, ?, ?, ?)", record)

        await self._run(work)

    async def remove(self, gone: Collection[str]) -> None:
        """See `PauseStore.remove`."""
        await self._run(lambda database: database.executemany(_END_PAUSE, [(name,) for name in gone]))

    async def move_ends(self, ends: Mapping[str, int | None]) -> None:
        """See `PauseStore.move_ends`."""
        records = [(until, destination) for destination, until in ends.items()]
        await self._run(
            lambda database: database.executemany("UPDATE pause SET until = ? WHERE destination = ?", records)
        )


def _pause(record: tuple[Any, ...]) -> Pause:
    """A row of the table. One that cannot be read, of a file that was salvaged, is a pause without an end: somebody has
    to look."""
    destination, names, by, note, since, until, term = record
    try:
        known = {"destination": destination, "names": msgspec.json.decode(names), "by": by, "note": note}
        return msgspec.convert({**known, "since": since, "until": until, "term": term}, Pause)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        return Pause(destination=str(destination), names=(str(destination),), by="nobody knows", since=0)
