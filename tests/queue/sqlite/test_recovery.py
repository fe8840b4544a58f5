"""A damaged file is set aside, what can be read of it is saved, and the account still holds."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.queue.dedup import OrderKeys
from tagserver.queue.errors import ForeignFile
from tagserver.queue.sqlite.recovery import MARK
from tagserver.queue.values import DeadLettered, Receipt, Settlement
from tests.delivery.support import (
    HOUR,
    as_of_format_one,
    claim,
    copy_as_killed,
    deliveries,
    delivery,
    key,
    meta,
    open_outbox,
    stored,
)
from tests.fake_time import FakeTime

NUMBER = 2000


async def filled(folder: Path, clock: FakeTime) -> Path:
    """A queue with two thousand waiting, ten delivered and five dead; closed."""
    outbox = await open_outbox(folder, clock)
    await outbox.append(deliveries(NUMBER + 15))
    batch = await claim(outbox, max_items=15)
    ids = [row.id for row in batch.rows]
    buried = [DeadLettered(one, "rejected", "400") for one in ids[10:]]
    await outbox.settle(batch, Settlement(delivered=ids[:10], dead=buried))
    await outbox.close()
    return folder / "outbox.db"


def spoil(path: Path, at: int, length: int) -> None:
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


async def test_a_spoilt_page_costs_only_what_was_on_it(tmp_path: Path, clock: FakeTime) -> None:
    path = await filled(tmp_path, clock)
    size = path.stat().st_size
    spoil(path, size // 2 // 4096 * 4096, 8192)
    Path(f"{path}{MARK}").touch()
    outbox = await open_outbox(tmp_path, clock)
    try:
        counts = meta(outbox)
        assert NUMBER * 0.8 < counts.pending <= NUMBER
        assert counts.accepted == counts.delivered + counts.pending + counts.dead + counts.erased
        assert outbox.notice() is not None
        assert str(counts.pending) in (outbox.notice() or "")
        assert list(tmp_path.glob("outbox.db.damaged-*"))
        assert not Path(f"{path}{MARK}").exists()
        assert stored(await outbox.append(deliveries(1, "new"))) == [True]
        batch = await claim(outbox, max_items=1000)
        await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    finally:
        await outbox.close()


async def test_half_a_file_gives_what_its_half_holds(tmp_path: Path, clock: FakeTime) -> None:
    path = await filled(tmp_path, clock)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    Path(f"{path}{MARK}").touch()
    outbox = await open_outbox(tmp_path, clock)
    try:
        counts = meta(outbox)
        assert counts.pending > 0
        assert counts.accepted == counts.delivered + counts.pending + counts.dead + counts.erased
    finally:
        await outbox.close()


@pytest.mark.parametrize("more", [600, 1500, 2500, 3500])
async def test_a_row_that_is_there_in_part_is_not_saved(tmp_path: Path, clock: FakeTime, more: int) -> None:
    """A page that was cut ends in zeros, and so do the bodies on it."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append([delivery(f"e{n}", body=b'{"x": "%s"}' % (b"y" * 400)) for n in range(300)])
    await outbox.close()
    path = tmp_path / "outbox.db"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 8192 * 4096 + more)
    outbox = await open_outbox(tmp_path, clock)
    try:
        batch = await claim(outbox, max_items=1000)
        assert len(batch.rows) > 50
        assert {len(row.body) for row in batch.rows} == {409}
        assert all(row.body.endswith(b'y"}') for row in batch.rows)
    finally:
        await outbox.close()


async def test_a_spoilt_header_is_found_without_a_mark_and_costs_nothing(tmp_path: Path, clock: FakeTime) -> None:
    """The header is the same in every queue. The file that is set aside stays as it was found."""
    path = await filled(tmp_path, clock)
    spoil(path, 0, 64)
    spoilt = path.read_bytes()
    outbox = await open_outbox(tmp_path, clock)
    try:
        counts = meta(outbox)
        assert (counts.pending, counts.delivered, counts.dead, counts.erased) == (NUMBER, 10, 5, 0)
        assert "damaged" in (outbox.notice() or "")
        assert stored(await outbox.append(deliveries(1))) == [False], "what was known is known"
        assert [one.read_bytes() for one in tmp_path.glob("*damaged*")] == [spoilt]
    finally:
        await outbox.close()


@pytest.mark.parametrize("old", [False, True], ids=["marks", "no marks"])
async def test_orders_stay_known_through_a_salvage(tmp_path: Path, clock: FakeTime, *, old: bool) -> None:
    """With what they said, where the file has that."""
    outbox = await open_outbox(tmp_path, clock)
    order = (key("T-1"), 7 * 24 * HOUR)
    await outbox.append([delivery("a", order=order, mark=OrderKeys(b"k" * 32).mark("T-1", 5.0))])
    await outbox.close()
    path = tmp_path / "outbox.db"
    if old:
        with closing(sqlite3.connect(path)) as database:
            database.execute("ALTER TABLE known DROP COLUMN mark")
            as_of_format_one(database)
            database.commit()
    Path(f"{path}{MARK}").touch()
    outbox = await open_outbox(tmp_path, clock)
    copy = delivery("b", order=order, mark=OrderKeys(b"k" * 32).mark("T-1", 6.0))
    assert await outbox.append([copy]) == [Receipt("order", "" if old else "value")]
    await outbox.close()


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "empty"])
async def test_an_empty_file_beside_a_log_is_damaged_and_the_log_is_read(
    tmp_path: Path, clock: FakeTime, *, gone: bool
) -> None:
    """SQLite would take it for a new queue, and delete the log with all that was accepted since the last checkpoint."""
    before = tmp_path / "before"
    before.mkdir()
    outbox = await open_outbox(before, clock)
    await outbox.append(deliveries(100))
    left = copy_as_killed(before, tmp_path / "left")
    await outbox.close()
    if gone:
        (left / "outbox.db").unlink()
    else:
        (left / "outbox.db").write_bytes(b"")
    outbox = await open_outbox(left, clock)
    try:
        assert meta(outbox).pending == 100
        assert "damaged" in (outbox.notice() or "")
        assert list(left.glob("outbox.db.damaged-*"))
    finally:
        await outbox.close()


async def test_a_sound_file_with_the_mark_loses_nothing(tmp_path: Path, clock: FakeTime) -> None:
    """The mark is a suspicion; the salvage of a sound file is a copy."""
    path = await filled(tmp_path, clock)
    Path(f"{path}{MARK}").touch()
    outbox = await open_outbox(tmp_path, clock)
    try:
        counts = meta(outbox)
        assert (counts.pending, counts.delivered, counts.dead, counts.erased) == (NUMBER, 10, 5, 0)
        assert stored(await outbox.append(deliveries(1))) == [False], "what was known is known"
    finally:
        await outbox.close()


async def test_somebody_elses_file_is_left_alone(tmp_path: Path, clock: FakeTime) -> None:
    path = tmp_path / "outbox.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(ForeignFile):
        await open_outbox(tmp_path, clock)
    assert path.read_bytes() == before
