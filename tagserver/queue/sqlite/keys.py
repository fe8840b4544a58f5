"""The keys by which repeats are noticed: each with the time when it ends, and perhaps a mark by which is noticed that a
repeat says something else.

They are in two tables, as a key of 16 random bytes lies alone on its page. In a table of a million each one that comes
would write a page of its own, twice with the checkpoint, and that would be most of what taking in costs. So those of a
group are first written one behind another, as one row of `recent`, in the transaction of their deliveries, and are also
in memory. When `MOST` have gathered they become a generation, which moves to the sorted table `known` in slices of the
key space: neighbours share a page. Each append moves two for each key that it adds, so that there are never many more
than `MOST` in memory; a slice of `SLICE` keys takes 3 ms among two millions. What comes seldom moves when the
housekeeping looks for what is past its time.

A generation leaves `recent` with its last slice. After a kill before that, part of it is in both tables, and moves once
more: that changes nothing. What is in memory holds against `known`, as it is younger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Annotated

import msgspec

from tagserver.queue.errors import Damaged
from tagserver.queue.sqlite.rows import EMPTY, pieces
from tagserver.system.time import Time

Known = tuple[bytes, int, bytes]
"""A key, the time (ms) when it ends, and its mark."""

MOST = 1 << 15
"""Keys that gather before they move."""
SLICE = 512
"""Keys that move at a time; more only in a transaction that adds more than half of that."""
PURGED = 500
"""Keys that are looked through for old ones in one go."""
_PARTS = 256
"""Of the key space, by the first byte."""

KEY = itemgetter(0)
"""Of a `Known`."""
_decoder = msgspec.msgpack.Decoder(list[tuple[Annotated[bytes, msgspec.Meta(min_length=1)], int, bytes]])


class Keys:
    """Used inside the writer's transactions, and told how each ended. `most`: how many gather before they move. Times
    in ms. Raises Damaged at the begin."""

    def __init__(self, database: sqlite3.Connection, time: Time, most: int = MOST) -> None:
        self._time = time
        self._most = most
        self._purged_to: bytes | None = None
        # What the present transaction adds, and what it takes out of memory, until it is known how it ends.
        self._added: dict[bytes, Known] = {}
        self._dropped: list[tuple[dict[bytes, Known], Known]] = []
        self._recent: dict[bytes, Known] = {}
        for one, packed in database.execute("SELECT id, keys FROM recent ORDER BY id"):
            if (keys := _unpack(packed)) is None:
                raise Damaged(f"the recent keys of row {one} cannot be read")
            self._recent.update(zip(map(KEY, keys), keys, strict=True))
        self._generation = _Generation({}, 0)
        self._owed = 0

    def group_ended(self, ok: bool) -> None:
        """The transaction is on disk, or nothing of it was done."""
        if ok:
            self._recent.update(self._added)
        else:
            for table, known in reversed(self._dropped):
                table[known[0]] = known
        self._dropped.clear()
        self._added.clear()
        self._generation.ended(ok)

    def marks(self, database: sqlite3.Connection, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are kept and not past their time, each with its mark.

        They are few, and asked for before anything is written: each row that a statement gives costs a change of hands
        with the event loop.
        """
        now = self._time.now()
        waiting = [*{*keys}]
        found: dict[bytes, bytes] = {}
        for start, rows in pieces(len(waiting)):
            asked = [EMPTY + key for key in waiting[start : start + rows]]
            found.update((key, mark or b"") for key, mark in database.execute(_known(rows), [*asked, now]))
        for table in (self._generation.keys, self._recent, self._added):
            for key in waiting:
                if (known := table.get(key)) is not None:  # a younger one counts, also where it is past its time
                    if known[1] > now:
                        found[key] = known[2]
                    else:
                        found.pop(key, None)
        return found

    def known_to(self, database: sqlite3.Connection, asked: Sequence[Collection[bytes]]) -> list[dict[bytes, bytes]]:
        """See `Queue.known`, for several who ask at the same time."""
        found = self.marks(database, [key for keys in asked for key in keys])
        return [{key: found[key] for key in keys if key in found} for keys in asked]

    def add(self, database: sqlite3.Connection, keys: list[Known]) -> bool:
        """Keep keys that are all new. False when they are not: when one of them is there, or is there twice; then none
        is kept."""
        new = dict(zip(map(KEY, keys), keys, strict=True))
        if len(new) < len(keys):
            return False
        for table in (self._recent, self._generation.keys, self._added):
            if not table.keys().isdisjoint(new):
                return False
        waiting = [EMPTY + key for key in new]
        for start, rows in pieces(len(waiting)):
            if database.execute(_any(rows), waiting[start : start + rows]).fetchone() is not None:
                return False
        self.remember(database, keys)
        return True

    def remember(self, database: sqlite3.Connection, keys: list[Known]) -> None:
        """Keep keys, which are all different, in the place of what was kept of them."""
        if not keys:
            return
        if len(self._recent) >= self._most and not self._generation.moves:
            self._next_generation(database)
        database.execute("INSERT INTO recent (keys) VALUES (?)", (EMPTY + msgspec.msgpack.encode(keys),))
        self._added.update(zip(map(KEY, keys), keys, strict=True))
        self._owed += 2 * len(keys)
        if self._owed >= SLICE:
            self._generation.move(database, self._owed)
            self._owed = 0

    def forget(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> int:
        """Remove keys; how many there were."""
        gone = {key for key in keys if database.execute("DELETE FROM known WHERE key = ?", (key,)).rowcount}
        recent = set[bytes]()
        for table in (self._recent, self._generation.keys, self._added):
            for key in keys:
                if (known := table.pop(key, None)) is not None:
                    recent.add(key)
                    if table is not self._added:
                        self._dropped.append((table, known))
        if recent or self._generation.moves:
            _rewrite(database, {*keys})
        return len(gone | recent)

    def purge(self, database: sqlite3.Connection) -> bool:
        """Remove a slice of what is past its time; whether there is more to look through. First what is recent
        moves, slice by slice.

        Keys are looked through in their own order: an index by time would cost every append a write.
        """
        if self._purged_to is None:
            if not self._generation.moves:
                self._next_generation(database)
            self._purged_to = b""
        if self._generation.move(database, SLICE):
            return True
        now = self._time.now()
        seen = database.execute(
            "SELECT key, expires FROM known WHERE key > ? ORDER BY key LIMIT ?", (self._purged_to, PURGED)
        ).fetchall()
        database.executemany("DELETE FROM known WHERE key = ?", [(key,) for key, expires in seen if expires <= now])
        self._purged_to = seen[-1][0] if len(seen) == PURGED else None
        return self._purged_to is not None

    def _next_generation(self, database: sqlite3.Connection) -> None:
        """All that is recent begins to move, but not in a transaction that has changed some of it."""
        if self._recent and not (self._added or self._dropped):
            last = database.execute("SELECT max(id) FROM recent").fetchone()[0]
            self._generation, self._recent = _Generation(self._recent, last), {}


class _Generation:
    """What moves to `known`: all of the rows of `recent` up to `last`. `keys`: those that have not moved yet."""

    def __init__(self, keys: dict[bytes, Known], last: int) -> None:
        self.keys = keys
        self.moves = bool(keys)
        """Whether its rows are in `recent`."""
        self._last = last
        self._parts: list[list[bytes]] = [[] for _ in range(_PARTS)]
        for key in keys:
            self._parts[key[0]].append(key)
        # Parts that have moved for good, and with the present transaction.
        self._moved = self._moving = 0

    def move(self, database: sqlite3.Connection, number: int) -> bool:
        """Move at least `number`, as far as there are; whether there are more."""
        if not self.moves:
            return False
        some: list[Known] = []
        while len(some) < number and self._moving < _PARTS:
            some += [self.keys[key] for key in sorted(self._parts[self._moving]) if key in self.keys]
            self._moving += 1
        put(database, some)
        if self._moving == _PARTS:
            database.execute("DELETE FROM recent WHERE id <= ?", (self._last,))
        return self._moving < _PARTS

    def ended(self, ok: bool) -> None:
        """The transaction is on disk, or nothing of it was done."""
        if not ok:
            self._moving = self._moved
        while self._moved < self._moving:
            for key in self._parts[self._moved]:
                self.keys.pop(key, None)
            self._parts[self._moved].clear()
            self._moved += 1
        if self._moved == _PARTS:
            self.moves = False


def count(database: sqlite3.Connection) -> int:
    """How many different keys a file holds, of whatever format."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    number: int = database.execute("SELECT count(*) FROM known").fetchone()[0] if "known" in tables else 0
    young = {key for key, _, _ in recent(database)} if "recent" in tables else ()
    return number + sum(
        database.execute("SELECT 1 FROM known WHERE key = ?", (key,)).fetchone() is None for key in young
    )


def recent(database: sqlite3.Connection) -> Iterator[Known]:
    """The keys in `recent`, the youngest of equal ones last. A row that cannot be read is left out."""
    for (packed,) in database.execute("SELECT keys FROM recent ORDER BY id"):
        yield from _unpack(packed) or ()


def put(database: sqlite3.Connection, keys: Sequence[Known]) -> None:
    """Write keys into `known`, in the place of what is there of them."""
    for start, rows in pieces(len(keys)):
        given: list[object] = []
        for key, expires, mark in keys[start : start + rows]:
            given += (EMPTY + key, expires, EMPTY + mark)  # see `rows.insert`
        database.execute(_put(rows), given)


def _unpack(packed: object) -> list[Known] | None:
    """The keys of a row; None when it is damaged."""
    try:
        return _decoder.decode(packed) if isinstance(packed, bytes) else None
    except msgspec.DecodeError:
        return None


def _rewrite(database: sqlite3.Connection, gone: Collection[bytes]) -> None:
    """Write the rows of `recent` anew that hold some of these keys, without them."""
    for one, packed in database.execute("SELECT id, keys FROM recent").fetchall():
        keys = _unpack(packed) or []
        if len(kept := [known for known in keys if known[0] not in gone]) < len(keys):
            database.execute("UPDATE recent SET keys = ? WHERE id = ?", (EMPTY + msgspec.msgpack.encode(kept), one))


@lru_cache
def _known(rows: int) -> str:
    return f"SELECT key, mark FROM known WHERE key IN ({', '.join('?' * rows)}) AND expires > ?"  # noqa: S608 (our own names)


@lru_cache
def _any(rows: int) -> str:
    return f"SELECT 1 FROM known WHERE key IN ({', '.join('?' * rows)}) LIMIT 1"  # noqa: S608 (our own names)


@lru_cache
def _put(rows: int) -> str:
    values = ", ".join(["(?, ?, ?)"] * rows)
    return f"INSERT OR REPLACE INTO known (key, expires, mark) VALUES {values}"  # noqa: S608 (our own names)
