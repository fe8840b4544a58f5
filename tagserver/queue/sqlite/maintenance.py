"""Housekeeping of the SQLite engine, in slices, while nobody waits: what is past its time is removed, and a file that
has become mostly empty gives its room back to the disk. And its end: the log is written into the file, and goes."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path

from tagserver.queue.sqlite.backpressure import Space, empty_log, shrink
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_letters import DeadLetterTable
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.ownership import FileWatch, put_back
from tagserver.queue.sqlite.suppressions import Tombstones
from tagserver.system.time import LONG_CALM, Time

log = logging.getLogger("tagserver.delivery")

PURGE_EVERY = 600.0
"""Seconds between two looks for what is past its time."""
VACUUM_TO = 4096
"""Free pages that are left in the file: as many as a busy hour uses again at once."""


class Housekeeping:
    """Called by the writer's thread. `keep_dead` in seconds."""

    def __init__(
        self,
        counters: Counters,
        keys: Keys,
        tombstones: Tombstones,
        letters: DeadLetterTable,
        causes: Causes,
        space: Space,
        *,
        keep_dead: float,
        time: Time,
    ) -> None:
        self._counters = counters
        self._keys = keys
        self._tombstones = tombstones
        self._letters = letters
        self._causes = causes
        self._space = space
        self._keep_dead = keep_dead
        self._time = time
        self._purged = time.monotonic()
        self._shrinking = False
        self._settling = True

    def slice(self, database: sqlite3.Connection) -> bool:
        """A little of it; whether there is more. Commits by itself."""
        space = self._space
        wasteful = self._shrinking or space.scarce or space.free > max(VACUUM_TO, space.pages // 2)
        shrunk = wasteful and self._shrink(database)
        due = self._time.monotonic() - self._purged >= PURGE_EVERY
        return (due and self._purge(database)) or shrunk or (self._settling and self._settle(database))

    def _settle(self, database: sqlite3.Connection) -> bool:
        """Letters of a file of before get their causes."""
        self._settling = False  # should it fail, whoever asks for letters tries again
        database.execute("BEGIN IMMEDIATE")
        more = self._causes.settle(database)
        database.execute("COMMIT")
        self._causes.group_ended(True)
        self._settling = more
        return more

    def _shrink(self, database: sqlite3.Connection) -> bool:
        free = database.execute("PRAGMA freelist_count").fetchone()[0]
        scarce = self._space.scarce
        if not self._shrinking:
            pages = database.execute("PRAGMA page_count").fetchone()[0]
            # Taking in may wait for nothing but the room that a drained file and its log still hold. Where they would
            # not help, they stay: others would take that room, and what is delivered could not be recorded.
            waste = scarce and (free > 0 or self._space.log_size() > 0) and self._space.may_give_back(free)
            self._shrinking = waste or free > max(VACUUM_TO, pages // 2)
            return self._shrinking
        if free > (0 if scarce else VACUUM_TO):
            shrink(database)
            return True
        # The file itself is cut by a checkpoint only; and the log, which has grown meanwhile, with it.
        if not scarce or self._space.may_give_back(free):
            empty_log(database)
        self._shrinking = False
        return False

    def _purge(self, database: sqlite3.Connection) -> bool:
        if not self._time.trusted(LONG_CALM):
            return False
        self._space.restore()
        database.execute("BEGIN IMMEDIATE")
        keys_left = self._keys.purge(database)
        self._tombstones.purge(database)
        letters_left = self._letters.purge(database, self._keep_dead)
        self._counters.write(database)
        self._space.measure(database)
        database.execute("COMMIT")
        self._counters.committed(True)
        self._keys.group_ended(True)
        if not (keys_left or letters_left):
            self._purged = self._time.monotonic()
        return keys_left or letters_left


def close_queue(database: sqlite3.Connection, path: Path, files: FileWatch, space: Space, left: int) -> None:
    """Close the connection that writes. A file that was deleted meanwhile is written again, with the `left` deliveries
    that it holds."""
    with contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA wal_checkpoint(FULL)")
    if files.deleted:
        if put_back(database, path):
            log.warning("the queue's file was deleted; it is written again, with %d deliveries in it", left)
        else:
            log.critical("the queue's file was deleted; %d deliveries that were in it are lost", left)
    size = space.log_size()
    database.close()
    space.ballast.keep_back(size)
