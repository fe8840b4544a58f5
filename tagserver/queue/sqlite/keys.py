"""Keys that are known for a while (deduplication, orders, once-per), in the SQLite engine: each with the time when it
ends, and perhaps a mark by which a repeat that says something else is noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

from tagserver.queue.sqlite.rows import pieces

SLICE = 500


class Keys:
    """Used inside the writer's transactions. Times in ms."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._purged_to = b""

    def marks(self, database: sqlite3.Connection, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are kept and not past their time, each with its mark.

        They are few, and asked for before anything is written: each row that a statement gives costs a change of hands
        with the event loop.
        """
        now = self._clock()
        waiting = sorted(keys)
        found: dict[bytes, bytes] = {}
        for start, rows in pieces(len(waiting)):
            asked = waiting[start : start + rows]
            found.update((key, mark or b"") for key, mark in database.execute(_known(rows), [*asked, now]))
        return found

    def remember(self, database: sqlite3.Connection, keys: Mapping[bytes, tuple[float, bytes]]) -> None:
        """Keep keys from now on, each for its seconds and with its mark."""
        now = self._clock()
        waiting = sorted(keys)
        for start, rows in pieces(len(waiting)):
            values: list[bytes | int | None] = []
            for key in waiting[start : start + rows]:
                ttl, mark = keys[key]
                values += (key, now + int(ttl * 1000), mark or None)
            database.execute(_remember(rows), values)

    def known(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> frozenset[bytes]:
        """Those of the keys that are kept and not past their time."""
        now = self._clock()
        query = "SELECT 1 FROM known WHERE key = ? AND expires > ?"
        return frozenset(key for key in keys if database.execute(query, (key, now)).fetchone())

    def forget(self, database: sqlite3.Connection, keys: Sequence[bytes]) -> int:
        """Remove keys; how many there were."""
        return sum(database.execute("DELETE FROM known WHERE key = ?", (key,)).rowcount for key in keys)

    def purge(self, database: sqlite3.Connection) -> bool:
        """Remove a slice of what is past its time; whether there is more to look through.

        Keys are looked through in their own order: an index by time would cost every append a write.
        """
        now = self._clock()
        seen = database.execute(
            "SELECT key, expires FROM known WHERE key > ? ORDER BY key LIMIT ?", (self._purged_to, SLICE)
        ).fetchall()
        database.executemany("DELETE FROM known WHERE key = ?", [(key,) for key, expires in seen if expires <= now])
        self._purged_to = seen[-1][0] if len(seen) == SLICE else b""
        return bool(self._purged_to)


@lru_cache
def _known(rows: int) -> str:
    return f"SELECT key, mark FROM known WHERE key IN ({', '.join('?' * rows)}) AND expires > ?"  # noqa: S608 (our own names)


@lru_cache
def _remember(rows: int) -> str:
    return f"INSERT OR REPLACE INTO known (key, expires, mark) VALUES {', '.join(['(?, ?, ?)'] * rows)}"  # noqa: S608 (ours)
