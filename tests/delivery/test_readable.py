"""Whether this version could open a queue, without opening it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tagserver.queue.sqlite.schema import VERSION
from tagserver.queue.sqlite.snapshot import newer_than_this


def test_a_queue_of_a_newer_format_is_named(tmp_path: Path) -> None:
    """One of this version, none, and something else are not."""
    path = tmp_path / "outbox.db"
    assert newer_than_this(path) is None
    for version in (VERSION, VERSION + 1):
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(f"PRAGMA user_version={version}")
        assert (newer_than_this(path) is None) is (version == VERSION)
    assert f"format {VERSION + 1}" in str(newer_than_this(path))
    path.write_bytes(b"something else")
    assert newer_than_this(path) is None
