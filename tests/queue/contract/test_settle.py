"""What became of a claim: every outcome, counted at every step."""

from __future__ import annotations

from tagserver.queue.dead_letters import Choice
from tagserver.queue.values import (
    Batch,
    DeadLettered,
    Settlement,
)
from tests.delivery.support import claim, claimed_ids, deliveries, delivery, meta
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import Engine, assert_adds_up


def ids(batch: Batch) -> list[int]:
    return [row.id for row in batch.rows]


async def test_every_fate_is_counted_at_every_step(outbox: Engine, clock: FakeTime) -> None:
    await outbox.append(deliveries(5))
    await assert_adds_up(outbox)
    batch = await claim(outbox)
    await assert_adds_up(outbox)
    assert meta(outbox).pending == 5, "in flight is pending"
    one, two, three, four, _five = ids(batch)
    clock.advance(7)
    await outbox.settle(
        batch,
        Settlement(delivered=[one], attempted=[two], unknown=[three], dead=[DeadLettered(four, "rejected", "100 x")]),
    )
    await assert_adds_up(outbox)
    counts = meta(outbox)
    assert (counts.accepted, counts.delivered, counts.pending, counts.dead) == (5, 1, 3, 1)
    assert counts.dead_by_reason == {"rejected": 1}
    rows = {row.event_id: (row.attempts, row.unknown_since) for row in (await claim(outbox)).rows}
    assert rows == {"e1": (1, None), "e2": (1, START + 7000), "e4": (0, None)}


async def test_the_first_unknown_outcome_is_the_one_that_counts(outbox: Engine, clock: FakeTime) -> None:
    """The vendor's window for repeats begins with the first attempt that may have arrived."""
    await outbox.append([delivery("e1")])
    for _ in range(3):
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(unknown=ids(batch)))
        clock.advance(60)
    row = (await claim(outbox)).rows[0]
    assert (row.attempts, row.unknown_since) == (3, START)


async def test_settling_twice_changes_nothing(outbox: Engine) -> None:
    await outbox.append(deliveries(2))
    batch = await claim(outbox)
    for _ in range(2):
        await outbox.settle(batch, Settlement(delivered=ids(batch)[:1], attempted=ids(batch)[1:]))
        await assert_adds_up(outbox)
    assert (meta(outbox).delivered, meta(outbox).pending) == (1, 1)
    late = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    assert meta(outbox).delivered == 1, "an old batch has no say over a row that is in flight again"
    assert late.rows[0].attempts == 1


async def test_a_whole_batch_that_is_delivered_takes_no_neighbour_with_it(outbox: Engine) -> None:
    """Consecutive rows are deleted as a range: rows of others may lie in between or beside."""
    mixed = [delivery("g0", destination="ga4"), *deliveries(2), delivery("g1", destination="ga4"), delivery("e2")]
    await outbox.append(mixed)
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    assert (meta(outbox).delivered, meta(outbox).pending) == (3, 0)
    assert await claimed_ids(outbox, "ga4") == ["g0", "g1"]


async def test_a_row_named_twice_in_a_settlement_takes_no_other_with_it(outbox: Engine) -> None:
    """Three names for three consecutive rows look like the whole batch: the third row, never delivered, is deleted."""
    await outbox.append(deliveries(3))
    batch = await claim(outbox)
    one, two, _three = (row.id for row in batch.rows)
    await outbox.settle(batch, Settlement(delivered=[one, one, two]))
    await assert_adds_up(outbox)
    assert (meta(outbox).delivered, meta(outbox).pending) == (2, 1)


async def test_they_only_grow(outbox: Engine) -> None:
    """Also when the letters are dropped, and nothing is counted twice."""
    await outbox.append(deliveries(4))
    batch = await claim(outbox)
    one, two, three, four = (row.id for row in batch.rows)
    settlement = Settlement(
        dead=[
            DeadLettered(one, "rejected", "100 Invalid parameter", "100"),
            DeadLettered(two, "rejected", "100 Invalid parameter", "100"),
            DeadLettered(three, "expired", "too old"),
        ],
        delivered=[four],
    )
    await outbox.settle(batch, settlement)
    counted = {("meta", "rejected", "100"): 2, ("meta", "expired", ""): 1}
    assert outbox.dead_lettered() == counted
    await outbox.settle(batch, settlement)
    await outbox.drop_dead(Choice(), 10)
    assert outbox.dead_lettered() == counted
