"""Keys that are known for a while (deduplication, once-per), in the SQLite engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from tagserver.delivery.rows import pieces

SLICE = 500


class Keys:
    """Used inside the writer's transactions. Times in ms."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._purged_to = b""

    def remember_new(self, database: sqlite3.Connection, keys: Collection[bytes], ttl: float) -> set[bytes]:
        """Write keys; those that were not known, or past their time."""
        now = self._clock()
        expires = now + int(ttl * 1000)
        waiting = sorted(keys)
        # Those that are known are few, and asked for first: each row that a statement gives costs a change of hands
        # with the event loop.
        known: set[bytes] = set()
        for start, rows in pieces(len(waiting)):
            asked = waiting[start : start + rows]
            known.update(key for (key,) in database.execute(_known(rows), [*asked, now]))
        new = [key for key in waiting if key not in known]
        for start, rows in pieces(len(new)):
            values = [value for key in new[start : start + rows] for value in (key, expires)]
            database.execute(_remember(rows), values)
        return set(new)

    def remember(self, database: sqlite3.Connection, keys: Sequence[bytes], ttl: float) -> None:
        """Keep keys from now on for `ttl` seconds."""
        expires = self._clock() + int(ttl * 1000)
        database.executemany(
            "INSERT OR REPLACE INTO known (key, expires) VALUES (?, ?)", [(key, expires) for key in keys]
        )

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
    return f"SELECT key FROM known WHERE key IN ({', '.join('?' * rows)}) AND expires > ?"  # noqa: S608 (our own names)


@lru_cache
def _remember(rows: int) -> str:
    return f"INSERT OR REPLACE INTO known (key, expires) VALUES {', '.join(['(?, ?)'] * rows)}"  # noqa: S608
