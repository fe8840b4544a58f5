"""What once went wrong in delivery, and must not again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.plugin import Limits, Outcome, Outcomes, Payload, Response
from tagserver.queue.errors import Full
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import DeadLettered, Settlement
from tests.delivery.support import (
    assert_adds_up,
    claim,
    claims_in_flight,
    deliveries,
    delivery,
    meta,
    open_outbox,
    stored,
    until,
)
from tests.delivery.world import Account, Hundred, Lone, World, ids_of, refuses, takes_only
from tests.fake_time import FakeTime


class Says(Hundred):
    """A plugin whose `classify` is what a test says."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """Whatever it is."""
        given = self.answer(payloads) if callable(self.answer) else self.answer
        outcomes: Outcomes = given
        return outcomes


async def test_one_row_of_a_batch_is_asked_to_be_split(world: World) -> None:
    """One outcome for each payload, and one of them is `split`: its halves are an empty list and itself; the empty
    request has no first outcome (IndexError), and the rows are in flight until the next start."""

    def each(payloads: Sequence[Payload]) -> Outcomes:
        if len(payloads) == 1:
            return Outcome.delivered()
        return [Outcome.delivered(), Outcome.split("one of these")]

    await world.outbox.append(deliveries(2))
    world.start(Says(each))
    await until(lambda: len(world.vendor.requests) >= 2)
    await until(lambda: claims_in_flight(world.folder) == 0)
    await world.drained()
    assert [] not in world.vendor.sent
    assert meta(world.outbox).delivered == 2


async def test_blaming_a_row_that_was_delivered_does_not_send_it_again(world: World) -> None:
    """`bad` names a payload whose own outcome is delivered: it is sent twice and counted twice."""

    def each(payloads: Sequence[Payload]) -> Outcomes:
        if len(payloads) == 3:
            return [Outcome.delivered(), Outcome.split("x", bad=(0,)), Outcome.split("x", bad=(0,))]
        return Outcome.delivered()

    await world.outbox.append(deliveries(3))
    world.start(Says(each))
    await until(lambda: meta(world.outbox).delivered >= 3 and claims_in_flight(world.folder) == 0)
    assert meta(world.outbox).delivered == 3
    assert_adds_up(world.outbox, world.folder)
    assert sum(ids.count("e0") for ids in world.vendor.sent) == 1


NONSENSE: list[tuple[str, Any]] = [
    ("an unknown kind", Outcome("okay")),  # type: ignore[arg-type]  # (wrong on purpose)
    ("an index that is text", Outcome.split("x", bad=("1",))),  # type: ignore[arg-type]  # (wrong on purpose)
    ("a reason that is a list", Outcome.rejected(["a"])),  # type: ignore[arg-type]  # (wrong on purpose)
    ("a detail that no file can hold", Outcome.rejected("100", "half a face: \ud83d")),
    ("a wait that is text", Outcome.retry("x", after="5")),  # type: ignore[arg-type]  # (wrong on purpose)
    ("a wait of years", Outcome.throttled("x", after=1e9)),
]


@pytest.mark.parametrize("answer", [one for _, one in NONSENSE], ids=[name for name, _ in NONSENSE])
async def test_nonsense_from_classify_leaves_nothing_in_flight(world: World, answer: Outcome) -> None:
    """Its destination may pause or make dead letters; but it must neither storm the vendor, nor hold rows out of
    everybody's reach, nor sleep for years."""
    await world.outbox.append(deliveries(2))
    world.start(Says(answer))
    await until(lambda: len(world.vendor.requests) > 0)
    for _ in range(100):  # it may need some steps; a storm shows itself meanwhile
        await asyncio.sleep(0.001)
    assert len(world.vendor.requests) < 10
    await until(lambda: claims_in_flight(world.folder) == 0)
    assert_adds_up(world.outbox, world.folder)
    if not world.naps.none:
        assert 0 < await world.naps.begun() <= 3960.0


async def test_a_storm_of_a_plugin_with_one_event_a_request(world: World) -> None:
    """The batch is full with one row, so that not even the linger lies between two requests."""

    class OneNonsense(Says):
        limits = Limits(events=1)

    await world.outbox.append(deliveries(1))
    world.start(OneNonsense(Outcome("okay")))  # type: ignore[arg-type]  # (wrong on purpose)
    await until(lambda: len(world.vendor.requests) > 0)
    await asyncio.sleep(0.1)
    assert len(world.vendor.requests) < 10


