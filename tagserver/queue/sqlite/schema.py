"""The format of the queue's file: its tables, how a file of an older tagserver becomes one of today, and how it is
opened.

A delivery is one wide row. While it waits it is never updated: a claim writes one row into `flight` that lists the
ids, because marking each row would write every payload a second time. Ids are never used twice (AUTOINCREMENT):
SQLite would otherwise start again at 1 in an emptied table.

`user_version` says the format; it rises with every step of `STEPS`, whenever a program of before would misread the file
or leave something of it out. A new file goes the same way as an old one, from the tables of the first format through
all steps, so that both are alike. All steps that a file lacks are one transaction together with the new number: a kill,
a power cut or a disk that is full leaves the file as it was. A step must not rewrite the rows of `delivery`: there may
be millions, and the server waits for it.

To change the format: add a step at the end, raise nothing by hand, and never alter one that has landed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from tagserver.queue.errors import Damaged, ForeignFile, NoRoom, OutboxStartError
from tagserver.queue.sqlite.backpressure import Ballast
from tagserver.queue.sqlite.dead_search import index_causes
from tagserver.system.files import os_reason, sync_folder

log = logging.getLogger("tagserver.delivery")

APPLICATION_ID = 0x74616773  # "tags"
RESERVE = 4 << 20
"""Bytes beyond the size at which taking in stops: claims, dead letters and counters need pages too."""

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
"""Of the first format; what came later is in `STEPS`."""

Step = Sequence[str] | Callable[[sqlite3.Connection], Sequence[str]]
"""Statements, or what finds them out from the file as it is."""


_URGENT = """
CREATE TABLE IF NOT EXISTS urgent (destination TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (destination, id))
  WITHOUT ROWID
"""
"""See `claims.Priority`."""
_WITHDRAWAL = """
CREATE TABLE IF NOT EXISTS withdrawal (person BLOB NOT NULL, purpose TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (person, purpose)) WITHOUT ROWID
"""
"""See `suppressions.Tombstones`."""
_TOMBSTONES = """
INSERT OR IGNORE INTO withdrawal (person, purpose, since, until, expires)
  SELECT person, '*', 0, 1 << 62, expires FROM tombstone
"""
"""Of the first landed tagserver, whose tombstones were for everything, and had no other end than this."""
_MARK = "ALTER TABLE known ADD COLUMN mark BLOB"
"""See `keys`."""


def _in_use_without_a_number(database: sqlite3.Connection) -> Sequence[str]:
    """Programs of before added these to files of format 1 at a start; the file may have some of them, or all."""
    columns = {column[1] for column in database.execute("PRAGMA table_info(known)")}
    first = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'tombstone'").fetchone()
    return (
        _URGENT,
        _WITHDRAWAL,
        *(() if "mark" in columns else (_MARK,)),
        *((_TOMBSTONES, "DROP TABLE tombstone") if first else ()),
    )


_RESTORED = (
    # Of a row that came back from a backup: nobody knows whether the vendor has it. See `snapshot.hold`.
    "ALTER TABLE dead ADD COLUMN unknown_since INTEGER",
)
_CAUSES = (
    # Letters of before get theirs while the server runs: see `dead_search`.
    (
        "CREATE TABLE cause (id INTEGER PRIMARY KEY, destination TEXT NOT NULL, tag TEXT NOT NULL, "
        "reason TEXT NOT NULL, code TEXT NOT NULL, UNIQUE (destination, tag, reason, code))"
    ),
    "ALTER TABLE dead ADD COLUMN cause INTEGER",
)

_PAUSE = """
CREATE TABLE pause (destination TEXT PRIMARY KEY, names TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER, term INTEGER) WITHOUT ROWID
"""
"""See `rows.PauseTable`. A program of before would send what waits because somebody has stopped its destination."""

_VOLUME = (
    "CREATE TABLE volume (destination TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID"
)
"""See `counters.Volumes`."""

_RECENT = "CREATE TABLE recent (id INTEGER PRIMARY KEY, keys BLOB NOT NULL)"
"""See `keys`. A program of before would take for new what is only here."""

_HELD_COPIES = (
    (
        "CREATE TABLE held_copy (id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, key BLOB NOT NULL, "
        "more BLOB NOT NULL, event_id TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, "
        "destination TEXT NOT NULL, container TEXT NOT NULL, mode TEXT NOT NULL, purposes TEXT NOT NULL, "
        "person BLOB NOT NULL, grp TEXT, time INTEGER NOT NULL, received INTEGER NOT NULL, expires INTEGER, "
        "identity TEXT NOT NULL, body BLOB NOT NULL)"
    ),
    "CREATE INDEX held_copy_due ON held_copy (due)",
    "CREATE INDEX held_copy_key ON held_copy (key)",
)
"""See `held_copies`. A program of before would send none of them, and count them as lost."""

STEPS: tuple[Step, ...] = (
    _in_use_without_a_number,  # 1 → 2
    _RESTORED,  # 2 → 3
    (_PAUSE,),  # 3 → 4
    _CAUSES,  # 4 → 5
    (_VOLUME,),  # 5 → 6
    (_RECENT,),  # 6 → 7
    _HELD_COPIES,  # 7 → 8
)
FIRST = 1
"""The format of the tables before any step."""
VERSION = FIRST + len(STEPS)
"""The format of today."""


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Take a file from `version` to today's, inside the present transaction."""
    for step in STEPS[version - FIRST :]:
        for statement in step(database) if callable(step) else step:
            database.execute(statement)
    database.execute(f"PRAGMA user_version={VERSION}")


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
        sync_folder(path.parent)
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


def is_full(error: sqlite3.Error) -> bool:
    """Whether an error of SQLite says that there is no room: on the disk, in the file, or for the log's index."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE


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
