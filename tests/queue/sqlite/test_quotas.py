"""What one destination may take of the queue while somebody has stopped it by hand, and what becomes of the rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.pauses import Pause
from tagserver.queue.sqlite.counters import SAMPLE
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import ROW_BYTES
from tests.delivery.support import assert_adds_up, copy_as_killed, deliveries, delivery, meta, open_outbox, stored
from tests.fake_time import START, FakeTime

SIZE = len(delivery("e0").body) + ROW_BYTES
"""Of each of the deliveries here."""


def pause(name: str = "meta", *others: str) -> Pause:
    """Of now."""
    return Pause(destination=name, names=(name, *others), by="anna", since=START)


async def small(folder: Path, clock: FakeTime, rows: int = 3, **options: Any) -> SqliteOutbox:
    """An outbox in which so many rows may wait for one that is stopped."""
    return await open_outbox(folder, clock, share=rows * SIZE, **options)


async def test_in_a_full_queue_nothing_more_is_kept_of_it(
    tmp_path: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, may come again, and the door stays open for everybody else."""
    body = b"[" + b" " * 50_000 + b"]"
    outbox = await small(tmp_path, clock, rows=0, max_size=1 << 20)
    await outbox.pauses.put(pause())
    for number in range(40):
        await outbox.append([delivery(f"m{number}", body=body)])
    counts = meta(outbox)
    assert counts.accepted == 40
    assert 8 < counts.dead < 15
    assert counts.erased == 40 - counts.dead
    assert outbox.room().used < 0.8 * (1 << 20)
    assert outbox.dead_lettered()["meta", "queue_full", ""] == 40
    assert stored(await outbox.append([delivery("m39"), delivery("other", destination="ga4")])) == [True, True]
    assert outbox.counts()["ga4"].pending == 1
    assert sum("lost" in line for line in caplog.messages) == 1
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_bytes_are_known_after_a_restart_and_a_kill(tmp_path: Path, clock: FakeTime) -> None:
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(5))
    await outbox.append(deliveries(2, "g", destination="ga4"))
    killed = copy_as_killed(tmp_path, tmp_path / "killed")
    await outbox.close()
    for folder in (tmp_path, killed):
        again = await open_outbox(folder, clock)
        assert [again.quotas.of((name,)) for name in ("meta", "ga4", "none")] == [5 * SIZE, 2 * SIZE, 0]
        await again.close()


def written(folder: Path) -> list[tuple[str, int, int]]:
    with closing(sqlite3.connect(folder / "outbox.db")) as database:
        return database.execute("SELECT destination, rows, bytes FROM volume ORDER BY destination").fetchall()


async def test_bytes_are_written_at_the_end(tmp_path: Path, clock: FakeTime) -> None:
    """With each transaction it would be a page of the log more for each event; and what stands in the file is true, or
    does not stand there: after a kill as many rows may lie there as before, and be others."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(5))
    assert written(copy_as_killed(tmp_path, tmp_path / "killed")) == []
    await outbox.close()
    assert written(tmp_path) == [("meta", 5, 5 * SIZE)]
    again = await open_outbox(tmp_path, clock)
    await again.append([delivery("x1", body=bytes(9000))])
    assert written(copy_as_killed(tmp_path, tmp_path / "changed")) == []
    await again.close()


@pytest.mark.parametrize("number", [5, SAMPLE + 20], ids=["few", "many"])
@pytest.mark.parametrize("statement", ["DELETE FROM volume", "UPDATE volume SET rows = rows + 1, bytes = 1"])
async def test_bytes_that_cannot_be_right_are_estimated(
    tmp_path: Path, clock: FakeTime, statement: str, number: int
) -> None:
    """A file of before, or one that somebody has mended; and from then on they are counted."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(number, body=bytes(100)))
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute(statement)
        database.commit()
    again = await open_outbox(tmp_path, clock)
    assert again.quotas.of(("meta",)) == number * (100 + ROW_BYTES)
    await again.append([delivery("x1", body=bytes(100))])
    await again.close()
    last = await open_outbox(tmp_path, clock)
    assert last.quotas.of(("meta",)) == (number + 1) * (100 + ROW_BYTES)
    await last.close()