async def test_a_bad_event_at_the_end_does_not_hold_a_mended_destination(world: World) -> None:
    """The probe of a pause is always the newest event. When the token works again and that event is one the vendor
    refuses, the refusal is taken for a bad set-up: the others wait until a newer event comes."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != "new":
            return httpx.Response(401)
        return httpx.Response(400 if "e4" in ids_of(request) else 200)

    world.vendor.always = answer
    await world.outbox.append(deliveries(5))
    world.start()
    await world.resting()
    world.start(settings=Account(token="new"))
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (4, 1)


async def test_a_full_batch_of_bad_events_does_not_hold_all_behind_it(world: World) -> None:
    """An hour of a broken mapping, then mended: the oldest batch is refused whole, the probe (the newest event) is
    taken, the same oldest batch is refused again. One good event every ten minutes, until the bad ones expire."""

    class Ten(Hundred):
        limits = Limits(events=10, requests=1)

    world.vendor.always = refuses(*(f"e{n}" for n in range(10)))
    await world.outbox.append(deliveries(40))
    world.start(Ten())
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (30, 10)


async def test_a_bad_set_up_buries_nothing_after_a_bad_hour_either(world: World) -> None:
    """Batches that hold bad events grow smaller, down to one event; from then on a refusal of everything is no longer
    seen as systematic, and the whole queue becomes dead letters, batch by batch."""

    class Eight(Hundred):
        limits = Limits(events=8)

    world.vendor.always = refuses(*(f"e{n}" for n in range(0, 60, 2)))
    await world.outbox.append(deliveries(20))
    world.start(Eight())
    await world.drained()
    dead = meta(world.outbox).dead
    world.vendor.always = httpx.Response(400)
    await world.outbox.append(deliveries(50, "fine"))
    await until(lambda: not world.naps.none or meta(world.outbox).dead > dead + 8)
    assert meta(world.outbox).dead - dead <= 8


async def test_a_token_that_is_replaced_during_a_request_is_tried_at_once(world: World) -> None:
    """The reload comes while a request with the old token is under way; its 401 then pauses the new one for ten
    minutes."""
    released = asyncio.Event()
    old = takes_only("new")

    async def slow(request: httpx.Request) -> httpx.Response:
        world.vendor.requests.append(request)
        if len(world.vendor.requests) == 1:
            await released.wait()
        answer = old(request)
        assert isinstance(answer, httpx.Response)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(b""))

    slow_world = World(world.outbox, world.clock, world.folder, slow)
    await world.outbox.append(deliveries(2))
    slow_world.start()
    await until(lambda: len(world.vendor.requests) == 1)
    slow_world.start(settings=Account(token="new"))
    released.set()
    try:
        await slow_world.drained()
    finally:
        await slow_world.dispatcher.stop(drain=0)


@pytest.mark.parametrize("most", [100, 1000])
async def test_a_queue_that_is_full_can_still_be_claimed(tmp_path: Path, clock: FakeTime, most: int) -> None:
    """Filled to the last page within the half second between two measurements. A claim of many rows needs pages for
    its list of ids, and is refused as full: the worker asks every second, and the queue never empties again."""
    outbox = await open_outbox(tmp_path, clock, max_size=1 << 20)
    try:
        await fill(outbox)
        batch = await claim(outbox, max_items=most, max_bytes=1 << 30)
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
        assert meta(outbox).delivered == most
    finally:
        await outbox.close()


async def test_a_queue_that_is_full_still_takes_dead_letters(tmp_path: Path, clock: FakeTime) -> None:
    """A dead letter is written before it frees the row's page: refused as full, the batch cannot be settled."""
    outbox = await open_outbox(tmp_path, clock, max_size=1 << 20)
    try:
        await fill(outbox)
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected", "x" * 400) for row in batch.rows]))
        assert meta(outbox).dead == 100
        assert_adds_up(outbox, tmp_path)
    finally:
        await outbox.close()


async def fill(outbox: SqliteOutbox) -> None:
    """Until not one small row fits."""
    for number in range(100_000):
        try:
            await outbox.append([delivery(f"e{number}", body=b"x" * (1 + number % 90))])
        except Full:
            return
    raise AssertionError("it was never full")


async def test_a_queue_at_its_own_limit_does_not_blame_the_disk(tmp_path: Path, clock: FakeTime) -> None:
    """Operations would look for a full disk; and the ballast, which is for that, is given up for nothing."""
    outbox = await open_outbox(tmp_path, clock, max_size=1 << 20)
    try:
        await fill(outbox)
        assert "disk" not in (outbox.trouble() or "")
    finally:
        await outbox.close()


async def test_a_first_start_that_was_killed_can_be_repeated(tmp_path: Path, clock: FakeTime) -> None:
    """A kill between `journal_mode=WAL` and the commit of the tables leaves a file without our mark: every later start
    says that it is not a queue of tagserver."""
    with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute("PRAGMA journal_mode=WAL")
    outbox = await open_outbox(tmp_path, clock)
    assert stored(await outbox.append(deliveries(1))) == [True]
    await outbox.close()


async def test_a_new_destination_begins_with_two_requests_at_a_time(world: World) -> None:
    """`Limits.requests`: "the host begins with two and finds out"."""
    under_way = 0
    most = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    slow_world = World(world.outbox, world.clock, world.folder, slow)
    await world.outbox.append(deliveries(2))
    slow_world.start(Lone())
    try:
        await slow_world.drained()
    finally:
        await slow_world.dispatcher.stop(drain=0)
    assert most == 2
