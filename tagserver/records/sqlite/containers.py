"""What containers meant: one row a version, as long as an event names it, and the newest of them in any case."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from tagserver.records.sqlite.blocks import encoder
from tagserver.records.sqlite.limits import Space
from tagserver.records.sqlite.walk import Ask
from tagserver.records.values import ContainerText, EventRecord

NEWEST = 50
"""Versions that are kept although no event names them."""
PART = 8
"""These take at most this part of the size: an eighth."""
NAMED_EVERY = 1000
"""A row says which event named it last; it may be behind by so many."""
NEVER = -NAMED_EVERY

_decoder = msgspec.msgpack.Decoder(ContainerText)


class Containers:
    """Whoever writes calls one at a time, inside a transaction."""

    def __init__(self) -> None:
        self._named: dict[str, int] = {}

    def settle(self) -> None:
        """What was noted may not be in the file."""
        self._named.clear()

    def put(self, database: sqlite3.Connection, texts: Sequence[ContainerText], space: Space) -> None:
        """Keep these, the last one as the newest."""
        for one in texts:
            text = encoder.encode(one)
            space.make(database, None, 2 * len(text))
            database.execute(
                "INSERT OR REPLACE INTO container (version, named, text) "
                "VALUES (?1, coalesce((SELECT named FROM container WHERE version = ?1), ?2), ?3)",
                (one.version, NEVER, text),
            )

    def name(self, database: sqlite3.Connection, events: Sequence[EventRecord]) -> None:
        """These events, of which the last one has the highest number, name their versions."""
        last = events[-1].number
        for version in {one.version for one in events}:
            if last - self._named.get(version, NEVER) >= NAMED_EVERY:
                database.execute("UPDATE container SET named = max(named, ?) WHERE version = ?", (last, version))
                self._named[version] = last

    def expire(self, database: sqlite3.Connection, oldest: int | None, space: Space) -> None:
        """Remove those that no event names, from the number `oldest` on, but for the newest."""
        query = "SELECT id, version, named, length(text) FROM container ORDER BY id DESC"
        size = 0
        for place, (row, version, named, length) in enumerate(database.execute(query).fetchall()):
            size += length
            is_new = place < NEWEST and size * PART <= space.max_size
            if place and not is_new and (oldest is None or named + NAMED_EVERY < max(oldest, 1)):
                database.execute("DELETE FROM container WHERE id = ?", (row,))
                self._named.pop(version, None)


def read_container(ask: Ask, version: str) -> ContainerText | None:
    """What a container meant."""
    rows = ask("SELECT text FROM container WHERE version = ?", (version,))
    try:
        return _decoder.decode(rows[0][0]) if rows else None
    except msgspec.DecodeError:
        return None
