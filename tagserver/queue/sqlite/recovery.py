"""A damaged queue: set aside, and what can be read of it is taken into a new file."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tagserver.queue.encryption import is_encrypted
from tagserver.queue.sqlite import keys
from tagserver.queue.sqlite.held_copies import is_sound
from tagserver.queue.sqlite.schema import COLUMNS, create_database

log = logging.getLogger("tagserver.delivery")

_TABLES = {
    "delivery": ("id", *COLUMNS, "attempts", "unknown_since", "crashes"),
    "dead": ("id", *COLUMNS, "attempts", "reason", "detail", "buried", "unknown_since"),
    "held_copy": ("id", "due", "key", "more", *COLUMNS),
    "counter": ("destination", "name", "value"),
    "withdrawal": ("person", "purpose", "since", "until", "expires"),
    "pause": ("destination", "names", "by", "note", "since", "until", "term"),
}
_CHUNK = 256
_PAGE, _HEADER = 4096, 100
_CHANGES, _VALID_FOR = slice(24, 28), slice(92, 96)
"""Of SQLite's file format: the bytes of a page, of the header in the first one, and two of its fields."""
DAMAGED = ".damaged-"
"""Behind the name of a queue that was set aside."""
MARK = ".damaged"
"""Behind the file's name: a process has met the damage and ended; the next one begins with a salvage."""


def salvage(path: Path, max_size: int) -> str:
    """Move the file aside, make a new one, copy what can be read. A sentence for operations.

    Deduplication keys are copied as far as they can be read in one go; of the rest a repeat could be sent again, under
    the same event_id.
    """
    aside = path.with_name(f"{path.name}{DAMAGED}{time.strftime('%Y%m%d-%H%M%S')}")
    for ending in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{aside}{ending}")
    Path(f"{path}{MARK}").unlink(missing_ok=True)
    fresh = create_database(path, max_size)
    copied = {}
    try:
        with _readable_file(aside, fresh, path) as file, contextlib.closing(_connect(file)) as damaged:
            # Otherwise a file that is shorter than its header says would not be read at all.
            damaged.execute("PRAGMA writable_schema=ON")
            for table, columns in _TABLES.items():
                copied[table] = _copy(damaged, fresh, table, _of_both(damaged, table, columns))
            _copy_keys(damaged, fresh)
    except (sqlite3.Error, OSError) as error:
        log.error("nothing more can be read of %s: %s", aside, error)
    try:
        _reconcile(fresh)
    finally:
        fresh.close()
    return (
        f"the queue was damaged: {copied.get('delivery', 0)} waiting deliveries and {copied.get('dead', 0)} dead "
        f"letters were saved, the damaged file is kept as {aside.name}"
    )


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


@contextlib.contextmanager
def _readable_file(aside: Path, fresh: sqlite3.Connection, path: Path) -> Iterator[Path]:
    """The damaged file; or, if SQLite takes it for no database at all, a copy for the time being with the header of the
    new queue at `path`: the header of one queue fits every other."""
    if not _is_headless(aside):
        yield aside
        return
    mended = aside.with_name(aside.name + ".mended")
    try:
        for ending in ("-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{aside}{ending}", f"{mended}{ending}")
        fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("rb") as file:
            page = bytearray(file.read(_PAGE))
        # Another number than the one it is valid for: so the size it names does not count, but the file's own.
        page[_CHANGES] = bytes(byte ^ 0xFF for byte in page[_VALID_FOR])
        mended.touch(mode=0o600)
        with mended.open("r+b") as file:
            file.write(page[:_HEADER] if mended.stat().st_size else page)
        yield mended
    finally:
        for ending in ("-wal", "-shm", ""):
            Path(f"{mended}{ending}").unlink(missing_ok=True)


def _is_headless(aside: Path) -> bool:
    """An empty file must not even be opened: SQLite would delete its log."""
    if not aside.exists() or aside.stat().st_size == 0:
        return True
    with contextlib.closing(_connect(aside)) as damaged:
        try:
            damaged.execute("PRAGMA schema_version").fetchone()
        except sqlite3.DatabaseError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
    return False


