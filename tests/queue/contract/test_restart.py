"""Survived: what was answered is there after a restart and after a kill."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tagserver.queue.dead_letters import Cause, Choice
from tagserver.queue.values import (
    URGENT_FROM,
    Batch,
    DeadLettered,
    Receipt,
    Row,
    Settlement,
)
from tests.delivery.support import claim, claimed_ids, deliveries, delivery, in_hand, meta, stored
from tests.fake_time import START
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up


def ids(batch: Batch) -> list[int]:
    return [row.id for row in batch.rows]


async def test_what_was_appended_is_there_after_close_and_reopen(outbox: Engine, lasting: Storage) -> None:
    """Every field, not only the body: permits and expiry are decided from the row alone."""
    odd: dict[str, Any] = {"group": "g", "expires": START + 5, "mode": "restrict", "body": b"\x00\xff"}
    assert stored(await outbox.append([delivery("é \x00 \U0001f600", **odd)])) == [True]
    await outbox.close()
    again = await lasting.open()
    row = (await claim(again)).rows[0]
    kept = delivery("é \x00 \U0001f600", **odd)
    fields = [name for name in Row.__struct_fields__ if hasattr(kept, name)]
    assert len(fields) == 12
    assert {name: getattr(row, name) for name in fields} == {name: getattr(kept, name) for name in fields}
    assert (row.attempts, row.unknown_since, row.crashes) == (0, None, 0)


async def test_what_was_answered_survives_a_kill(outbox: Engine, lasting: Storage) -> None:
    """`append` returned, so what a kill leaves now has the row, its key and its counters."""
    await outbox.append(deliveries(3))
    again = await lasting.open_as_killed()
    assert meta(again).pending == 3
    assert stored(await again.append(deliveries(4))) == [False, False, False, True]
    await assert_adds_up(again)


async def test_ids_are_not_used_again_when_the_table_was_empty(outbox: Engine, lasting: Storage) -> None:
    """A late settlement that names an id of yesterday must not hit a row of today."""
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    await outbox.close()
    again = await lasting.open()
    await again.append([delivery("e2")])
    assert (await claim(again)).rows[0].id > batch.rows[0].id


async def test_rows_in_flight_at_a_kill_are_ready_at_the_next_start(outbox: Engine, lasting: Storage) -> None:
    """No waiting for a lease: nobody else is sending them. Those that a plugin had in hand count a
    crash, those that waited for the vendor do not."""
    await outbox.append(deliveries(4))
    await claim(outbox, max_items=1)
    in_hand(outbox, await claim(outbox, max_items=2))
    again = await lasting.open_as_killed()
    rows = (await claim(again)).rows
    assert [(row.event_id, row.crashes) for row in rows] == [("e0", 0), ("e1", 1), ("e2", 1), ("e3", 0)]
    await assert_adds_up(again)


async def test_what_came_through_is_no_crash(outbox: Engine, lasting: Storage) -> None:
    """Neither a plugin's work that was done before the end, nor a batch that was settled."""
    await outbox.append(deliveries(2))
    for _ in range(2):
        batch = await claim(outbox, max_items=1)
        with outbox.working(batch):
            pass
    again = await lasting.open_as_killed()
    assert [row.crashes for row in (await claim(again)).rows] == [0, 0]


async def lives(storage: Storage, number: int, *, rows: int) -> tuple[Engine, list[int]]:
    """As many lives of a queue that each end with the first batch in hand: the next one, and how large those were."""
    outbox = await storage.open()
    await outbox.append(deliveries(rows))
    sizes = []
    for _ in range(number):
        batch = await claim(outbox, max_items=1000)
        sizes.append(len(batch.rows))
        in_hand(outbox, batch)
        outbox = await storage.open_as_killed()
    return outbox, sizes


async def test_the_company_of_a_suspect_grows_smaller_until_it_is_alone(lasting: Storage) -> None:
    """One of them kills the process: after three ends it is alone, and few have been sent in small company."""
    outbox, sizes = await lives(lasting, 4, rows=1500)
    assert sizes == [1000, 100, 10, 1]
    shown = [[row.crashes for row in (await claim(outbox, max_items=1000)).rows] for _ in range(29)]
    assert [set(crashes) for crashes in shown] == [{4}, *[{3}] * 9, *[{2}] * 9, *[{1}] * 9, {0}]
    assert [len(crashes) for crashes in shown] == [*[1] * 10, *[10] * 9, *[100] * 9, 500]
    await assert_adds_up(outbox)


@pytest.mark.parametrize("fate", ["attempted", "unknown"])
async def test_rows_that_came_through_are_free_of_suspicion(lasting: Storage, fate: str) -> None:
    """The vendor was down, but the process lived: they go in full batches again."""
    outbox, _ = await lives(lasting, 3, rows=3)
    alone = [await claim(outbox) for _ in range(3)]
    assert [len(batch.rows) for batch in alone] == [1, 1, 1]
    for batch in alone:
        tried = ids(batch)
        await outbox.settle(batch, Settlement(attempted=tried) if fate == "attempted" else Settlement(unknown=tried))
    assert [row.crashes for row in (await claim(outbox)).rows] == [0, 0, 0]


async def test_the_counters_are_the_same_after_a_restart(outbox: Engine, lasting: Storage) -> None:
    await outbox.append([*deliveries(4), delivery("g", destination="ga4")])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)[:2], dead=[DeadLettered(ids(batch)[2], "consent")]))
    before = dict(outbox.counts())
    await outbox.close()
    again = await lasting.open()
    assert dict(again.counts()) == before
    await assert_adds_up(again)


async def test_close_commits_what_waits(lasting: Storage) -> None:
    outbox = await lasting.open()
    waiting = [asyncio.ensure_future(outbox.append([delivery(f"e{n}")])) for n in range(50)]
    await asyncio.sleep(0)
    await outbox.close()
    assert await asyncio.gather(*waiting) == [[Receipt()]] * 50
    again = await lasting.open()
    assert meta(again).pending == 50
    await assert_adds_up(again)


async def test_urgent_ones_go_first_after_a_kill_but_for_what_is_gone(outbox: Engine, lasting: Storage) -> None:
    """What was in flight is the first again; what was delivered or died is not."""
    await outbox.append(deliveries(URGENT_FROM + 10))
    await outbox.append(deliveries(4, "p", urgent=True))
    batch = await claim(outbox, max_items=2)
    one, two = (row.id for row in batch.rows)
    await outbox.settle(batch, Settlement(delivered=[one], dead=[DeadLettered(two, "rejected")]))
    await claim(outbox, max_items=1)
    again = await lasting.open_as_killed()
    assert await claimed_ids(again) == ["p2", "p3"]
    assert meta(again).pending == URGENT_FROM + 12


async def test_a_name_is_known_after_its_letters_have_gone(outbox: Engine, lasting: Storage) -> None:
    """So that an order may be repeated, also after a restart."""
    cause = Cause("meta", "A", "rejected", "100/28")
    await outbox.append([delivery("e1", tag=cause.tag)])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(batch.rows[0].id, "rejected", "100/28 no", "100/28")]))
    await outbox.drop_dead(Choice(), 10)
    assert list(await outbox.causes()) == [cause]
    await outbox.close()
    again = await lasting.open()
    assert list(await again.causes()) == [cause]
    assert await again.dead_groups(Choice()) == []
