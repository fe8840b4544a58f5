"""What every outbox must do, asked of the SQLite engine: keep, deduplicate, give out, record, survive."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.dedup import mark
from tagserver.queue.errors import Full, Unavailable
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import Batch, DeadLettered, Delivery, Receipt, Row, Settlement, Tombstone
from tests.delivery.support import (
    HOUR,
    START,
    Clock,
    assert_adds_up,
    cared_for,
    claim,
    claimed_ids,
    copy_as_killed,
    deliveries,
    delivery,
    in_hand,
    key,
    lying,
    meta,
    open_outbox,
    stored,
)

DAY = 24 * HOUR


def ids(batch: Batch) -> list[int]:
    return [row.id for row in batch.rows]


# ── kept


async def test_what_was_appended_is_there_after_close_and_reopen(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    """Every field, not only the body: permits and expiry are decided from the row alone."""
    odd: dict[str, Any] = {"group": "g", "expires": START + 5, "mode": "restrict", "body": b"\x00\xff"}
    assert stored(await outbox.append([delivery("é \x00 \U0001f600", **odd)])) == [True]
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    row = (await claim(again)).rows[0]
    kept = delivery("é \x00 \U0001f600", **odd)
    fields = [name for name in Row.__struct_fields__ if hasattr(kept, name)]
    assert len(fields) == 12
    assert {name: getattr(row, name) for name in fields} == {name: getattr(kept, name) for name in fields}
    assert (row.attempts, row.unknown_since, row.crashes) == (0, None, 0)
    await again.close()


async def test_what_was_answered_survives_a_kill(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """`append` returned, so the copy of the files taken now has the row, its key and its counters."""
    await outbox.append(deliveries(3))
    killed = copy_as_killed(tmp_path, tmp_path / "killed")
    again = await open_outbox(killed, clock)
    assert meta(again).pending == 3
    assert stored(await again.append(deliveries(4))) == [False, False, False, True]
    assert_adds_up(again, killed)
    await again.close()


async def test_many_appends_at_once_are_each_answered_for_themselves(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """They share commits and statements; the answers must not be mixed up, nor one key be stored twice."""
    answers = await asyncio.gather(
        *(outbox.append([delivery(f"own{n}"), delivery("shared"), delivery(f"late{n}")]) for n in range(150))
    )
    assert [stored(one)[::2] for one in answers] == [[True, True]] * 150
    assert sum(stored(one)[1] for one in answers) == 1
    assert meta(outbox).accepted == 301
    assert_adds_up(outbox, tmp_path)


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


async def test_nothing_to_append_is_no_error(outbox: SqliteOutbox) -> None:
    assert stored(await outbox.append([])) == []


# ── deduplicated


async def test_a_key_is_known_for_48_hours(outbox: SqliteOutbox, clock: Clock, tmp_path: Path) -> None:
    """Meta counts equal ids once within 48 h; after that a repeat is a new event."""
    assert stored(await outbox.append([delivery("e1")])) == [True]
    clock.jump(48 * HOUR - 1)  # the writer's care, which goes by steady time, does not come to help
    assert stored(await outbox.append([delivery("e1")])) == [False]
    clock.jump(1)
    assert stored(await outbox.append([delivery("e1")])) == [True]
    assert stored(await outbox.append([delivery("e1")])) == [False], "the window began anew"
    assert meta(outbox).accepted == 2
    assert_adds_up(outbox, tmp_path)


async def test_a_key_stays_known_when_its_delivery_is_gone(outbox: SqliteOutbox) -> None:
    """Delivered rows are deleted; the sender's repeat must still be a duplicate."""
    await outbox.append(deliveries(2))
    batch = await claim(outbox)
    first, second = ids(batch)
    await outbox.settle(batch, Settlement(delivered=[first], dead=[DeadLettered(second, "rejected")]))
    assert stored(await outbox.append(deliveries(2))) == [False, False]