def _of_both(damaged: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that the damaged file has, too: it may be of an older format."""
    there: set[str] = set()
    with contextlib.suppress(sqlite3.Error):
        there = {column[1] for column in damaged.execute(f"PRAGMA table_info({table})")}
    return tuple(column for column in columns if column in there) or columns


def _copy(damaged: sqlite3.Connection, fresh: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> int:
    names = ", ".join(columns)
    into = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 (ours)
    number = 0
    fresh.execute("BEGIN IMMEDIATE")
    for found in _readable(damaged, table, names, by_id=columns[0] == "id"):
        records = found if "body" not in columns else [one for one in found if _is_json(one[columns.index("body")])]
        if "more" in columns:  # one that cannot be released would keep all behind it
            records = [one for one in records if is_sound(one[columns.index("more")])]
        with contextlib.suppress(sqlite3.Error):  # a value that damage has made unusable
            number += fresh.executemany(into, records).rowcount
    fresh.execute("COMMIT")
    return number


def _is_json(body: Any) -> bool:
    """A page that is there in part gives rows that end in nothing; no vendor must get one of these. (What is encrypted
    tells so itself, when it is opened.)"""
    if is_encrypted(body):
        return True
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        return False
    return True


def _readable(damaged: sqlite3.Connection, table: str, names: str, *, by_id: bool) -> Iterator[list[Any]]:
    """What can be read of a table, in pieces: where a piece cannot, its halves are tried."""
    if not by_id:
        with contextlib.suppress(sqlite3.Error):
            yield damaged.execute(f"SELECT {names} FROM {table}").fetchall()  # noqa: S608 (ours)
        return
    ranges = []
    for order in ("id", "rowid"):
        with contextlib.suppress(sqlite3.Error):
            low, high = damaged.execute(f"SELECT min({order}), max({order}) FROM {table}").fetchone()  # noqa: S608 (ours)
            if low is not None:
                ranges.append((low, high))
    with contextlib.suppress(sqlite3.Error):
        found = damaged.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        if found:
            ranges.append((max(1, found[0] - 5_000_000), found[0]))
    if not ranges:
        return
    first, last = min(low for low, _ in ranges), max(high for _, high in ranges)
    stack = [(at, min(at + _CHUNK - 1, last)) for at in range(last - (last - first) % _CHUNK, first - _CHUNK, -_CHUNK)]
    query = f"SELECT {names} FROM {table} WHERE id BETWEEN ? AND ?"  # noqa: S608 (ours)
    while stack:
        low, high = stack.pop()
        try:
            yield damaged.execute(query, (low, high)).fetchall()
        except sqlite3.Error:
            if low < high:
                middle = (low + high) // 2
                stack += [(middle + 1, high), (low, middle)]


def _reconcile(fresh: sqlite3.Connection) -> None:
    """What could not be read counts as erased, so that the account still holds; no id is given out twice."""
    fresh.execute("BEGIN IMMEDIATE")
    fresh.execute("DELETE FROM counter WHERE name IN ('pending', 'held', 'erased') OR name LIKE 'dead:%'")
    for table, name in (("delivery", "'pending'"), ("held_copy", "'held'"), ("dead", "'dead:' || reason")):
        fresh.execute(
            "INSERT INTO counter (destination, name, value) "  # noqa: S608 (our own names)
            f"SELECT destination, {name}, count(*) FROM {table} GROUP BY 1, 2"
        )
    for (destination,) in fresh.execute("SELECT DISTINCT destination FROM counter").fetchall():
        values = dict(fresh.execute("SELECT name, value FROM counter WHERE destination = ?", (destination,)).fetchall())
        accepted = values.get("accepted", 0)
        gone = accepted - sum(value for name, value in values.items() if name != "accepted")
        name, value = ("erased", gone) if gone >= 0 else ("accepted", accepted - gone)
        fresh.execute(
            "INSERT OR REPLACE INTO counter (destination, name, value) VALUES (?, ?, ?)", (destination, name, value)
        )
    highest = fresh.execute(
        "SELECT max(coalesce((SELECT max(id) FROM delivery), 0), coalesce((SELECT max(id) FROM dead), 0))"
    )
    fresh.execute("DELETE FROM sqlite_sequence WHERE name = 'delivery'")
    fresh.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('delivery', ?)", highest.fetchone())
    fresh.execute("COMMIT")


def _copy_keys(damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> None:
    fresh.execute("BEGIN IMMEDIATE")
    with contextlib.suppress(sqlite3.Error):
        columns = _of_both(damaged, "known", ("key", "expires", "mark"))
        into = f"INSERT OR IGNORE INTO known ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 (our own names)
        for known in damaged.execute(f"SELECT {', '.join(columns)} FROM known"):  # noqa: S608 (our own names)
            fresh.execute(into, known)
    with contextlib.suppress(sqlite3.Error):
        for one in keys.recent(damaged):
            keys.put(fresh, [one])
    fresh.execute("COMMIT")
