"""A copy of a queue's file while a server writes it, what such a copy holds, and how a restored one is made safe.

The copy is made by a second connection of the same process that only reads: it neither writes nor checkpoints, so that
SQLite's "WAL-reset bug" (see `startup`) cannot happen, and in WAL mode a reader holds up no commit. While it reads, the
log cannot begin anew: it grows by what is written meanwhile. `VACUUM INTO` copies rows, not pages: text of what was
erased is not in the copy.

What waits in a queue that came back from a backup may have been sent since: nobody knows. Its rows become dead letters
with the reason `restored`, so that nothing goes out before somebody decides, and listing, erasure, retention and the
account go on as for every dead letter. `unknown_since` stays with the row: when it is sent after all, the vendor's
window for repeats counts from the moment of the backup.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from tagserver.queue.dead_letters import RESTORED
from tagserver.queue.errors import Damaged, ForeignFile
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.sqlite import keys
from tagserver.queue.sqlite.claims import Claims, Priority
from tagserver.queue.sqlite.counters import DEAD, Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import NAMES
from tagserver.queue.sqlite.schema import APPLICATION_ID, FIRST, FIRST_TABLES, VERSION, migrate, open_database
from tagserver.queue.sqlite.suppressions import ErasureWalk, Tombstones
from tagserver.queue.values import EVERYTHING, Tombstone, Trace
from tagserver.system.time import Time

ENDING = ".snapshot-"
"""Behind the queue's name: a copy that waits to be packed."""
_APPLICATION = slice(68, 72)
"""Of SQLite's file format: where the header says whose file it is."""


class Facts(msgspec.Struct, frozen=True):
    """What a copy holds. `schema`: the format of the file."""

    schema: int
    pending: int
    dead: int
    keys: int
    withdrawn: int


def queue_in(data: Path) -> Path | None:
    """The queue's file of a data folder whose server does not run; None when there is none, or nobody can tell."""
    found = queues_in(data)
    usual = data / "outbox.db"
    return usual if usual in found else found[0] if len(found) == 1 else None


def queues_in(data: Path) -> list[Path]:
    """The files of a data folder that are queues of ours, whichever of them is configured."""
    return [path for path in sorted(data.glob("*")) if path.suffix in (".db", ".sqlite") and _is_ours(path)]


def _is_ours(path: Path) -> bool:
    if not path.is_file():  # a pipe would keep whoever opens it
        return False
    try:
        with path.open("rb") as file:
            return file.read(100)[_APPLICATION] == APPLICATION_ID.to_bytes(4, "big")
    except OSError:
        return False


