"""Whether a queue that another process has open could be opened by this version."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from tagserver.queue.sqlite.migrations import VERSION


def newer_than_this(path: Path) -> str | None:
    """The sentence for a queue of a newer format; None for any other, also for none. Changes nothing."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        ) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error:
        return None  # whoever has it open knows best; a start would look further
    return f"{path} is of a newer tagserver (format {version}, this one knows {VERSION})" if version > VERSION else None
