"""A file that is damaged, or is not ours, is set aside; new records begin, and the server goes on."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tagserver.records.api import RecordsError
from tagserver.records.sqlite.engine import SqliteRecords
from tests.fake_time import FakeTime
from tests.records.made import event, events, person
from tests.records.sqlite.conftest import Open


def filled(store: SqliteRecords) -> None:
    """Many blocks."""
    for part in range(40):
        store.write(events(*(event(f"{part}-{one}", persons=(person(f"{part}-{one}"),)) for one in range(100))))


def is_text(path: Path) -> None:
    path.write_bytes(b"this is no database, and never was one. " * 500)


def is_foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (a)")
    database.close()


def lost_its_tables(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE attempts")
    database.close()


def has_zeros(path: Path) -> None:
    """In the midst of all of it, as after a fault of a disk."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(size - 8192))


def is_cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


@pytest.mark.parametrize(
    "harm", [is_text, is_foreign, lost_its_tables, has_zeros, is_cut], ids=lambda one: one.__name__
)
def test_a_start(opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None]) -> None:
    store = opened()
    filled(store)
    store.close()
    harm(tmp_path / "records.db")
    before = (tmp_path / "records.db").read_bytes()
    again = opened()
    again.write(events(event("new")))
    assert next(again.newest()).event_id == "new"
    aside = list(tmp_path.glob("records.db.damaged-*"))
    assert len(aside) == 1
    assert aside[0].read_bytes() == before
    assert "the records begin anew" in caplog.text


def test_an_empty_file_is_a_new_one(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "records.db").touch()
    opened().write(events(event()))
    assert list(tmp_path.glob("*damaged*")) == []


@pytest.mark.parametrize("who", ["reads", "writes"])
def test_while_it_runs(opened: Open, tmp_path: Path, clock: FakeTime, who: str) -> None:
    """Whoever reads is told; the next group is kept in a new file."""
    store = opened()
    filled(store)
    numbers = [next(store.newest()).number]
    store.erase([person("nobody")])  # all of it is in the file
    with sqlite3.connect(tmp_path / "records.db") as other:  # so that nobody trusts the pages in memory
        other.execute("UPDATE number SET value = value + 1")
    other.close()
    with (tmp_path / "records.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"?" * 200_000)
    if who == "reads":
        with pytest.raises(RecordsError, match="cannot be read"):
            list(store.newest())
    for part in range(30):
        clock.advance(20)
        numbers += [one.number for one in store.write(events(*(event(f"after-{part}-{one}") for one in range(50))))]
        if list(tmp_path.glob("*damaged*")):
            break
    assert len(list(tmp_path.glob("records.db.damaged-*"))) == 1
    (kept,) = store.write(events(event("later")))
    assert next(store.newest()).event_id == "later"
    assert kept.number > max(numbers), "numbers go on"


def test_only_the_last_one_is_kept(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "records.db.damaged-20200101-000000").write_bytes(b"x")
    is_text(tmp_path / "records.db")
    opened()
    assert len(list(tmp_path.glob("*damaged*"))) == 1


def test_one_block(opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its records are lost, and no others; an erasure that may concern it removes it as a whole."""
    store = opened()
    filled(store)
    store.close()
    with sqlite3.connect(tmp_path / "records.db") as database:
        first, body = database.execute("SELECT first, body FROM events ORDER BY first LIMIT 1 OFFSET 5").fetchone()
        database.execute("UPDATE events SET body = ? WHERE first = ?", (b"\xc1" + body[1:], first))
        following = database.execute("SELECT min(first) FROM events WHERE first > ?", (first,)).fetchone()[0]
    database.close()
    again = opened()
    with caplog.at_level(logging.ERROR):
        found = [one.number for one in again.newest()]
    assert "is damaged, and its records are lost" in caplog.text
    assert found == [*range(4000, following - 1, -1), *range(first - 1, 0, -1)]
    assert again.numbered(first) is None
    part, one = divmod(first - 1, 100)
    assert again.erase([person(f"{part}-{one}")]) == 0
    caplog.clear()
    assert [one.number for one in again.newest()] == found
    assert caplog.text == ""
