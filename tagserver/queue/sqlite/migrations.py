"""The format of the queue's file, and how a file of an older tagserver becomes one of today.

`user_version` says the format; it rises with every step here, whenever a program of before would misread the file or
leave something of it out. A new file goes the same way as an old one, from the tables of the first format through all
steps, so that both are alike.

A step is a list of statements. All steps that a file lacks are one transaction together with the new number: a kill, a
power cut or a disk that is full leaves the file as it was. A step must not rewrite the rows of `delivery`: there may be
millions, and the server waits for it.

To change the format: add a step at the end, raise nothing by hand, and never alter one that has landed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

Step = Sequence[str] | Callable[[sqlite3.Connection], Sequence[str]]
"""Statements, or what finds them out from the file as it is."""


_URGENT = """
CREATE TABLE IF NOT EXISTS urgent (destination TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (destination, id))
  WITHOUT ROWID
"""
"""See `lanes`."""
_WITHDRAWAL = """
CREATE TABLE IF NOT EXISTS withdrawal (person BLOB NOT NULL, purpose TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (person, purpose)) WITHOUT ROWID
"""
"""See `tombstones`."""
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
    # Of a row that came back from a backup: nobody knows whether the vendor has it. See `held`.
    "ALTER TABLE dead ADD COLUMN unknown_since INTEGER",
)
_CAUSES = (
    # Letters of before get theirs while the server runs: see `causes`.
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
"""See `pauses`. A program of before would send what waits because somebody has stopped its destination."""

_VOLUME = (
    "CREATE TABLE volume (destination TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID"
)
"""See `volumes`."""

STEPS: tuple[Step, ...] = (
    _in_use_without_a_number,  # 1 → 2
    _RESTORED,  # 2 → 3
    (_PAUSE,),  # 3 → 4
    _CAUSES,  # 4 → 5
    (_VOLUME,),  # 5 → 6
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
