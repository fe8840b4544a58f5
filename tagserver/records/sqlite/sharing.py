"""Snapshots for people without a login. Each row says whom it is about, so that an erasure finds it also when the
records that it was made of are gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from tagserver.records.api import LARGEST_SHARE, MOST_SHARES, RecordsError
from tagserver.records.sqlite.blocks import encoder
from tagserver.records.sqlite.limits import Space
from tagserver.records.sqlite.rows import HEAD, padding, room_of
from tagserver.records.sqlite.walk import Ask
from tagserver.records.values import EventRecord, Share

PART = 4
"""All shares together take at most this part of the size of the records: a quarter."""


class _About(msgspec.Struct, frozen=True, array_like=True):
    """`share` has no content here."""

    share: Share
    persons: tuple[bytes, ...]
    orders: tuple[str, ...]


_decoder = msgspec.msgpack.Decoder(_About)


class About(NamedTuple):
    """What an erasure asks of a share."""

    row: int
    event_id: str
    persons: tuple[bytes, ...]
    orders: tuple[str, ...]


def put_share(
    database: sqlite3.Connection, share: Share, records: Iterable[EventRecord], now: int, space: Space
) -> None:
    """Keep one of these records, in place of one of that id. Raises RecordsError."""
    if len(share.content) > LARGEST_SHARE:
        raise RecordsError(
            f"a share holds at most {LARGEST_SHARE >> 20} MiB, and this one has {len(share.content):,} bytes: share "
            "fewer records"
        )
    database.execute("DELETE FROM share WHERE expires <= ? OR id = ?", (now, share.id))
    count, size = database.execute("SELECT count(*), coalesce(sum(length(content)), 0) FROM share").fetchone()
    if count >= MOST_SHARES:
        raise RecordsError(f"there are {count:,} shares, and no more are kept: revoke some, or wait until some expire")
    if size + len(share.content) > space.max_size // PART:
        raise RecordsError(
            f"all shares together may take {space.max_size // PART:,} bytes, a quarter of records.max_size: revoke "
            "some, or wait until some expire"
        )
    found = list(records)
    persons = tuple(sorted({person for one in found for person in one.persons}))
    orders = tuple(sorted({one.order for one in found if one.order is not None}))
    about = encoder.encode(_About(msgspec.structs.replace(share, content=b""), persons, orders))
    length = len(about) + len(share.content) + len(share.id)
    space.make(database, None, room_of(length))
    database.execute(
        f"INSERT INTO share (id, expires, head, about, content, rest) VALUES (?, ?, zeroblob({HEAD}), ?, ?, "  # noqa: S608 (a number of ours)
        "zeroblob(?))",
        (share.id, share.expires, about, share.content, padding(length)),
    )


def read_share(ask: Ask, name: str, now: int) -> Share | None:
    """One that has not expired."""
    for about, content in ask("SELECT about, content FROM share WHERE id = ? AND expires > ?", (name, now)):
        return msgspec.structs.replace(_decoder.decode(about).share, content=content)
    return None


def read_shares(ask: Ask, now: int) -> list[Share]:
    """Those that have not expired, without their contents, the newest first."""
    rows = ask("SELECT about FROM share WHERE expires > ?", (now,))
    return sorted((_decoder.decode(about).share for (about,) in rows), key=lambda one: (-one.made, one.id))


def all_shares(ask: Ask) -> Iterator[About]:
    """Whom each share is about."""
    for row, about in ask("SELECT rowid, about FROM share", ()):
        one = _decoder.decode(about)
        yield About(row, one.share.event_id, one.persons, one.orders)
