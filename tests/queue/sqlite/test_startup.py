"""Who may open a data folder: one process, a file of ours, a version that is known. And how long the dead are kept."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.queue.dedup import OrderKeys
from tagserver.queue.errors import ForeignFile, InUse, OutboxStartError
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.keys import count
from tagserver.queue.sqlite.maintenance import VACUUM_TO
from tagserver.queue.sqlite.schema import APPLICATION_ID, VERSION
from tagserver.queue.sqlite.snapshot import newer_than_this
from tagserver.queue.values import DeadLettered, Receipt, Settlement
from tests.delivery.support import (
    as_of_format_one,
    assert_adds_up,
    cared_for,
    claim,
    deliveries,
    delivery,
    key,
    meta,
    open_outbox,
    stored,
    until,
)
from tests.fake_time import FakeTime


def foreign(folder: Path) -> Path:
    """A database of somebody else."""
    path = folder / "outbox.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (x)")
        database.commit()
    return path


OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from tagserver.queue.errors import InUse
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.system.time import Time
try:
    asyncio.run(SqliteOutbox.open(Path(sys.argv[1]), time=Time()))
except InUse as error:
    sys.exit(str(error))
"""


def modes_in(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


def unchanged_by_opening(path: Path) -> tuple[bytes, list[str]]:
    return path.read_bytes(), sorted(one.name for one in path.parent.iterdir() if not one.name.endswith(".lock"))


async def test_a_second_opener_is_refused_and_told_who_has_it(
    outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime
) -> None:
    """Two writers could damage the file; the sentence names the process, so that the right one is stopped."""
    with pytest.raises(InUse, match=rf"process {os.getpid()}.*--data"):
        await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(1))
    assert meta(outbox).pending == 1, "the first goes on"


async def test_another_process_is_refused_too(outbox: SqliteOutbox, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "outbox.db")]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert f"(process {os.getpid()})" in ended.stderr


async def test_the_lock_ends_with_close_and_with_a_failed_open(tmp_path: Path, clock: FakeTime) -> None:
    path = foreign(tmp_path)
    for _ in range(2):
        with pytest.raises(ForeignFile):
            await open_outbox(tmp_path, clock)
    path.unlink()
    for _ in range(2):
        outbox = await open_outbox(tmp_path, clock)
        await outbox.close()


async def test_files_are_for_the_owner_only(tmp_path: Path, clock: FakeTime) -> None:
    """Payloads hold what a vendor must get in the clear; the umask of the shell must not matter."""
    before = os.umask(0)
    try:
        outbox = await open_outbox(tmp_path, clock)
        await outbox.append(deliveries(1))
    finally:
        os.umask(before)
    modes = modes_in(tmp_path)
    assert set(modes) >= {"outbox.db", "outbox.db-wal", "outbox.db.lock"}
    assert set(modes.values()) == {0o600}, modes
    await outbox.close()


async def test_the_promise_is_set_in_the_file(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """WAL and auto_vacuum are properties of the file; auto_vacuum is silently lost when it is set after WAL."""
    await outbox.append(deliveries(1))
    with closing(sqlite3.connect(f"file:{tmp_path / 'outbox.db'}?mode=ro", uri=True)) as database:
        found = {
            name: database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "auto_vacuum", "application_id", "user_version")
        }
    assert found == {"journal_mode": "wal", "auto_vacuum": 2, "application_id": APPLICATION_ID, "user_version": VERSION}


async def test_another_programs_database_is_left_alone(tmp_path: Path, clock: FakeTime) -> None:
    path = foreign(tmp_path)
    before = unchanged_by_opening(path)
    with pytest.raises(ForeignFile, match="is not a queue of tagserver; nothing was changed"):
        await open_outbox(tmp_path, clock)
    assert unchanged_by_opening(path) == before


async def test_a_file_that_cannot_be_read_is_set_aside_whole(tmp_path: Path, clock: FakeTime) -> None:
    """Our own file with a ruined head looks just like it: new events are taken, nothing is deleted, and it is said."""
    letter = b"a letter to grandmother\n" * 400
    (tmp_path / "outbox.db").write_bytes(letter)
    outbox = await open_outbox(tmp_path, clock)
    assert stored(await outbox.append(deliveries(1))) == [True]
    kept = [tmp_path / name for name in modes_in(tmp_path) if ".damaged-" in name]
    assert [one.read_bytes() for one in kept] == [letter]
    assert kept[0].name in (outbox.notice() or "")
    await outbox.close()