async def test_the_same_key_twice_in_one_append(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """A page that sends one event twice in a list: the first counts."""
    twice = [delivery("e1", body=b"first"), delivery("e1", body=b"second"), delivery("e2")]
    assert stored(await outbox.append(twice)) == [True, False, True]
    assert [row.body for row in (await claim(outbox)).rows] == [b"first", b'{"id":"e2"}']
    assert_adds_up(outbox, tmp_path)


def purchase(event_id: str, order: str, value: float | None = None, **fields: Any) -> Delivery:
    """A delivery that is known by its order, too, for seven days."""
    said = mark(order, value, b"k" * 32)
    return delivery(event_id, **({"order": (key(order), 7 * DAY), "mark": said} | fields))


async def test_an_order_is_known_by_itself_for_its_own_time(outbox: SqliteOutbox, clock: Clock, tmp_path: Path) -> None:
    """A copy under another event_id: within one request, later, and long after its first event_id is forgotten."""
    assert await outbox.append([purchase("a", "T-1"), purchase("b", "T-1"), purchase("c", "T-2")]) == [
        Receipt(),
        Receipt("order"),
        Receipt(),
    ]
    clock.jump(7 * DAY - 1)
    assert await outbox.append([purchase("d", "T-1"), purchase("a", "T-1")]) == [Receipt("order")] * 2
    clock.jump(1)
    assert await outbox.append([purchase("d", "T-1"), purchase("e", "T-1")]) == [Receipt(), Receipt("order")]
    assert meta(outbox).accepted == 3
    assert_adds_up(outbox, tmp_path)


async def test_a_repeat_that_says_something_else_is_told(outbox: SqliteOutbox) -> None:
    """Of another order, or with another value; what one of them does not say is no difference."""
    await outbox.append([purchase("a", "T-1", 5.0), delivery("plain")])
    assert await outbox.append(
        [
            purchase("a", "T-1", 5.0),
            purchase("a", "T-2", 5.0),
            purchase("a", "T-2", 6.0),
            purchase("a", "T-1", 6.0),
            purchase("a", "T-1"),
            delivery("a"),
            purchase("b", "T-1", 6.0),
            purchase("b", "T-1", 5.0),
            purchase("plain", "T-9", 1.0),
        ]
    ) == [
        Receipt("event"),
        Receipt("event", "order"),
        Receipt("event", "order"),
        Receipt("event", "value"),
        Receipt("event"),
        Receipt("event"),
        Receipt("order", "value"),
        Receipt("order"),
        Receipt("event"),
    ]


async def test_an_order_is_remembered_only_with_what_is_stored(outbox: SqliteOutbox) -> None:
    """An order that came under the event_id of another one is not lost for good, nor is a duplicate's event_id."""
    await outbox.append([purchase("a", "T-1")])
    assert stored(await outbox.append([purchase("a", "T-2"), purchase("b", "T-1")])) == [False, False]
    assert stored(await outbox.append([purchase("c", "T-2")])) == [True]
    assert stored(await outbox.append([purchase("b", "T-3")])) == [True]


async def test_keys_of_orders_go_the_way_of_their_row(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """A transaction that fails leaves none, a kill all, and the sender's repeat is right after both."""
    failing = [purchase("bad", "T-1"), delivery("late", time=1 << 70)]
    with pytest.raises(OverflowError):
        await outbox.append(failing)
    assert stored(await outbox.append([purchase("good", "T-1", 5.0)])) == [True]
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    assert await again.append([purchase("other", "T-1", 6.0)]) == [Receipt("order", "value")]
    await again.close()


async def test_retention_ends_keys_one_by_one(outbox: SqliteOutbox, clock: Clock, tmp_path: Path) -> None:
    """The event's after 48 hours, the order's after its seven days."""
    await outbox.append([purchase("a", "T-1")])
    for days, kept in ((1, 2), (3, 1), (8, 0)):
        clock.now = START + int(days * DAY * 1000)
        await cared_for(outbox, clock, tmp_path)
        with closing(sqlite3.connect(f"file:{tmp_path / 'outbox.db'}?mode=ro", uri=True)) as database:
            assert database.execute("SELECT count(*) FROM known").fetchone() == (kept,)


# ── given out


async def test_oldest_first_and_newest_for_a_probe(outbox: SqliteOutbox) -> None:
    await outbox.append(deliveries(4))
    assert await claimed_ids(outbox, max_items=1, newest=True) == ["e3"]
    assert await claimed_ids(outbox, max_items=2) == ["e0", "e1"]
    assert await claimed_ids(outbox) == ["e2"], "what is in flight is not given out again"
    assert await claimed_ids(outbox) == []


async def test_a_claim_keeps_to_its_bytes_but_gives_one_row(outbox: SqliteOutbox) -> None:
    """A row larger than a request may be is the vendor's to refuse: it must not block the queue for ever."""
    bodies = [b"x" * 500, b"x" * 500, b"x" * 5000]
    await outbox.append([delivery(f"e{n}", body=body) for n, body in enumerate(bodies)])
    assert await claimed_ids(outbox, max_bytes=1002) == ["e0", "e1"]
    assert await claimed_ids(outbox, max_bytes=1002) == ["e2"]


async def test_groups_are_never_mixed(outbox: SqliteOutbox) -> None:
    """No group is a group of its own."""
    groups = ["a", None, "b", "a", None, "b", "a"]
    await outbox.append([delivery(f"e{n}", group=group) for n, group in enumerate(groups)])
    assert await claimed_ids(outbox) == ["e0", "e3", "e6"]
    assert await claimed_ids(outbox) == ["e1", "e4"]
    assert await claimed_ids(outbox) == ["e2", "e5"]


async def test_destinations_do_not_see_each_other(outbox: SqliteOutbox, tmp_path: Path) -> None:
    await outbox.append([delivery("m"), delivery("g", destination="ga4")])
    assert await claimed_ids(outbox, "ga4") == ["g"]
    assert await claimed_ids(outbox, "nobody") == []
    assert (outbox.ready("meta"), outbox.ready("ga4"), outbox.ready("nobody")) == (1, 1, 0)
    assert_adds_up(outbox, tmp_path)


async def test_concurrent_claims_never_share_a_row(outbox: SqliteOutbox) -> None:
    await outbox.append(deliveries(60))
    batches = await asyncio.gather(*(claimed_ids(outbox, max_items=7) for _ in range(10)))
    given = [one for batch in batches for one in batch]
    assert sorted(given) == sorted(f"e{n}" for n in range(60))


async def test_wait_returns_for_what_lies_there_and_for_what_comes(outbox: SqliteOutbox) -> None:
    waiting = asyncio.create_task(outbox.wait("meta"))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    await outbox.append([delivery("g", destination="ga4")])
    await asyncio.sleep(0.005)
    assert not waiting.done(), "another destination's work is none for this one"
    await outbox.append([delivery("e1")])
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(outbox.wait("meta"), 1)


async def test_wait_does_not_return_for_what_is_in_flight(outbox: SqliteOutbox) -> None:
    """Else a worker would spin while its own request is under way."""
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    waiting = asyncio.create_task(outbox.wait("meta"))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    waiting.cancel()
    await outbox.settle(batch, Settlement())
    await asyncio.wait_for(outbox.wait("meta"), 1)


# ── recorded


async def test_every_fate_is_counted_at_every_step(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    await outbox.append(deliveries(5))
    assert_adds_up(outbox, tmp_path)
    batch = await claim(outbox)
    assert_adds_up(outbox, tmp_path)
    assert meta(outbox).pending == 5, "in flight is pending"
    one, two, three, four, _five = ids(batch)
    clock.advance(7)
    await outbox.settle(
        batch,
        Settlement(delivered=[one], attempted=[two], unknown=[three], dead=[DeadLettered(four, "rejected", "100 x")]),
    )
    assert_adds_up(outbox, tmp_path)
    counts = meta(outbox)
    assert (counts.accepted, counts.delivered, counts.pending, counts.dead) == (5, 1, 3, 1)
    assert counts.dead_by_reason == {"rejected": 1}
    rows = {row.event_id: (row.attempts, row.unknown_since) for row in (await claim(outbox)).rows}
    assert rows == {"e1": (1, None), "e2": (1, START + 7000), "e4": (0, None)}


async def test_the_first_unknown_outcome_is_the_one_that_counts(outbox: SqliteOutbox, clock: Clock) -> None:
    """The vendor's window for repeats begins with the first attempt that may have arrived."""
    await outbox.append([delivery("e1")])
    for _ in range(3):
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(unknown=ids(batch)))
        clock.advance(60)
    row = (await claim(outbox)).rows[0]
    assert (row.attempts, row.unknown_since) == (3, START)


async def test_settling_twice_changes_nothing(outbox: SqliteOutbox, tmp_path: Path) -> None:
    await outbox.append(deliveries(2))
    batch = await claim(outbox)
    for _ in range(2):
        await outbox.settle(batch, Settlement(delivered=ids(batch)[:1], attempted=ids(batch)[1:]))
        assert_adds_up(outbox, tmp_path)
    assert (meta(outbox).delivered, meta(outbox).pending) == (1, 1)
    late = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    assert meta(outbox).delivered == 1, "an old batch has no say over a row that is in flight again"
    assert late.rows[0].attempts == 1


async def test_a_whole_batch_that_is_delivered_takes_no_neighbour_with_it(outbox: SqliteOutbox) -> None:
    """Consecutive rows are deleted as a range: rows of others may lie in between or beside."""
    mixed = [delivery("g0", destination="ga4"), *deliveries(2), delivery("g1", destination="ga4"), delivery("e2")]
    await outbox.append(mixed)
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    assert (meta(outbox).delivered, meta(outbox).pending) == (3, 0)
    assert await claimed_ids(outbox, "ga4") == ["g0", "g1"]


async def test_ids_are_not_used_again_when_the_table_was_empty(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    """A late settlement that names an id of yesterday must not hit a row of today."""
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    await again.append([delivery("e2")])
    assert (await claim(again)).rows[0].id > batch.rows[0].id
    await again.close()


async def test_oldest_is_when_the_oldest_was_received(outbox: SqliteOutbox) -> None:
    assert await outbox.oldest("meta") is None
    await outbox.append([delivery("a", received=START + 5), delivery("b", received=START + 9)])
    assert await outbox.oldest("meta") == START + 5


async def test_tombstones_hold_after_a_restart_and_end(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    await outbox.withdraw([Tombstone(key("erika"), "ad_storage", START)], 60)
    assert outbox.withdrawn([key("max"), key("erika")], START) == {"ad_storage"}
    assert not outbox.withdrawn([key("max")], START)
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    assert again.withdrawn([key("erika")], START) == {"ad_storage"}
    clock.advance(60)
    assert not again.withdrawn([key("erika")], START)
    await again.close()


# ── survived


async def test_rows_in_flight_at_a_kill_are_ready_at_the_next_start(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    """No waiting for a lease: the lock proves that nobody else is sending them. Those that a plugin had in hand count a
    crash, those that waited for the vendor do not."""
    await outbox.append(deliveries(4))
    await claim(outbox, max_items=1)
    in_hand(outbox, await claim(outbox, max_items=2))
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    rows = (await claim(again)).rows
    assert [(row.event_id, row.crashes) for row in rows] == [("e0", 0), ("e1", 1), ("e2", 1), ("e3", 0)]
    assert_adds_up(again, tmp_path / "killed")
    await again.close()


async def test_what_came_through_is_no_crash(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """Neither a plugin's work that was done before the end, nor a batch that was settled."""
    await outbox.append(deliveries(2))
    for _ in range(2):
        batch = await claim(outbox, max_items=1)
        with outbox.working(batch):
            pass
    again = await open_outbox(copy_as_killed(tmp_path, tmp_path / "killed"), clock)
    assert [row.crashes for row in (await claim(again)).rows] == [0, 0]
    await again.close()


async def lives(tmp_path: Path, clock: Clock, number: int, *, rows: int) -> tuple[Path, list[int]]:
    """As many lives of a queue that each end with the first batch in hand: the folder, and how large those were."""
    folder = tmp_path / "0"
    folder.mkdir()
    sizes = []
    for life in range(number):
        outbox = await open_outbox(folder, clock)
        if life == 0:
            await outbox.append(deliveries(rows))
        batch = await claim(outbox, max_items=1000)
        sizes.append(len(batch.rows))
        in_hand(outbox, batch)
        after = copy_as_killed(folder, tmp_path / str(life + 1))
        await outbox.close()
        folder = after
    return folder, sizes


async def test_the_company_of_a_suspect_grows_smaller_until_it_is_alone(tmp_path: Path, clock: Clock) -> None:
    """One of them kills the process: after three ends it is alone, and few have been sent in small company."""
    folder, sizes = await lives(tmp_path, clock, 4, rows=1500)
    assert sizes == [1000, 100, 10, 1]
    outbox = await open_outbox(folder, clock)
    shown = [[row.crashes for row in (await claim(outbox, max_items=1000)).rows] for _ in range(29)]
    assert [set(crashes) for crashes in shown] == [{4}, *[{3}] * 9, *[{2}] * 9, *[{1}] * 9, {0}]
    assert [len(crashes) for crashes in shown] == [*[1] * 10, *[10] * 9, *[100] * 9, 500]
    assert_adds_up(outbox, folder)
    await outbox.close()


@pytest.mark.parametrize("fate", ["attempted", "unknown"])
async def test_rows_that_came_through_are_free_of_suspicion(tmp_path: Path, clock: Clock, fate: str) -> None:
    """The vendor was down, but the process lived: they go in full batches again."""
    folder, _ = await lives(tmp_path, clock, 3, rows=3)
    outbox = await open_outbox(folder, clock)
    alone = [await claim(outbox) for _ in range(3)]
    assert [len(batch.rows) for batch in alone] == [1, 1, 1]
    for batch in alone:
        tried = ids(batch)
        await outbox.settle(batch, Settlement(attempted=tried) if fate == "attempted" else Settlement(unknown=tried))
    assert [row.crashes for row in (await claim(outbox)).rows] == [0, 0, 0]
    await outbox.close()


async def test_the_counters_are_the_same_after_a_restart(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    await outbox.append([*deliveries(4), delivery("g", destination="ga4")])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)[:2], dead=[DeadLettered(ids(batch)[2], "consent")]))
    before = dict(outbox.counts())
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    assert dict(again.counts()) == before
    assert_adds_up(again, tmp_path)
    await again.close()


# ── refused


async def test_full_by_size_stores_nothing_and_ends_when_room_is_made(tmp_path: Path, clock: Clock) -> None:
    """The refused request may be sent again as it is: its keys were not kept."""
    outbox = await open_outbox(tmp_path, clock, max_size=1 << 20)
    big = [delivery(f"big{n}", body=b"x" * 20_000) for n in range(20)]
    await outbox.append(big)
    with pytest.raises(Full) as full:
        await outbox.append([delivery(f"more{n}", body=b"x" * 20_000) for n in range(60)])
    assert full.value.retry_after > 0
    assert meta(outbox).accepted == 20
    assert_adds_up(outbox, tmp_path)
    clock.advance(1)
    assert stored(await outbox.append([delivery("small")])) == [True], "what fits is still taken"
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    clock.advance(1)
    again = [delivery(f"more{n}", body=b"x" * 20_000) for n in range(20)]
    assert stored(await outbox.append(again)) == [True] * 20
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_a_disk_that_is_nearly_full_refuses_before_it_is_full(tmp_path: Path, clock: Clock) -> None:
    """The sentence says how much is left and how much is kept free."""
    outbox = await open_outbox(tmp_path, clock, min_free=1 << 60)
    with pytest.raises(Full, match="are kept free") as full:
        await outbox.append([delivery("e1")])
    assert full.value.retry_after > 0
    assert "are kept free" in (outbox.trouble() or "")
    assert meta(outbox).accepted == 0
    assert await claimed_ids(outbox) == [], "giving out goes on"
    await outbox.close()


async def test_a_closed_outbox_is_unavailable(outbox: SqliteOutbox) -> None:
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    assert outbox.trouble() is None
    await outbox.close()
    await outbox.close()
    assert outbox.trouble() == "the queue is closed"
    for call in (
        outbox.append([delivery("e2")]),
        outbox.claim("meta", max_items=1, max_bytes=100),
        outbox.settle(batch, Settlement()),
        outbox.forget_keys([key("a")]),
        outbox.withdraw([Tombstone(key("a"), "ad_storage", START)], 1),
        outbox.oldest("meta"),
    ):
        with pytest.raises(Unavailable):
            await call


async def test_close_commits_what_waits(tmp_path: Path, clock: Clock) -> None:
    outbox = await open_outbox(tmp_path, clock)
    waiting = [asyncio.ensure_future(outbox.append([delivery(f"e{n}")])) for n in range(50)]
    await asyncio.sleep(0)
    await outbox.close()
    assert await asyncio.gather(*waiting) == [[Receipt()]] * 50
    assert lying(tmp_path) == {"meta": (50, 0)}


async def test_a_cancelled_caller_leaves_the_outbox_whole(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Stored or not, both are allowed; the counters and the others must be right."""
    gone = asyncio.ensure_future(outbox.append([delivery("gone")]))
    await asyncio.sleep(0)
    gone.cancel()
    assert stored(await outbox.append([delivery("stays")])) == [True]
    assert gone.cancelled()
    assert_adds_up(outbox, tmp_path)
