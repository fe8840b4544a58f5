"""Purchases go past a long queue, and nothing is starved by them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tagserver.queue.sqlite.claims import LONG, TURNS
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import DeadLettered, Settlement
from tests.delivery.support import (
    Clock,
    as_of_format_one,
    assert_adds_up,
    claim,
    claimed_ids,
    copy_as_killed,
    deliveries,
    delivery,
    meta,
    open_outbox,
)


async def test_in_a_short_queue_all_go_by_age(outbox: SqliteOutbox) -> None:
    await outbox.append([*deliveries(3), delivery("purchase", urgent=True)])
    assert await claimed_ids(outbox) == ["e0", "e1", "e2", "purchase"]


async def test_past_a_long_queue_but_for_every_tenth_request(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """In their own order, whatever they came with; then the rest, and each once."""
    await outbox.append(deliveries(LONG))
    await outbox.append([delivery("late view"), *deliveries(25, "p", urgent=True), delivery("later view")])
    given: list[list[str]] = []
    while batch := await outbox.claim("meta", max_items=2, max_bytes=1 << 20):
        given.append([row.event_id for row in batch.rows])
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    first = [one for batch in given[: TURNS + 4] for one in batch]
    assert [one for one in first if one.startswith("p")] == [f"p{n}" for n in range(25)]
    assert [one for one in first if one.startswith("e")] == ["e0", "e1"], "a tenth goes by age"
    every = [one for batch in given for one in batch]
    assert len(every) == len(set(every)) == LONG + 27
    assert_adds_up(outbox, tmp_path)


async def test_the_lane_survives_a_kill_and_forgets_what_is_gone(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    """What was in flight is at its front again; what was delivered or buried is not."""
    await outbox.append(deliveries(LONG + 10))
    await outbox.append(deliveries(4, "p", urgent=True))
    batch = await claim(outbox, max_items=2)
    one, two = (row.id for row in batch.rows)
    await outbox.settle(batch, Settlement(delivered=[one], dead=[DeadLettered(two, "rejected")]))
    await claim(outbox, max_items=1)
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    assert await claimed_ids(again) == ["p2", "p3"]
    assert meta(again).pending == LONG + 12
    await again.close()


async def test_a_queue_of_before_gets_a_lane(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """The table is made when a file of an older version is opened."""
    await outbox.append(deliveries(LONG + 1))
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("DROP TABLE urgent")
        as_of_format_one(database)
        database.commit()
    again = await open_outbox(tmp_path, clock)
    await again.append([delivery("p", urgent=True)])
    assert await claimed_ids(again) == ["p"]
    await again.close()
