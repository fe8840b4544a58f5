"""What one destination may take of the queue while somebody has stopped it by hand, and what becomes of the rest."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.dead_letters import Choice
from tagserver.queue.pauses import Pause
from tagserver.queue.sqlite.counters import SAMPLE
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import ROW_BYTES
from tests.delivery.support import (
    START,
    Clock,
    assert_adds_up,
    claim,
    copy_as_killed,
    deliveries,
    delivery,
    meta,
    open_outbox,
    stored,
)

SIZE = len(delivery("e0").body) + ROW_BYTES
"""Of each of the deliveries here."""


def pause(name: str = "meta", *others: str) -> Pause:
    """Of now."""
    return Pause(destination=name, names=(name, *others), by="anna", since=START)


async def small(folder: Path, clock: Clock, rows: int = 3, **options: Any) -> SqliteOutbox:
    """An outbox in which so many rows may wait for one that is stopped."""
    return await open_outbox(folder, clock, share=rows * SIZE, **options)


async def test_beyond_the_share_new_ones_die_and_others_go_on(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Once said; and all are dead letters that can be tried again."""
    outbox = await small(tmp_path, clock)
    await outbox.append(deliveries(2))
    await outbox.pauses.put(pause())
    with caplog.at_level(logging.INFO):
        for number in range(4):
            receipts = await outbox.append(
                [delivery(f"m{number}"), delivery(f"g{number}", destination="ga4"), delivery(f"n{number}")]
            )
            assert stored(receipts) == [True, True, True]
    counts = outbox.counts()
    assert (counts["meta"].accepted, counts["meta"].pending, counts["meta"].dead_by_reason) == (
        10,
        3,
        {"queue_full": 7},
    )
    assert (counts["ga4"].pending, counts["ga4"].dead) == (4, 0)
    assert sum("dead letters (queue_full)" in line for line in caplog.messages) == 1
    assert outbox.quotas.overflow("meta") == "dies"
    assert_adds_up(outbox, tmp_path)
    assert [row.event_id for row in (await claim(outbox)).rows] == ["e0", "e1", "m0"]
    await outbox.close()
    again = await small(tmp_path, clock)
    assert await again.pauses.end(["meta"])
    await again.retry_dead(Choice(reasons=["queue_full"]), {}, 100)
    assert (meta(again).pending, meta(again).dead) == (10, 0)
    rows = (await claim(again)).rows
    assert [row.event_id for row in rows[3:]] == ["n0", "m1", "n1", "m2", "n2", "m3", "n3"]
    assert again.quotas.of(("meta",)) == 10 * SIZE
    await again.close()


async def test_nobody_else_is_limited(tmp_path: Path, clock: Clock) -> None:
    """What waits for a vendor that is down is nobody's decision."""
    outbox = await small(tmp_path, clock)
    await outbox.append(deliveries(10))
    assert (meta(outbox).pending, meta(outbox).dead) == (10, 0)
    await outbox.close()


async def test_a_repeat_of_one_that_died_is_a_duplicate(tmp_path: Path, clock: Clock) -> None:
    """It can be tried again: beside its repeat it would count twice."""
    outbox = await small(tmp_path, clock, rows=0)
    await outbox.pauses.put(pause())
    assert stored(await outbox.append([delivery("a"), delivery("a")])) == [True, False]
    assert stored(await outbox.append([delivery("a")])) == [False]
    assert meta(outbox).dead_by_reason == {"queue_full": 1}
    await outbox.close()


async def test_room_that_comes_back_is_used(tmp_path: Path, clock: Clock) -> None:
    """A person is forgotten, or the pause ends."""
    outbox = await small(tmp_path, clock)
    await outbox.pauses.put(pause())
    await outbox.append(deliveries(4))
    await outbox.erase(lambda trace: True)
    await outbox.append([delivery("b")])
    assert (meta(outbox).pending, meta(outbox).dead) == (1, 1)
    assert outbox.quotas.overflow("meta") == "waits"
    await outbox.append(deliveries(4, "c"))
    assert outbox.quotas.overflow("meta") == "dies"
    await outbox.pauses.end(["meta"])
    assert outbox.quotas.overflow("meta") == "waits"
    await outbox.append(deliveries(4, "d"))
    assert meta(outbox).pending == 7
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_all_names_of_a_destination_have_one_share(tmp_path: Path, clock: Clock) -> None:
    outbox = await small(tmp_path, clock)
    await outbox.append(deliveries(2))
    await outbox.pauses.put(pause("facebook", "meta"))
    await outbox.append(deliveries(2, "f", destination="facebook"))
    assert (outbox.counts()["facebook"].pending, outbox.counts()["facebook"].dead) == (1, 1)
    await outbox.close()


async def test_in_a_full_queue_nothing_more_is_kept_of_it(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
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


async def test_bytes_are_known_after_a_restart_and_a_kill(tmp_path: Path, clock: Clock) -> None:
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


async def test_bytes_are_written_at_the_end(tmp_path: Path, clock: Clock) -> None:
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
    tmp_path: Path, clock: Clock, statement: str, number: int
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
