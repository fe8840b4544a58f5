"""What waits in a queue that came back from a backup: nobody knows whether it was sent since.

Its rows become dead letters with the reason `restored`, so that nothing goes out before somebody decides, and listing,
erasure, retention and the account go on as for every dead letter. `unknown_since` stays with the row: when it is sent
after all, the vendor's window for repeats counts from the moment of the backup.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from tagserver.queue.dead import RESTORED
from tagserver.queue.outbox import EVERYTHING, Tombstone, Trace
from tagserver.queue.presence import Presence
from tagserver.queue.sqlite.causes import Causes
from tagserver.queue.sqlite.claims import Flights
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.erasure_walk import Erasure
from tagserver.queue.sqlite.priority import Lanes
from tagserver.queue.sqlite.rows import NAMES
from tagserver.queue.sqlite.schema import open_database
from tagserver.queue.sqlite.tombstones import Tombstones

DETAIL = "waited when the backup was made; the vendor may have got it since"
_CAUSE = (
    "(SELECT c.id FROM cause c WHERE c.destination = d.destination AND c.tag = d.tag AND c.reason = ?1 AND c.code = '')"
)
_ANY_SIZE = 1 << 46
KEPT = 37 * 86400.0
"""Seconds that what was taken back is kept in a restored queue at least, however long ago it was: its rows are here
again."""


class Laid(msgspec.Struct, frozen=True, gc=False):
    """Something a person has taken back, as it was written down beside the queue. `keep`: ms until when at least."""

    stone: Tombstone
    keep: int


class Lifted(msgspec.Struct, frozen=True, gc=False):
    """Purposes that persons have granted again from `at` (ms) on."""

    persons: tuple[bytes, ...]
    purposes: frozenset[str]
    at: int


def hold(path: Path, backup: int, now: int) -> int:
    """Hold what waits in a restored file, which is brought to today's format. `backup`: when the backup was made,
    `now`: both in ms. How many deliveries. Raises OutboxStartError, sqlite3.Error."""
    with closing(open_database(path, _ANY_SIZE)) as database:
        # Their pages become free, and must not keep what is erased from the dead letters later.
        database.execute("PRAGMA secure_delete=ON")
        database.execute("BEGIN IMMEDIATE")
        counters = Counters(database)
        query = "SELECT destination, count(*), sum(length(body)) FROM delivery GROUP BY destination"
        waiting = database.execute(query).fetchall()
        causes = Causes(database)
        for destination, tag in database.execute("SELECT DISTINCT destination, tag FROM delivery").fetchall():
            causes.number(destination, tag, RESTORED, "")
        database.execute(
            f"INSERT INTO dead (id, attempts, reason, detail, buried, unknown_since, cause, {NAMES}) "  # noqa: S608 (ours)
            f"SELECT id, attempts, ?1, ?2, ?3, coalesce(unknown_since, ?4), {_CAUSE}, {NAMES} FROM delivery AS d",
            (RESTORED, DETAIL, now, backup),
        )
        for table in ("delivery", "urgent", "flight"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 (ours)
        for destination, number, payload in waiting:
            counters.wait(destination, -number, -payload)
            counters.add(destination, DEAD + RESTORED, number)
        counters.write(database)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return sum(number for _, number, _ in waiting)


def take_back(path: Path, lines: Iterable[Laid | Lifted], clock: Callable[[], int]) -> int:
    """Write what persons have taken back and granted again into a restored file, in this order, and erase what is left
    of those who asked to be forgotten. (What was taken back by purpose is judged by the server, which knows what each
    tag needs: nothing of it is sent.) How many deliveries were erased. Raises OutboxStartError, sqlite3.Error."""
    with closing(open_database(path, _ANY_SIZE)) as database:
        database.execute("PRAGMA secure_delete=ON")  # else their text stays in pages that nobody uses
        database.execute("BEGIN IMMEDIATE")
        stones = Tombstones(database, clock)
        for line in lines:
            if isinstance(line, Laid):
                stones.write(database, [line.stone], max(KEPT, (line.keep - clock()) / 1000))
            else:
                stones.lift(database, line.persons, line.purposes, line.at)
        counters = Counters(database)
        erasure = Erasure(counters, Flights(counters, Lanes(), Causes(database), clock), Presence(empty=False))
        erased = _erase(database, erasure, lambda persons, at: EVERYTHING in stones.withdrawn(persons, at))
        counters.write(database)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return erased


def _erase(database: sqlite3.Connection, erasure: Erasure, forgotten: Callable[[Sequence[bytes], int], bool]) -> int:
    def doomed(row: Trace) -> bool:
        return bool(row.person) and forgotten(row.person, row.at)

    number = 0
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        piece = erasure.piece(database, doomed, after)
        number += sum(piece.queue.values()) + sum(piece.dead.values())
        after = piece.after
    return number
