"""The tables of the SQLite engine, and how a file is opened.

A delivery is one wide row. While it waits it is never updated: a claim writes one row into `flight` that lists the
ids, because marking each row would write every payload a second time. Ids are never used twice (AUTOINCREMENT):
SQLite would otherwise start again at 1 in an emptied table.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from tagserver.queue.errors import Damaged, ForeignFile, NoRoom, OutboxStartError, is_full
from tagserver.queue.sqlite.ballast import Ballast
from tagserver.queue.sqlite.causes import index_causes
from tagserver.queue.sqlite.migrations import FIRST, VERSION, migrate
from tagserver.system.os_fault import os_reason

log = logging.getLogger("tagserver.delivery")

APPLICATION_ID = 0x74616773  # "tags"
RESERVE = 4 << 20
"""Bytes beyond the size at which taking in stops: claims, burials and counters need pages too."""

COLUMNS = (
    "event_id",
    "name",
    "tag",
    "destination",
    "container",
    "mode",
    "purposes",
    "person",
    "grp",
    "time",
    "received",
    "expires",
    "identity",
    "body",
)

FIRST_TABLES = """
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, destination TEXT NOT NULL, container TEXT NOT NULL,
  mode TEXT NOT NULL, purposes TEXT NOT NULL, person BLOB NOT NULL, grp TEXT, time INTEGER NOT NULL,
  received INTEGER NOT NULL, expires INTEGER, identity TEXT NOT NULL, body BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, unknown_since INTEGER, crashes INTEGER NOT NULL DEFAULT 0);
CREATE INDEX delivery_ready ON delivery (destination, id);
CREATE TABLE dead (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, destination TEXT NOT NULL, container TEXT NOT NULL,
  mode TEXT NOT NULL, purposes TEXT NOT NULL, person BLOB NOT NULL, grp TEXT, time INTEGER NOT NULL,
  received INTEGER NOT NULL, expires INTEGER, identity TEXT NOT NULL, body BLOB NOT NULL,
  attempts INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, buried INTEGER NOT NULL);
CREATE INDEX dead_buried ON dead (buried);
CREATE TABLE known (key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE flight (id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, ids BLOB NOT NULL);
CREATE TABLE counter (destination TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (destination, name)) WITHOUT ROWID;
"""
"""Of the first format; what came later is in `migrations`."""


def open_database(path: Path, max_size: int, *, alone: bool = False) -> sqlite3.Connection:
    """The connection that writes and checkpoints. `max_size` in bytes. `alone`: nobody else can open the file then, and
    the index of its log is kept in memory, so that a full disk needs no room for it.

    Raises Damaged for a file of ours that cannot be read, OutboxStartError for one that is not ours or cannot be
    opened (NoRoom: on a full disk); it is left alone.
    """
    if _size(path) == 0:
        if _size(Path(f"{path}-wal")):
            # SQLite would throw the log away.
            raise Damaged(f"the queue {path} is empty or gone, and its log (-wal) is not")
        return create_database(path, max_size)
    database = _connect(path)
    version = VERSION
    try:
        if alone:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if application == version == 0 and not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            # A first start that was killed before its tables were committed.
            _set_up(database, max_size)
            _create_tables(database)
            return database
        if application != APPLICATION_ID:
            raise ForeignFile(f"{path} is not a queue of tagserver; nothing was changed")
        if version > VERSION:
            raise ForeignFile(
                f"{path} is of a newer tagserver (format {version}, this one knows {VERSION}); nothing was changed. "
                "Start the newer one again, or restore the backup that was made before the upgrade"
            )
        _set_up(database, max_size)
        if version < VERSION:
            _bring_up(database, path, version)
        index_causes(database)
    except sqlite3.DatabaseError as error:
        database.close()
        if _is_damage(error):
            raise Damaged(f"the queue {path} is damaged: {error}") from None
        if is_full(error) and version == VERSION:
            raise NoRoom(f"there is no room to open the queue {path}: {error}; nothing was changed") from None
        if is_full(error):
            raise OutboxStartError(
                f"the queue {path} is of format {version} and there is no room to bring it to {VERSION}: nothing was "
                "changed. Make room on its disk, then start again"
            ) from None
        raise OutboxStartError(f"the queue {path} cannot be read: {error}; nothing was changed") from None
    except BaseException:
        database.close()
        raise
    return database


def create_database(path: Path, max_size: int) -> sqlite3.Connection:
    """A new file with our tables. Raises OutboxStartError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise OutboxStartError(f"the queue {path} cannot be made: {os_reason(error)}") from None
    database = _connect(path)
    try:
        # Before WAL: afterwards it is silently ignored.
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _set_up(database, max_size)
        _create_tables(database)
        _sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        database.close()
        raise OutboxStartError(f"the queue {path} cannot be made: {error}") from None
    return database


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _create_tables(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    for statement in FIRST_TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    migrate(database, FIRST)
    index_causes(database)
    database.execute("COMMIT")


def _bring_up(database: sqlite3.Connection, path: Path, version: int) -> None:
    """Give an older file today's format, whole or not at all. Raises OutboxStartError when there is no room."""
    while True:
        try:
            _migrated(database, version)
            break
        except sqlite3.Error as error:
            if not (is_full(error) and Ballast(path).give_up()):  # kept for a full disk; `space` makes it again
                raise
    said = "the queue was brought from format %d to %d: an older tagserver does not open it any more"
    log.warning(said, version, VERSION)


def _migrated(database: sqlite3.Connection, version: int) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        migrate(database, version)
        database.execute("COMMIT")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # Used by the writer's thread alone after it has been opened.
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=128)
    except sqlite3.Error as error:
        raise OutboxStartError(f"the queue {path} cannot be opened: {error}") from None


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _set_up(database: sqlite3.Connection, max_size: int) -> None:
    database.execute("PRAGMA busy_timeout=5000")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA fullfsync=ON")  # macOS: its plain fsync does not reach the disk
    database.execute("PRAGMA journal_size_limit=67108864")
    database.execute("PRAGMA wal_autocheckpoint=1000")
    database.execute("PRAGMA foreign_keys=OFF")
    database.execute("PRAGMA secure_delete=FAST")
    database.execute("PRAGMA mmap_size=0")
    database.execute("PRAGMA temp_store=MEMORY")
    page = database.execute("PRAGMA page_size").fetchone()[0]
    database.execute(f"PRAGMA max_page_count={(max_size + RESERVE) // page}")


def _sync_folder(folder: Path) -> None:
    """The file's name must survive a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
