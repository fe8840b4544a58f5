"""The files of a queue that is open are deleted, replaced or moved: noticed, nothing more promised, all delivered."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.queue.errors import InUse, Unavailable
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.ownership import LOOK_EVERY
from tagserver.queue.values import DeadLettered, Settlement, Tombstone
from tests.delivery.support import (
    assert_adds_up,
    claim,
    claimed_ids,
    copy_as_killed,
    deliveries,
    key,
    meta,
    open_outbox,
    stored,
    until,
)
from tests.fake_time import START, FakeTime

Mischief = Callable[[Path], Callable[[], object]]
"""Does something to the files of a folder; gives what puts it right again."""


async def opened(folder: Path, clock: FakeTime) -> SqliteOutbox:
    """An outbox in a folder that can be renamed."""
    folder.mkdir(exist_ok=True)
    return await open_outbox(folder, clock)


async def looked(clock: FakeTime, seen: Callable[[], bool]) -> None:
    """Wait until the writer has looked and seen something."""
    clock.advance(LOOK_EVERY)
    await until(seen)


def moved(name: str) -> Mischief:
    """One file is given another name."""

    def move(folder: Path) -> Callable[[], object]:
        path, aside = folder / name, folder / "aside"
        path.rename(aside)
        return lambda: aside.rename(path)

    return move


def replaced(name: str) -> Mischief:
    """A copy is put in the place of a file, as an editor or a restored backup does."""

    def replace(folder: Path) -> Callable[[], object]:
        path, aside, copy = folder / name, folder / "aside", folder / "copy"
        shutil.copyfile(path, copy)
        path.rename(aside)
        copy.rename(path)
        return lambda: aside.replace(path)

    return replace


def folder_renamed(folder: Path) -> Callable[[], object]:
    """With everything in it."""
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    return lambda: elsewhere.rename(folder)


def folder_replaced(folder: Path) -> Callable[[], object]:
    """And an empty one is where it was."""
    back = folder_renamed(folder)
    folder.mkdir()

    def undo() -> None:
        folder.rmdir()
        back()

    return undo


FILES = ("outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db.lock")
MISCHIEFS = [
    *(pytest.param(moved(name), id=f"{name} moved") for name in FILES),
    *(pytest.param(replaced(name), id=f"{name} replaced") for name in FILES),
    pytest.param(folder_renamed, id="folder renamed"),
    pytest.param(folder_replaced, id="folder replaced"),
]


@pytest.mark.parametrize("mischief", MISCHIEFS)
async def test_nothing_is_promised_until_it_is_right_again(
    mischief: Mischief, tmp_path: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """What lies in the open file goes on to be delivered and counted."""
    folder = tmp_path / "data"
    outbox = await opened(folder, clock)
    await outbox.append(deliveries(3))
    put_right = mischief(folder)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "tagserver.delivery"):
        await looked(clock, lambda: outbox.trouble() is not None and bool(caplog.records))
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert str(tmp_path) not in (outbox.trouble() or ""), "that is nobody's business who asks over HTTP"
    for refused in (
        outbox.append(deliveries(1, "late")),
        outbox.withdraw([Tombstone(key("p"), "ad_storage", START)], 60.0),
        outbox.lift([key("p")], frozenset({"ad_storage"}), START),
    ):
        with pytest.raises(Unavailable, match="of the queue's files outbox"):
            await refused
    batch = await claim(outbox, max_items=2)
    first, second = batch.rows
    await outbox.settle(batch, Settlement(delivered=[first.id], dead=[DeadLettered(second.id, "rejected")]))
    assert (meta(outbox).pending, meta(outbox).delivered, meta(outbox).dead) == (1, 1, 1)
    put_right()
    await looked(clock, lambda: outbox.trouble() is None)
    assert stored(await outbox.append(deliveries(1, "late"))) == [True]
    await outbox.close()
    again = await opened(folder, clock)
    assert_adds_up(again, folder)
    assert meta(again).pending == 2
    await again.close()


def hard_linked(folder: Path) -> None:
    """As some backups do."""
    os.link(folder / "outbox.db", folder / "outbox.db.backup")


def touched(folder: Path) -> None:
    """Times and rights have changed."""
    for name in FILES:
        os.utime(folder / name, (0, 0))
        (folder / name).chmod(0o640)


def read_by_another(folder: Path) -> None:
    """And closed again."""
    with closing(sqlite3.connect(folder / "outbox.db")) as database:
        database.execute("SELECT count(*) FROM delivery").fetchone()


@pytest.mark.parametrize("harmless", [hard_linked, touched, read_by_another])
async def test_no_false_alarm(
    harmless: Callable[[Path], None], outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime
) -> None:
    await outbox.append(deliveries(1))
    harmless(tmp_path)
    for number in range(3):
        clock.advance(LOOK_EVERY)
        await outbox.append(deliveries(1, f"late{number}"))
    assert outbox.trouble() is None


async def test_a_file_that_somebody_has_emptied(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """As `> outbox.db` does in a shell."""
    await outbox.append(deliveries(3))
    content = (tmp_path / "outbox.db").read_bytes()
    os.truncate(tmp_path / "outbox.db", 0)
    await looked(clock, lambda: outbox.trouble() is not None)
    assert outbox.trouble() == "of the queue's files outbox.db is empty"
    (tmp_path / "outbox.db").write_bytes(content)
    await looked(clock, lambda: outbox.trouble() is None)


def written_whole(path: Path) -> bool:
    """Whether a file that the log is being written into has all its pages: the first one, which says how many there
    are (SQLite's file format, "in-header database size"), is written first."""
    header = path.read_bytes()[:100]
    pages, page = int.from_bytes(header[28:32]), int.from_bytes(header[16:18])
    return pages > 1 and path.stat().st_size == pages * page


async def test_what_was_accepted_survives_the_loss_of_the_log_and_a_kill(tmp_path: Path, clock: FakeTime) -> None:
    """It lay in the log alone."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(5))
    (tmp_path / "outbox.db-wal").unlink()
    await looked(clock, lambda: outbox.trouble() is not None)
    await until(lambda: written_whole(tmp_path / "outbox.db"))
    (tmp_path / "outbox.db-wal").touch()
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    assert await claimed_ids(again) == [f"e{number}" for number in range(5)]
    await again.close()
    await outbox.close()


async def test_a_deleted_queue_is_written_again_at_the_end(tmp_path: Path, clock: FakeTime) -> None:
    """By a clean end, with the rights of before; what was delivered in the meantime is not in it."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(3))
    for name in FILES[:3]:
        (tmp_path / name).unlink()
    batch = await claim(outbox, max_items=1)
    await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    await outbox.close()
    assert (tmp_path / "outbox.db").stat().st_mode & 0o777 == 0o600
    again = await open_outbox(tmp_path, clock)
    assert (meta(again).accepted, meta(again).delivered, meta(again).pending) == (3, 1, 2)
    assert_adds_up(again, tmp_path)
    assert stored(await again.append(deliveries(1))) == [False], "its keys are known"
    await again.close()


async def test_a_deleted_queue_is_not_written_over_another(
    tmp_path: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(3))
    (tmp_path / "outbox.db").unlink()
    (tmp_path / "outbox.db").write_bytes(b"of somebody else")
    await outbox.close()
    assert (tmp_path / "outbox.db").read_bytes() == b"of somebody else"
    assert "3 deliveries that were in it are lost" in caplog.text


async def test_a_new_queue_in_the_old_place_keeps_all_it_has(tmp_path: Path, clock: FakeTime) -> None:
    """The end of the old one, whose folder was renamed, touches nothing there: not the log, in which everything is."""
    folder = tmp_path / "data"
    old = await opened(folder, clock)
    await old.append(deliveries(2, "old"))
    folder_renamed(folder)
    new = await opened(folder, clock)
    await new.append(deliveries(3, "new"))
    await looked(clock, lambda: old.trouble() is not None)
    await old.close()
    assert new.trouble() is None
    await new.append(deliveries(1, "later"))
    again = await open_outbox(copy_as_killed(folder, tmp_path / "killed"), clock)
    assert meta(again).pending == 4
    await again.close()
    await new.close()
    old = await opened(tmp_path / "elsewhere", clock)
    assert await claimed_ids(old) == ["old0", "old1"]
    await old.close()


def without_its_lock(folder: Path) -> Path:
    """Somebody cleans up."""
    (folder / "outbox.db.lock").unlink()
    return folder


def moved_away_from_its_lock(folder: Path) -> Path:
    """The files of the queue alone, to another folder."""
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    for name in FILES[:3]:
        (folder / name).rename(elsewhere / name)
    return elsewhere


def renamed_with_its_folder(folder: Path) -> Path:
    """The lock goes with it."""
    folder_renamed(folder)
    return folder.with_name("elsewhere")


def linked(folder: Path) -> Path:
    """A second name for the same file, which has no lock file beside it."""
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    os.link(folder / "outbox.db", elsewhere / "outbox.db")
    return elsewhere


@pytest.mark.parametrize("tempt", [without_its_lock, moved_away_from_its_lock, renamed_with_its_folder, linked])
async def test_two_never_own_one_queue(tempt: Callable[[Path], Path], tmp_path: Path, clock: FakeTime) -> None:
    """Also where the second one finds no lock; and it changes nothing before it knows."""
    folder = tmp_path / "data"
    first = await opened(folder, clock)
    await first.append(deliveries(3))
    batch = await claim(first, max_items=2)
    where = tempt(folder)
    with pytest.raises(InUse, match="in use by another"):
        await opened(where, clock)
    await first.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    assert (meta(first).pending, meta(first).delivered) == (1, 2)
    await first.close()
    second = await opened(where, clock)
    assert_adds_up(second, where)
    await second.close()


async def test_counters_count_what_was_there(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Rows that another hand has removed are not removed again."""
    await outbox.append(deliveries(4))
    batch = await claim(outbox)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("DELETE FROM delivery WHERE id > 1")
        database.commit()
    ids = [row.id for row in batch.rows]
    await outbox.settle(batch, Settlement(delivered=ids[:2], dead=[DeadLettered(one, "rejected") for one in ids[2:]]))
    assert (meta(outbox).delivered, meta(outbox).dead, meta(outbox).pending) == (1, 0, 3)
