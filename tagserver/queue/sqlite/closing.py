"""How a queue's file is closed at an end: its log is written into it, and goes."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path

from tagserver.queue.sqlite.place import Place, put_back
from tagserver.queue.sqlite.space import Space

log = logging.getLogger("tagserver.delivery")


def close_queue(database: sqlite3.Connection, path: Path, place: Place, space: Space, left: int) -> None:
    """Close the connection that writes. A file that was deleted meanwhile is written again, with the `left` deliveries
    that it holds."""
    with contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA wal_checkpoint(FULL)")
    if place.deleted:
        if put_back(database, path):
            log.warning("the queue's file was deleted; it is written again, with %d deliveries in it", left)
        else:
            log.critical("the queue's file was deleted; %d deliveries that were in it are lost", left)
    size = space.log_size()
    database.close()
    space.ballast.keep_back(size)
