"""The causes of dead letters in the SQLite engine: a small table of names, whose numbers the letters carry.

A letter is a wide row, so what is asked of many letters must not read them. A cause and a time are one narrow entry of
an index: a million letters are counted in a twentieth of a second, and a name that no letter ever had is known at once.
Letters without a number were buried by an earlier version, or taken out of a damaged file: they are given theirs in
slices, when nobody waits or before the first question.
"""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
from pathlib import Path

from tagserver.queue.dead import Cause

log = logging.getLogger("tagserver.delivery")

SLICE = 200
MOST = 2000
MOST_CODES = 200
"""Of causes in all, and of codes for one destination, tag and reason: a vendor's code is whatever it answers."""
OTHER = "other"
"""In place of a code beyond that, or of one that is none."""
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")
"""What a code looks like. Anything else is a sentence, and may have somebody's data in it."""
_SPEAKING = re.compile(r"[0-9_/]")
"""What a code has and a sentence's first word has not."""

_INDEXES = {
    "dead_cause": "CREATE INDEX IF NOT EXISTS dead_cause ON dead (cause, buried)",
    "dead_event": "CREATE INDEX IF NOT EXISTS dead_event ON dead (event_id)",
}
ENTRY = 300
"""Bytes for one letter in both indexes, and once more in the log while they are made; an event_id may be long."""
_FIND = "SELECT id FROM cause WHERE destination = ? AND tag = ? AND reason = ? AND code = ?"


def index_causes(database: sqlite3.Connection) -> None:
    """Make the indexes where they are missing, which is once in the life of a file: a million letters take some
    seconds. Without room for them all works as well, slowly."""
    if database.execute("SELECT count(*) FROM sqlite_master WHERE name IN (?, ?)", tuple(_INDEXES)).fetchone()[0] == 2:
        return
    letters = database.execute("SELECT count(*) FROM dead").fetchone()[0]
    folder = Path(database.execute("PRAGMA database_list").fetchone()[2]).parent
    try:
        if shutil.disk_usage(folder).free < letters * ENTRY:
            raise sqlite3.OperationalError("the disk is nearly full")
        for statement in _INDEXES.values():
            database.execute(statement)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) & 0xFF != sqlite3.SQLITE_FULL:
            raise
        log.warning(
            "there is no room for the indexes of %d dead letters (%s): commands about them are slow until the next "
            "start that finds some",
            letters,
            error,
        )


class Causes:
    """The names by number. Used by the writer's thread, inside its transactions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._numbers: dict[Cause, int] = {}
        self._read()

    def _read(self) -> None:
        found = self._database.execute("SELECT id, destination, tag, reason, code FROM cause")
        self._numbers = {Cause(*names): number for number, *names in found}
        self._fresh = False

    def group_ended(self, ok: bool) -> None:
        """A group of the writer was committed, or nothing of it was done."""
        if self._fresh and not ok:
            self._read()
        self._fresh = False

    @property
    def numbers(self) -> dict[Cause, int]:
        """Every cause that letters have or had."""
        return self._numbers

    def number(self, destination: str, tag: str, reason: str, code: str) -> int:
        """The number of a cause, which is written down when it is new."""
        cause = Cause(destination, tag, reason, code if not code or _CODE.fullmatch(code) else OTHER)
        if (known := self._numbers.get(cause)) is not None:
            return known
        if code and self._full(cause):
            cause = Cause(destination, tag, reason, OTHER)
            if (known := self._numbers.get(cause)) is not None:
                return known
        names = (cause.destination, cause.tag, cause.reason, cause.code)
        self._database.execute(
            "INSERT OR IGNORE INTO cause (destination, tag, reason, code) VALUES (?, ?, ?, ?)", names
        )
        number: int = self._database.execute(_FIND, names).fetchone()[0]
        self._numbers[cause] = number
        self._fresh = True
        return number

    def _full(self, cause: Cause) -> bool:
        if len(self._numbers) >= MOST:
            return True
        alike = sum(
            (cause.destination, cause.tag, cause.reason) == (one.destination, one.tag, one.reason)
            for one in self._numbers
        )
        return alike >= MOST_CODES

    def settle(self, database: sqlite3.Connection) -> bool:
        """Give some letters their numbers; whether there may be more without."""
        found = database.execute(
            "SELECT id, destination, tag, reason, detail FROM dead WHERE cause IS NULL LIMIT ?", (SLICE,)
        ).fetchall()
        database.executemany(
            "UPDATE dead SET cause = ? WHERE id = ?",
            [
                (self.number(destination, tag, reason, code_in(reason, detail)), one)
                for one, destination, tag, reason, detail in found
            ],
        )
        return len(found) == SLICE


def code_in(reason: str, detail: str) -> str:
    """The vendor's code with which a detail begins, where it has one."""
    word = detail.partition(" ")[0]
    is_code = reason == "rejected" and _CODE.fullmatch(word) and _SPEAKING.search(word)
    return word if is_code else ""
