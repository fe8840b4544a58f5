"""How a queue's file is opened at a start: looked over, put right after a crash, or salvaged."""

from __future__ import annotations

import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from tagserver.queue.errors import Damaged, NoRoom, OutboxStartError
from tagserver.queue.sqlite.backpressure import Ballast, reuse_log
from tagserver.queue.sqlite.claims import Claims
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.ownership import not_local
from tagserver.queue.sqlite.recovery import MARK, salvage
from tagserver.queue.sqlite.schema import is_full, open_database
from tagserver.queue.sqlite.suppressions import Tombstones
from tagserver.queue.sqlite.writer import TRIES
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

ALONE = (
    "the queue was opened on a disk without any room: until there is some nothing can be recorded, so nothing is sent; "
    "and no other program can read the queue until the next restart"
)
"""The notice of a queue that has the index of its log in memory."""
CHECKED_SIZE = 1 << 30
"""Bytes of a file that is looked through after a crash; a larger one would keep the server waiting."""
CHECK_TIME = 2.0
"""Seconds for that at most."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection that writes, and what of the file is kept in memory. `notice`: what operations should know;
    `lent`: bytes that the ballast has lent the log."""

    database: sqlite3.Connection
    counters: Counters
    tombstones: Tombstones
    keys: Keys
    notice: str | None = None
    lent: int = 0


def require_local_disk(folder: Path) -> None:
    """Raises OutboxStartError when the folder is on a network file system or on FUSE."""
    if (kind := not_local(folder)) is not None:
        raise OutboxStartError(
            f"the data folder {folder} lies on {kind}: the queue's locks are not safe there, and accepted events could "
            "be lost. Use a local disk with --data, or set queue.network_disk: allow in server.yaml"
        )


def open_queue(path: Path, max_size: int, time: Time, suspects: frozenset[int]) -> Opened:
    """Open or make the file. `suspects`: the flights that plugins had in hand when the last process ended. Raises
    OutboxStartError."""
    # Before 3.51.3 two connections that write or checkpoint at the same moment can spoil a file in WAL mode (SQLite's
    # "WAL-reset bug"; mended in 3.44.6 and 3.50.7, too). Ours is one connection of one process, so it cannot happen.
    log.info("the queue is kept by SQLite %s, and one connection writes it", sqlite3.sqlite_version)
    try:
        if Path(f"{path}{MARK}").exists():
            raise Damaged(f"the queue {path} was found damaged")
        crashed = _crashed(path)
        lent = Ballast(path).lend()
        database, notice = _opened(path, max_size)
        try:
            if crashed and path.stat().st_size < CHECKED_SIZE:
                _look_through(database, path)
            _recover(database, suspects, Ballast(path))
            return Opened(database, Counters(database), Tombstones(database, time), Keys(database, time), notice, lent)
        except sqlite3.DatabaseError as error:
            database.close()
            raise Damaged(f"the queue {path} is damaged: {error}") from None
        except Damaged:
            database.close()
            raise
    except Damaged as damage:
        log.critical("%s", damage)
        notice = salvage(path, max_size)
        log.critical("%s", notice)
    database = open_database(path, max_size)
    return Opened(database, Counters(database), Tombstones(database, time), Keys(database, time), notice)


def _opened(path: Path, max_size: int) -> tuple[sqlite3.Connection, str | None]:
    """The connection, and what operations should know of it."""
    try:
        return open_database(path, max_size), None
    except NoRoom as full:
        database = open_database(path, max_size, alone=True)
        log.warning("%s. It is opened without its index (-shm), so that no other program can read it", full)
    return database, ALONE


def _recover(database: sqlite3.Connection, suspects: frozenset[int], ballast: Ballast) -> None:
    """A disk without room for that is no damage: what was in flight is ready all the same, for this process has claimed
    nothing yet; but nobody notes whom a crash may be blamed on."""
    for _ in range(TRIES):
        try:
            Claims.recover(database, suspects)
            return
        except sqlite3.OperationalError as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if not is_full(error):
                raise
            gave = ballast.give_up()
            if not reuse_log(database) and not gave:
                break
    log.warning("the disk is full: which deliveries were in hand at the last end cannot be noted")


def _crashed(path: Path) -> bool:
    """Whether the last process has not closed the file: a clean end leaves no log."""
    log_file = Path(f"{path}-wal")
    return log_file.exists() and log_file.stat().st_size > 0


def _look_through(database: sqlite3.Connection, path: Path) -> None:
    """SQLite's own look at all pages, as far as it comes in its time. Raises Damaged."""
    until = time.monotonic() + CHECK_TIME
    database.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
    try:
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        database.set_progress_handler(None, 0)
    if found != "ok":
        raise Damaged(f"the queue {path} is damaged: {found}")