async def test_a_file_of_before_takes_orders(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """Its keys have no marks: they are known as before, and nothing is said to differ from them."""
    said = OrderKeys(b"k" * 32).mark("T-1", None)
    await outbox.append([delivery("e0", mark=said)])
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("ALTER TABLE known DROP COLUMN mark")
        as_of_format_one(database)
        database.commit()
    order = (key("T-2"), 60.0)
    for expected in ([Receipt("event"), Receipt()], [Receipt("event"), Receipt("event")]):
        again = await open_outbox(tmp_path, clock)
        other = OrderKeys(b"k" * 32).mark("T-2", None)
        assert await again.append([delivery("e0", mark=other), delivery("e1", mark=other, order=order)]) == expected
        await again.close()


async def test_a_newer_format_is_refused_with_both_versions(
    outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime
) -> None:
    """A downgrade must not read, or worse repair, what it does not know."""
    await outbox.append(deliveries(1))
    await outbox.close()
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={VERSION + 1}")
    before = unchanged_by_opening(path)
    with pytest.raises(ForeignFile, match=rf"newer tagserver \(format {VERSION + 1}, this one knows {VERSION}\)"):
        await open_outbox(tmp_path, clock)
    assert unchanged_by_opening(path) == before


async def test_a_folder_that_is_missing_is_an_error_of_the_start(tmp_path: Path, clock: FakeTime) -> None:
    path = tmp_path / "outbox.db"
    path.mkdir()
    with pytest.raises(OutboxStartError, match="cannot be opened"):
        await open_outbox(tmp_path, clock)


async def test_the_dead_are_erased_when_their_time_is_over(tmp_path: Path, clock: FakeTime) -> None:
    """Kept for `keep_dead`, not longer: it is personal data. Erased ones stay counted."""
    outbox = await open_outbox(tmp_path, clock, keep_dead=100.0)
    for reason in ("rejected", "consent"):
        await outbox.append(deliveries(2, reason))
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, reason) for row in batch.rows]))
        clock.advance(60)
    await outbox.append(deliveries(1, "waits"))
    await cared_for(outbox, clock, tmp_path)
    counts = meta(outbox)
    assert (counts.accepted, counts.pending, counts.dead, counts.erased) == (5, 1, 2, 2)
    assert counts.dead_by_reason == {"consent": 2}
    assert_adds_up(outbox, tmp_path)
    clock.advance(40)
    await cared_for(outbox, clock, tmp_path)
    counts = meta(outbox)
    assert (counts.pending, counts.dead, counts.erased, dict(counts.dead_by_reason)) == (1, 0, 4, {})
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_care_takes_slices_and_leaves_what_is_in_time(tmp_path: Path, clock: FakeTime) -> None:
    """More dead letters and keys than one slice; those in time stay."""
    outbox = await open_outbox(tmp_path, clock, keep_dead=100.0)
    await outbox.append(deliveries(1200))
    batch = await claim(outbox, max_items=1200)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    clock.advance(49 * 3600)
    await outbox.append(deliveries(3, "young"))
    await cared_for(outbox, clock, tmp_path)
    with closing(sqlite3.connect(f"file:{tmp_path / 'outbox.db'}?mode=ro", uri=True)) as database:
        await until(lambda: meta(outbox).dead == 0 and count(database) == 3)  # keys past their time are gone
    assert meta(outbox).erased == 1200
    await outbox.close()


async def spoilt_inside(folder: Path, clock: FakeTime) -> None:
    """A queue with a page that holds nonsense, in the middle of its rows."""
    outbox = await open_outbox(folder, clock)
    await outbox.append(deliveries(200, body=b'"%s"' % (b"x" * 2000)))
    await outbox.close()
    with (folder / "outbox.db").open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096)


async def test_after_a_crash_the_file_is_looked_through(tmp_path: Path, clock: FakeTime) -> None:
    """A log that was left behind says that nobody closed the file: damage is found at the start, not in the middle of
    a claim."""
    await spoilt_inside(tmp_path, clock)
    (tmp_path / "outbox.db-wal").write_bytes(b"left behind")
    outbox = await open_outbox(tmp_path, clock)
    assert "damaged" in (outbox.notice() or "")
    assert 190 < meta(outbox).pending < 200
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_a_file_that_was_closed_is_not_looked_through(tmp_path: Path, clock: FakeTime) -> None:
    """A large one would keep the server waiting at each start."""
    await spoilt_inside(tmp_path, clock)
    outbox = await open_outbox(tmp_path, clock)
    assert outbox.notice() is None
    await outbox.close()


async def test_a_file_that_has_become_mostly_empty_gives_its_room_back(tmp_path: Path, clock: FakeTime) -> None:
    """A week of an outage, delivered: the disk has its room again, of the log too, while nobody waits."""
    outbox = await open_outbox(tmp_path, clock)
    for piece in range(4):
        await outbox.append(deliveries(300, f"{piece}-", body=b"x" * 20_000))
    while batch := await outbox.claim("meta", max_items=500, max_bytes=1 << 30):
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    assert (tmp_path / "outbox.db").stat().st_size > (VACUUM_TO + 1000) * 4096
    await until(lambda: (tmp_path / "outbox.db-wal").stat().st_size == 0)
    assert (tmp_path / "outbox.db").stat().st_size < (VACUUM_TO + 300) * 4096
    await outbox.close()


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
