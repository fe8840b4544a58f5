"""Connections for reading. Each question is a transaction of its own and over at once: a longer one would keep the log
from being written into the file, and the log would grow.

Before 3.51.3 two connections that write or checkpoint at the same moment can spoil a file in WAL mode. These do
neither, and the one that writes is closed last.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagserver.records.api import RecordsError
from tagserver.records.sqlite.opening import WAIT, is_damage

KEPT = 4
"""Connections that are kept open between questions."""
CACHE = 512
"""KiB of pages that each keeps in memory."""


class Readers:
    """Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._closed = False
        self.damaged = False
        """Whether a question has met damage."""

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query. Raises RecordsError."""
        try:
            database = self._take()
        except sqlite3.Error as error:
            raise self._failed(error) from None
        try:
            rows = database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            database.close()
            raise self._failed(error) from None
        except OverflowError:  # a number that no record has
            rows = []
        self._put_back(database)
        return rows

    def close(self) -> None:
        """Those that are in use are closed after it."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for one in free:
            with contextlib.suppress(sqlite3.Error):
                one.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise RecordsError("the records are closed")
            if self._free:
                return self._free.pop()
        # Never makes a file that is not there.
        database = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
        database.execute(f"PRAGMA busy_timeout={WAIT}")
        database.execute("PRAGMA query_only=ON")
        database.execute(f"PRAGMA cache_size=-{CACHE}")
        return database

    def _put_back(self, database: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._free) < KEPT:
                self._free.append(database)
                return
        database.close()

    def _failed(self, error: sqlite3.Error) -> RecordsError:
        self.damaged = self.damaged or is_damage(error)
        return RecordsError(f"the records {self._path} cannot be read: {error}")