def copy_queue(queue: Path, to: Path) -> None:
    """Write what the queue holds at this moment to a new file that its owner alone can read. It takes as long as the
    disk needs. Raises OSError, sqlite3.Error; then nothing is left of it."""
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(f"{queue.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.Error as error:
        to.unlink(missing_ok=True)
        raise OSError(str(error)) from None
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def facts_of(copy: Path) -> Facts:
    """Look through a copy. Raises ForeignFile for one that is not ours or is newer, Damaged for one that cannot be
    read."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as database:
            application = database.execute("PRAGMA application_id").fetchone()[0]
            schema = database.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION_ID:
                raise ForeignFile(f"{copy.name} is not a queue of tagserver")
            if schema > VERSION:
                raise ForeignFile(
                    f"its queue is of a newer tagserver (format {schema}, this one knows {VERSION}): install that one"
                )
            tables = ("delivery", "held_copy", "dead", "withdrawal")
            pending, held, dead, withdrawn = (_count(database, table) for table in tables)
            return Facts(schema, pending + held, dead, keys.count(database), withdrawn)
    except sqlite3.DatabaseError as error:
        raise Damaged(f"the queue {copy.name} cannot be read: {error}") from None


def _count(database: sqlite3.Connection, table: str) -> int:
    there = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    number: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] if there else 0  # noqa: S608 (ours)
    return number


def _our_tables() -> set[str]:
    """Those of today's format."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.executescript(FIRST_TABLES)
        migrate(database, FIRST)
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def require_sound(copy: Path) -> None:
    """Look at every page, and for what is no table of ours: a file that somebody has made may run statements of its
    own. Raises Damaged, ForeignFile."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as database:
            ours = {*_our_tables(), "tombstone"}
            for kind, table in database.execute("SELECT type, tbl_name FROM sqlite_master").fetchall():
                known = table in ours or table.startswith("sqlite_")
                if kind not in ("table", "index") or not known:
                    raise ForeignFile(f"the queue {copy.name} has a {kind} {str(table)[:40]!r} that is none of ours")
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Damaged(f"the queue {copy.name} cannot be read: {error}") from None
    if found != "ok":
        raise Damaged(f"the queue {copy.name} is damaged: {found}")


RESTORED_DETAIL = "waited when the backup was made; the vendor may have got it since"
_CAUSE = (
    "(SELECT c.id FROM cause c WHERE c.destination = d.destination AND c.tag = d.tag AND c.reason = ?1 AND c.code = '')"
)
_ANY_SIZE = 1 << 46
KEPT = 37 * 86400.0
"""Seconds that what was withdrawn is kept in a restored queue at least, however long ago it was: its rows are here
again."""


class Laid(msgspec.Struct, frozen=True, gc=False):
    """Something a person has withdrawn, as it was written down beside the queue. `keep`: ms until when at least."""

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
        waiting += _queue_held(database, counters)
        causes = Causes(database)
        for destination, tag in database.execute("SELECT DISTINCT destination, tag FROM delivery").fetchall():
            causes.number(destination, tag, RESTORED, "")
        database.execute(
            f"INSERT INTO dead (id, attempts, reason, detail, buried, unknown_since, cause, {NAMES}) "  # noqa: S608 (ours)
            f"SELECT id, attempts, ?1, ?2, ?3, coalesce(unknown_since, ?4), {_CAUSE}, {NAMES} FROM delivery AS d",
            (RESTORED, RESTORED_DETAIL, now, backup),
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


def _queue_held(database: sqlite3.Connection, counters: Counters) -> list[tuple[str, int, int]]:
    """Put copies that waited for another one behind what waits to be sent: (destination, number, bytes) of them.
    Whether the other copy has come since nobody knows either."""
    query = "SELECT destination, count(*), sum(length(body)) FROM held_copy GROUP BY destination"
    held: list[tuple[str, int, int]] = database.execute(query).fetchall()
    database.execute(f"INSERT INTO delivery ({NAMES}) SELECT {NAMES} FROM held_copy ORDER BY id")  # noqa: S608 (ours)
    database.execute("DELETE FROM held_copy")
    for destination, number, payload in held:
        counters.add(destination, "held", -number)
        counters.wait(destination, number, payload)
    return held


def take_back(path: Path, lines: Iterable[Laid | Lifted], time: Time) -> int:
    """Write what persons have withdrawn and granted again into a restored file, in this order, and erase what is left
    of those who asked to be forgotten. (What was withdrawn by purpose is judged by the server, which knows what each
    tag needs: nothing of it is sent.) How many deliveries were erased. Raises OutboxStartError, sqlite3.Error."""
    with closing(open_database(path, _ANY_SIZE)) as database:
        database.execute("PRAGMA secure_delete=ON")  # else their text stays in pages that nobody uses
        database.execute("BEGIN IMMEDIATE")
        stones = Tombstones(database, time)
        for line in lines:
            if isinstance(line, Laid):
                stones.write(database, [line.stone], max(KEPT, (line.keep - time.now()) / 1000))
            else:
                stones.lift(database, line.persons, line.purposes, line.at)
        counters = Counters(database)
        erasure = ErasureWalk(counters, Claims(counters, Priority(), Causes(database), time), PersonFilter(empty=False))
        erased = _erase(database, erasure, lambda persons, at: EVERYTHING in stones.withdrawn(persons, at))
        counters.write(database)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return erased


def _erase(
    database: sqlite3.Connection, erasure: ErasureWalk, forgotten: Callable[[Sequence[bytes], int], bool]
) -> int:
    def doomed(row: Trace) -> bool:
        return bool(row.person) and forgotten(row.person, row.at)

    number = 0
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        piece = erasure.piece(database, doomed, FORGOTTEN, after)
        number += sum(piece.queue.values()) + sum(piece.dead.values())
        after = piece.after
    return number


def newer_than_this(path: Path) -> str | None:
    """The sentence for a queue of a newer format; None for any other, also for none. Changes nothing."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        ) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error:
        return None  # whoever has it open knows best; a start would look further
    return f"{path} is of a newer tagserver (format {version}, this one knows {VERSION})" if version > VERSION else None
