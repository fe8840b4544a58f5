"""The format of the file, and how it is opened.

What cannot be read is set aside, and a new file begins: without records a server works as well. A file of a newer
tagserver is left alone. `user_version` says the format; it rises when a program of before would misread the file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path

from tagserver.queue.sqlite.recovery import DAMAGED
from tagserver.records.api import RecordsError
from tagserver.records.sqlite.kinds import KINDS
from tagserver.records.sqlite.rows import PAGE
from tagserver.records.sqlite.series import create
from tagserver.system.files import os_reason, sync_folder

log = logging.getLogger("tagserver.records")

APPLICATION_ID = 0x74616772  # "tagr"
VERSION = 1
"""The format of today."""
WAIT = 2000
"""Milliseconds for another connection."""
_TABLES = (
    *(create(kind.table) for kind in KINDS),
    # `named`: see `containers`.
    (
        "CREATE TABLE container (id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL UNIQUE, "
        "named INTEGER NOT NULL, text BLOB NOT NULL)"
    ),
    # `head` and `rest`: see `rows`; `about` and `content`: see `sharing`.
    (
        "CREATE TABLE share (id TEXT PRIMARY KEY, expires INTEGER NOT NULL, head BLOB NOT NULL, about BLOB NOT NULL, "
        "content BLOB NOT NULL, rest BLOB NOT NULL)"
    ),
    "CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
)
_ENDINGS = ("-wal", "-shm", "")


class Damaged(RecordsError):
    """The file cannot be read, or is not ours."""


def open_records(path: Path) -> sqlite3.Connection:
    """The connection that writes. A file that is damaged or foreign is set aside first. Raises RecordsError."""
    try:
        return _opened(path)
    except Damaged as damage:
        log.error("%s", damage)
    set_aside(path)
    try:
        return _opened(path)
    except Damaged as damage:
        raise RecordsError(str(damage)) from None


def set_aside(path: Path) -> None:
    """Move the file away, in place of an earlier one. Raises RecordsError."""
    aside = f"{path}{DAMAGED}{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        remove_set_aside(path)
        for ending in _ENDINGS:
            with contextlib.suppress(FileNotFoundError):
                Path(f"{path}{ending}").rename(f"{aside}{ending}")
    except OSError as error:
        raise RecordsError(f"the records {path} cannot be set aside: {os_reason(error)}") from None
    log.error("the records begin anew, and those of before cannot be shown; their file is kept as %s", Path(aside).name)


def remove_set_aside(path: Path, before: float = float("inf")) -> None:
    """Remove what was set aside, if it was last written before a time (s since 1970). Raises OSError."""
    for one in path.parent.glob(f"{path.name}{DAMAGED}*"):
        if one.stat().st_mtime < before:
            one.unlink()


def _opened(path: Path) -> sqlite3.Connection:
    """Raises Damaged and RecordsError."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_folder(path.parent)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else str(error)
        raise RecordsError(f"the records {path} cannot be opened: {reason}") from None
    try:
        database.execute(f"PRAGMA busy_timeout={WAIT}")
        if _is_new(database, path):
            _create(database)
        _set_up(database)
        _look_over(database)
    except sqlite3.Error as error:
        database.close()
        if is_damage(error):
            raise Damaged(f"the records {path} are damaged: {error}") from None
        raise RecordsError(f"the records {path} cannot be opened: {error}") from None
    except BaseException:
        database.close()
        raise
    return database


def _is_new(database: sqlite3.Connection, path: Path) -> bool:
    """Whether there is nothing in the file yet; changes nothing. Raises Damaged, and RecordsError for a newer one."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if application == version == 0 and not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall():
        return True
    if application != APPLICATION_ID:
        raise Damaged(f"{path} is no file of records")
    if version > VERSION:
        raise RecordsError(
            f"{path} is of a newer tagserver (format {version}, this one knows {VERSION}); nothing was changed. Start "
            "the newer one again, or move the file away: then records begin anew"
        )
    return False


def _create(database: sqlite3.Connection) -> None:
    # Before WAL: afterwards these are silently ignored.
    database.execute(f"PRAGMA page_size={PAGE}")
    database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        database.execute(statement)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={VERSION}")
    database.execute("COMMIT")


def _set_up(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=WAL")
    # A power cut may cost the last seconds; a kill of the process costs nothing that was committed.
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA secure_delete=ON")
    database.execute("PRAGMA mmap_size=0")
    database.execute("PRAGMA temp_store=MEMORY")


def _look_over(database: sqlite3.Connection) -> None:
    """Read the numbers of all blocks, as is done at each start anyhow: what is damaged is seen now and not later.
    Raises Damaged for tables that are not there."""
    queries = [f"SELECT sum(last), sum(length(body)) FROM {kind.table}" for kind in KINDS]  # noqa: S608 (our own names)
    queries += [
        "SELECT sum(named), sum(length(text)) FROM container",
        "SELECT sum(expires), sum(length(content)) FROM share",
    ]
    for query in (*queries, "SELECT sum(value) FROM number"):
        try:
            database.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise Damaged(f"the file of records is not complete: {error}") from None
            raise


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error of SQLite says that the file is not as it should be."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
