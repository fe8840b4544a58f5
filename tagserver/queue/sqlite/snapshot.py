"""A copy of a queue's file while a server writes it, and what such a copy holds.

The copy is made by a second connection of the same process that only reads: it neither writes nor checkpoints, so that
SQLite's "WAL-reset bug" (see `opening`) cannot happen, and in WAL mode a reader holds up no commit. While it reads, the
log cannot begin anew: it grows by what is written meanwhile. `VACUUM INTO` copies rows, not pages: text of what was
erased is not in the copy.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from tagserver.queue.errors import Damaged, ForeignFile
from tagserver.queue.sqlite.migrations import FIRST, VERSION, migrate
from tagserver.queue.sqlite.schema import APPLICATION_ID, FIRST_TABLES

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
            numbers = (_count(database, table) for table in ("delivery", "dead", "known", "withdrawal"))
            return Facts(schema, *numbers)
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
