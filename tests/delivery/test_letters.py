"""Dead letters that are tried again."""

from __future__ import annotations

from pathlib import Path

from tagserver.queue.dead_letters import Account, Choice, Position
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import DeadLettered, Delivery, Settlement
from tests.delivery.support import HOUR, START, Clock, assert_adds_up, claim, deliveries, delivery, meta

WINDOW = 47 * HOUR
ACCOUNTS = {"meta": Account("account-2", WINDOW)}


async def bury(outbox: SqliteOutbox, *rows: Delivery, tried: bool = True) -> None:
    """Rows among the dead letters, tried once before, or never."""
    await outbox.append(rows)
    if tried:
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(attempted=[row.id for row in batch.rows]))
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))


async def test_a_retry_is_as_if_never_tried_and_a_second_one_changes_nothing(
    outbox: SqliteOutbox, tmp_path: Path
) -> None:
    """Under the same event_id, for the account that is configured now."""
    await bury(outbox, *deliveries(3))
    assert (await outbox.retry_dead(Choice(event_ids=("e1",)), ACCOUNTS, 100)).moved == {"meta": 1}
    for _ in range(2):
        done = await outbox.retry_dead(Choice(event_ids=("e1",)), ACCOUNTS, 100)
        assert (done.moved, done.too_old, done.late) == ({}, 0, 0)
        assert_adds_up(outbox, tmp_path)
    (row,) = (await claim(outbox)).rows
    assert (row.event_id, row.attempts, row.unknown_since) == ("e1", 0, None)
    assert row.identity == "account-2"
    assert (meta(outbox).pending, meta(outbox).dead) == (1, 2)


async def test_what_the_vendor_would_not_take_stays_and_is_counted(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    """In pieces: each letter is looked at once, whether it moves or not."""
    ends = [START + 1000, None, START + 10_000, START + 2000, START + 3000]
    await bury(outbox, *(delivery(f"e{n}", expires=end) for n, end in enumerate(ends)))
    clock.advance(3)
    after: Position | None = Position(0, 0)
    moved = too_old = pieces = 0
    while after is not None:
        done = await outbox.retry_dead(Choice(), ACCOUNTS, 2, after)
        moved, too_old, after, pieces = moved + sum(done.moved.values()), too_old + done.too_old, done.after, pieces + 1
    assert (moved, too_old, pieces) == (2, 3, 3)
    assert sorted(row.event_id for row in (await claim(outbox)).rows) == ["e1", "e2"]
    assert_adds_up(outbox, tmp_path)


async def test_a_retry_after_the_vendors_window_is_told(outbox: SqliteOutbox, clock: Clock) -> None:
    """Only of what was tried before: the vendor cannot have the others."""
    await bury(outbox, *deliveries(2, "tried"))
    await bury(outbox, *deliveries(3, "never"), tried=False)
    clock.advance(WINDOW + 1)
    await bury(outbox, delivery("young", received=clock()))
    done = await outbox.retry_dead(Choice(), ACCOUNTS, 100)
    assert (done.moved, done.late) == ({"meta": 6}, 2)
