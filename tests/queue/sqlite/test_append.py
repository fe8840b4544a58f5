"""Taking in, of the SQLite engine: requests that share a transaction, keys in their table, and a full disk."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.dedup import OrderKeys
from tagserver.queue.errors import Full
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import URGENT_FROM, Delivery, Receipt
from tests.delivery.support import (
    HOUR,
    as_of_format_one,
    assert_adds_up,
    cared_for,
    claimed_ids,
    copy_as_killed,
    deliveries,
    delivery,
    key,
    meta,
    open_outbox,
    stored,
)
from tests.fake_time import START, FakeTime

DAY = 24 * HOUR


async def test_one_bad_request_does_not_fail_its_neighbours(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Requests that wait together share a transaction; the bad one alone fails, and nothing of it is stored."""
    too_late = delivery("bad", time=1 << 70)
    results = await asyncio.gather(
        outbox.append([delivery("a")]),
        outbox.append([delivery("half"), too_late]),
        outbox.append([delivery("b")]),
        return_exceptions=True,
    )
    assert isinstance(results[1], OverflowError)
    assert [stored(results[0]), stored(results[2])] == [[True], [True]]
    assert await claimed_ids(outbox) == ["a", "b"]
    assert stored(await outbox.append([delivery("half")])) == [True], "its key was not kept either"
    assert_adds_up(outbox, tmp_path)


def purchase(event_id: str, order: str, value: float | None = None, **fields: Any) -> Delivery:
    """A delivery that is known by its order, too, for seven days."""
    said = OrderKeys(b"k" * 32).mark(order, value)
    return delivery(event_id, **({"order": (key(order), 7 * DAY), "mark": said} | fields))


async def test_keys_of_orders_go_the_way_of_their_row(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """A transaction that fails leaves none, a kill all, and the sender's repeat is right after both."""
    failing = [purchase("bad", "T-1"), delivery("late", time=1 << 70)]
    with pytest.raises(OverflowError):
        await outbox.append(failing)
    assert stored(await outbox.append([purchase("good", "T-1", 5.0)])) == [True]
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    assert await again.append([purchase("other", "T-1", 6.0)]) == [Receipt("order", "value")]
    await again.close()


async def test_retention_ends_keys_one_by_one(outbox: SqliteOutbox, clock: FakeTime, tmp_path: Path) -> None:
    """The event's after 48 hours, the order's after its seven days."""
    await outbox.append([purchase("a", "T-1")])
    for days, kept in ((1, 2), (3, 1), (8, 0)):
        clock.set(START + int(days * DAY * 1000))
        await cared_for(outbox, clock, tmp_path)
        with closing(sqlite3.connect(f"file:{tmp_path / 'outbox.db'}?mode=ro", uri=True)) as database:
            assert database.execute("SELECT count(*) FROM known").fetchone() == (kept,)


async def test_a_disk_that_is_nearly_full_refuses_before_it_is_full(tmp_path: Path, clock: FakeTime) -> None:
    """The sentence says how much is left and how much is kept free."""
    outbox = await open_outbox(tmp_path, clock, min_free=1 << 60)
    with pytest.raises(Full, match="are kept free") as full:
        await outbox.append([delivery("e1")])
    assert 15 <= full.value.retry_after <= 30, "not at once, and not all at the same time"
    assert "are kept free" in (outbox.trouble() or "")
    assert meta(outbox).accepted == 0
    assert await claimed_ids(outbox) == [], "giving out goes on"
    await outbox.close()


async def test_in_a_queue_of_before_urgent_ones_go_first(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """The table is made when a file of an older version is opened."""
    await outbox.append(deliveries(URGENT_FROM + 1))
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("DROP TABLE urgent")
        as_of_format_one(database)
        database.commit()
    again = await open_outbox(tmp_path, clock)
    await again.append([delivery("p", urgent=True)])
    assert await claimed_ids(again) == ["p"]
    await again.close()
