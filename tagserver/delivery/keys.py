"""Keys that are known for a while (deduplication, once-per) and tombstones of persons, in the SQLite engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from tagserver.delivery.rows import pieces

SLICE = 500


class Keys:
    """Inside the writer's transactions, but for `withdrawn`, which is asked from any thread. Times in ms."""

    def __init__(self, database: sqlite3.Connection, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._tombstones: dict[bytes, int] = dict(database.execute("SELECT person, expires FROM tombstone"))
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

    def withdraw(self, database: sqlite3.Connection, persons: Sequence[bytes], ttl: float) -> None:
        """Write tombstones. They count from here on, whether the commit succeeds or not: the safe side."""
        expires = self._clock() + int(ttl * 1000)
        rows = [(person, expires) for person in persons]
        database.executemany("INSERT OR REPLACE INTO tombstone (person, expires) VALUES (?, ?)", rows)
        self._tombstones.update(rows)

    def withdrawn(self, persons: Sequence[bytes]) -> bool:
        """Whether a tombstone stands for one of the persons."""
        if not self._tombstones:
            return False
        now = self._clock()
        return any(self._tombstones.get(person, 0) > now for person in persons)

    def purge(self, database: sqlite3.Connection) -> bool:
        """Remove a slice of what is past its time; whether there is more to look through.

        Keys are looked through in their own order: an index by time would cost every append a write.
        """
        now = self._clock()
        seen = database.execute(
            "SELECT key, expires FROM known WHERE key > ? ORDER BY key LIMIT ?", (self._purged_to, SLICE)
        ).fetchall()
        database.executemany("DELETE FROM known WHERE key = ?", [(key,) for key, expires in seen if expires <= now])
        database.execute("DELETE FROM tombstone WHERE expires <= ?", (now,))
        self._purged_to = seen[-1][0] if len(seen) == SLICE else b""
        return bool(self._purged_to)


@lru_cache
def _known(rows: int) -> str:
    return f"SELECT key FROM known WHERE key IN ({', '.join('?' * rows)}) AND expires > ?"  # noqa: S608 (our own names)


@lru_cache
def _remember(rows: int) -> str:
    return f"INSERT OR REPLACE INTO known (key, expires) VALUES {', '.join(['(?, ?)'] * rows)}"  # noqa: S608
