"""The writer before a disk that fails, stands still, or belongs to somebody else for a while."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.errors import Full, OutboxError, Unavailable
from tagserver.queue.sqlite.backpressure import (
    GIVE_UP,
    MOST_BYTES,
    MOST_OPERATIONS,
    RESUME,
    SLOW,
    Pressure,
    jittered_retry_after,
)
from tagserver.queue.sqlite.writer import Writer
from tests.delivery.support import claimed_ids, deliveries, open_outbox, until
from tests.fake_time import FakeTime


class Disk(sqlite3.Connection):
    """A connection whose commits do what a test says."""

    at_commit: Callable[[], object] = staticmethod(lambda: None)
    commits = 0
    begun = 0

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """As ever, but for COMMIT."""
        self.begun += sql.startswith("BEGIN")
        if sql == "COMMIT":
            self.commits += 1
            self.at_commit()
        return super().execute(sql, *parameters)


def fails(code: int) -> Callable[[], None]:
    """A commit that fails with a code of SQLite's."""

    def fail() -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    return fail


@asynccontextmanager
async def writer(folder: Path, clock: FakeTime, fatal: list[BaseException]) -> AsyncIterator[tuple[Writer, Disk]]:
    """A writer over a file with one table of numbers."""
    disk = sqlite3.connect(folder / "w.db", isolation_level=None, check_same_thread=False, timeout=0.05, factory=Disk)
    disk.execute("CREATE TABLE n (n)")
    made = Writer(
        disk,
        finish=lambda database: None,
        committed=lambda ok: None,
        idle=lambda database: False,
        look=lambda database: None,
        make_room=lambda database: False,
        commit_took=lambda seconds: None,
        on_fatal=fatal.append,
        pressure=Pressure(clock),
    )
    try:
        yield made, disk
    finally:
        disk.at_commit = lambda: None
        await made.close()
        disk.close()


def store(database: sqlite3.Connection, numbers: Sequence[int]) -> Sequence[None]:
    database.executemany("INSERT INTO n VALUES (?)", [(number,) for number in numbers])
    return [None] * len(numbers)


def stored(disk: sqlite3.Connection) -> list[int]:
    return [number for (number,) in disk.execute("SELECT n FROM n ORDER BY n")]


