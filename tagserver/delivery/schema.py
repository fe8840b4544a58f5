"""The tables of the SQLite engine, and how a file is opened.

A delivery is one wide row. While it waits it is never updated: a claim writes one row into `flight` that lists the
ids, because marking each row would write every payload a second time. Ids are never used twice (AUTOINCREMENT):
SQLite would otherwise start again at 1 in an emptied table.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from tagserver.delivery.errors import Damaged, ForeignFile, OutboxStartError

APPLICATION_ID = 0x74616773  # "tags"
VERSION = 1
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

_TABLES = """
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
CREATE TABLE known (key BLOB PRIMARY KEY, expires INTEGER NOT NULL, mark BLOB) WITHOUT ROWID;
CREATE TABLE flight (id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, ids BLOB NOT NULL);
CREATE TABLE counter (destination TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (destination, name)) WITHOUT ROWID;
"""
_URGENT = """
CREATE TABLE IF NOT EXISTS urgent (destination TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (destination, id))
  WITHOUT ROWID
"""
"""See `lanes`. Files of before have none; it may be empty."""
_WITHDRAWAL = """
CREATE TABLE IF NOT EXISTS withdrawal (person BLOB NOT NULL, purpose TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (person, purpose)) WITHOUT ROWID
"""
"""See `tombstones`. Files of before have none."""


def open_database(path: Path, max_size: int) -> sqlite3.Connection:
    """The connection that writes and checkpoints. `max_size` in bytes.

    Raises Damaged for a file of ours that cannot be read, OutboxStartError for one that is not ours or cannot be
    opened; it is left alone.
    """
    if _size(path) == 0:
        if _size(Path(f"{path}-wal")):
            # SQLite would throw the log away.
            raise Damaged(f"the queue {path} is empty or gone, and its log (-wal) is not")
        return create_database(path, max_size)
    database = _connect(path)
    try:
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
                f"{path} is of a newer tagserver (format {version}, this one knows {VERSION}); nothing was changed"
            )
        _set_up(database, max_size)
        database.execute(_URGENT)
        database.execute(_WITHDRAWAL)
        _add_marks(database)
    except sqlite3.DatabaseError as error:
        database.close()
        if _is_damage(error):
            raise Damaged(f"the queue {path} is damaged: {error}") from None
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
        raise OutboxStartError(f"the queue {path} cannot be made: {error.strerror}") from None
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
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(_URGENT)
    database.execute(_WITHDRAWAL)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={VERSION}")
    database.execute("COMMIT")


def _add_marks(database: sqlite3.Connection) -> None:
    """Give the keys of an older file their column for marks; it rewrites no row. See `keys`."""
    if "mark" not in {column[1] for column in database.execute("PRAGMA table_info(known)")}:
        database.execute("ALTER TABLE known ADD COLUMN mark BLOB")


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