async def test_a_failed_sync_is_not_tried_again(tmp_path: Path, clock: FakeTime) -> None:
    """The kernel may have dropped the pages: a second sync can succeed and nothing be on the disk."""
    fatal: list[BaseException] = []
    async with writer(tmp_path, clock, fatal) as (made, disk):
        disk.at_commit = fails(sqlite3.SQLITE_IOERR_FSYNC)
        together = [asyncio.ensure_future(made.join(store, number, 1)) for number in range(5)]
        answers = await asyncio.gather(*together, return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        disk.at_commit = lambda: None
        with pytest.raises(Unavailable, match="storage has failed"):
            await made.join(store, 9, 1)
        assert len(fatal) == 1
        assert (disk.commits, stored(disk)) == (1, [])


async def test_one_that_does_not_fit_fails_alone(tmp_path: Path, clock: FakeTime) -> None:
    """A full file is no reason to end: each is tried for itself."""
    fatal: list[BaseException] = []
    async with writer(tmp_path, clock, fatal) as (made, disk):
        full = iter([fails(sqlite3.SQLITE_FULL), fails(sqlite3.SQLITE_FULL)])
        disk.at_commit = lambda: next(full, lambda: None)()
        together = [asyncio.ensure_future(made.join(store, number, 1)) for number in range(3)]
        answers = await asyncio.gather(*together, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Full, type(None), type(None)]
        assert (fatal, stored(disk)) == ([], [1, 2])


async def test_a_disk_that_stands_still_closes_the_door(tmp_path: Path, clock: FakeTime) -> None:
    """After two seconds nobody new is let in; after ten, those who wait are told to come again, and what had not gone
    to the disk yet does not go there. When the disk is back, so is the door."""
    released = threading.Event()
    async with writer(tmp_path, clock, []) as (made, disk):
        disk.at_commit = lambda: released.wait(20)
        at_the_disk = asyncio.ensure_future(made.join(store, 1, 1))
        await until(lambda: disk.commits == 1)
        behind = asyncio.ensure_future(made.join(store, 2, 1))
        settling = asyncio.ensure_future(made.join(store, 3))
        await asyncio.sleep(0)
        clock.advance(SLOW + 0.1)
        with pytest.raises(Unavailable, match="too slow") as refused:
            await made.join(store, 4, 1)
        assert 1 <= refused.value.retry_after <= 30
        clock.advance(GIVE_UP)
        for waiting in (at_the_disk, behind):
            with pytest.raises(Unavailable, match="in time"):
                await asyncio.wait_for(waiting, 5)
        released.set()
        await asyncio.wait_for(settling, 5)
        assert "too slow" in str(made.refusal()), "whoever asks for its health hears the same"
        with pytest.raises(Unavailable, match="too slow"):
            await made.join(store, 5, 1)
        clock.advance(SLOW)
        assert made.refusal() is None
        await made.join(store, 6, 1)
        assert stored(disk) == [1, 3, 6]


def at(pressure: Pressure, operations: float, size: float) -> str:
    refusal: OutboxError | None = pressure.refusal(round(operations), round(size))
    return "" if refusal is None else type(refusal).__name__


def test_what_waits_is_bounded_and_taking_in_begins_again_well_below(clock: FakeTime) -> None:
    """In number and in bytes; between the marks it goes on as before."""
    for operations, size in ((MOST_OPERATIONS, 0), (0, MOST_BYTES)):
        pressure = Pressure(clock)
        assert at(pressure, 0.99 * operations, 0.99 * size) == ""
        assert at(pressure, operations, size) == "Full"
        assert at(pressure, 0.9 * operations, 0.9 * size) == "Full"
        assert at(pressure, RESUME * operations, RESUME * size) == ""
        assert at(pressure, 0.9 * operations, 0.9 * size) == ""


@pytest.mark.parametrize(("depth", "low", "high"), [(0.0, 1, 1), (0.1, 1.9, 3.9), (1.0, 15, 30), (7.0, 15, 30)])
def test_the_wait_that_is_asked_for_grows_with_the_depth(depth: float, low: float, high: float) -> None:
    class Lowest(FakeTime):
        def uniform(self, low: float, high: float) -> float:
            return low

    assert jittered_retry_after(depth, Lowest()) == pytest.approx(low, abs=0.06)
    assert jittered_retry_after(depth, FakeTime()) == pytest.approx(high)


async def test_a_program_that_locks_the_file_costs_one_wait_not_one_for_each(tmp_path: Path, clock: FakeTime) -> None:
    """A backup tool holds the file: everybody in the group is refused at once, and it goes on when it is free."""
    fatal: list[BaseException] = []
    async with writer(tmp_path, clock, fatal) as (made, disk):
        with closing(sqlite3.connect(tmp_path / "w.db", isolation_level=None)) as backup:
            backup.execute("BEGIN EXCLUSIVE")
            together = [asyncio.ensure_future(made.join(store, number, 1)) for number in range(50)]
            answers = await asyncio.gather(*together, return_exceptions=True)
            assert {type(answer) for answer in answers} == {Unavailable}
            assert "locked" in str(answers[0])
            assert disk.begun <= 2, "the first may have gone alone"
            backup.execute("ROLLBACK")
        await made.join(store, 7, 1)
        assert (fatal, stored(disk)) == ([], [7])


async def test_a_queue_whose_storage_failed_is_closed_without_touching_it(tmp_path: Path, clock: FakeTime) -> None:
    """The `-wal` is what the next start recovers from: it must not be cut after a failure."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(200, body=b"x" * 2000))
    await outbox.close()
    fatal: list[BaseException] = []
    outbox = await open_outbox(tmp_path, clock, on_fatal=fatal.append)
    await outbox.append(deliveries(1, "new"))
    with (tmp_path / "outbox.db").open("r+b") as file:
        file.seek(30 * 4096)
        file.write(b"\xff" * (40 * 4096))
    with pytest.raises(Unavailable):
        await claimed_ids(outbox, max_items=1000, max_bytes=1 << 30)
    await until(lambda: len(fatal) == 1)
    assert "storage has failed" in (outbox.trouble() or "")
    await outbox.close()
    assert (tmp_path / "outbox.db-wal").stat().st_size > 0
