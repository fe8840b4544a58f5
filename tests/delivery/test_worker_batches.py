"""What shares a request, and how large it grows; and the end: what is under way when the server stops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from tagserver.plugin import Limits, Outcomes, Payload, Request, Response
from tagserver.queue.crash_suspects import DEAD_AFTER
from tagserver.queue.dead_letters import Choice
from tests.delivery.support import (
    assert_adds_up,
    claim,
    copy_as_killed,
    deliveries,
    delivery,
    in_hand,
    meta,
    open_outbox,
    until,
)
from tests.delivery.world import Account, Hundred, World
from tests.fake_time import START, FakeTime


class Small(Hundred):
    """Three events or a hundred bytes."""

    limits = Limits(events=3, bytes=100)


async def test_no_request_is_larger_than_the_limits(world: World) -> None:
    bodies = ["x" * n for n in (1, 1, 1, 1, 60, 60, 5, 90, 200, 1)]
    await world.outbox.append(
        [delivery(f"e{n}", body=f'{{"id":"e{n}","x":"{body}"}}'.encode()) for n, body in enumerate(bodies)]
    )
    world.start(Small())
    await world.drained()
    assert all(len(ids) <= 3 for ids in world.vendor.sent)
    sizes = {
        tuple(ids): len(request.content) for ids, request in zip(world.vendor.sent, world.vendor.requests, strict=True)
    }
    assert [ids for ids, size in sizes.items() if size > 101] == [("e7",), ("e8",)], "too large by itself: sent alone"
    assert sorted(one for ids in world.vendor.sent for one in ids) == [f"e{n}" for n in range(10)]


async def test_groups_never_share_a_request(world: World) -> None:
    groups = ["a", None, "b", "a", None, "b"] * 5
    await world.outbox.append([delivery(f"{group}-{n}", group=group) for n, group in enumerate(groups)])
    world.start()
    await world.drained()
    assert all(len({one.partition("-")[0] for one in ids}) == 1 for ids in world.vendor.sent)
    assert len(world.vendor.sent) == 3


async def test_what_killed_the_process_four_times_is_buried(tmp_path: Path, clock: FakeTime) -> None:
    """And everything else is delivered."""
    folder = tmp_path / "0"
    folder.mkdir()
    for life in range(DEAD_AFTER):
        outbox = await open_outbox(folder, clock)
        if life == 0:
            await outbox.append([delivery("killer"), *deliveries(30)])
        in_hand(outbox, await claim(outbox))
        after = copy_as_killed(folder, tmp_path / str(life + 1))
        await outbox.close()
        folder = after
    outbox = await open_outbox(folder, clock)
    world = World(outbox, clock, folder)
    world.start()
    await world.drained()
    assert sorted(one for request in world.vendor.sent for one in request) == sorted(f"e{n}" for n in range(30))
    assert meta(outbox).dead_by_reason == {"crashed": 1}
    await world.dispatcher.stop(drain=0)
    await outbox.close()


class Watched(Hundred):
    """Notes which of its functions ran while its batch was marked."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks
        self.seen: list[tuple[str, bool]] = []

    def _note(self, name: str) -> None:
        self.seen.append((name, any(self._marks.read_bytes())))

    def request(self, payloads: Sequence[Payload], settings: Account) -> Request:
        """As ever."""
        self._note("request")
        return super().request(payloads, settings)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """As ever."""
        self._note("classify")
        return super().classify(response, payloads)


async def test_a_batch_is_marked_while_the_plugin_has_it_in_hand_and_not_while_the_vendor_has(world: World) -> None:
    """A kill from outside finds a busy server waiting for vendors nearly always: nobody is to blame for that."""
    marks = world.folder / "outbox.db.working"
    waiting: list[bool] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waiting.append(any(marks.read_bytes()))
        return httpx.Response(200)

    world.vendor.always = answer
    plugin = Watched(marks)
    await world.outbox.append(deliveries(1))
    world.start(plugin)
    await world.drained()
    assert plugin.seen == [("request", True), ("classify", True)]
    assert waiting == [False]
    assert not any(marks.read_bytes())


class Breaks(Hundred):
    """Its `request` fails for one event, returns nonsense for another, and for a third what cannot be sent."""

    def request(self, payloads: Sequence[Payload], settings: Account) -> Request:
        """Fails."""
        names = {payload.event_id for payload in payloads}
        if "fails" in names:
            raise ValueError("erika@example.com")
        if "nothing" in names:
            return None  # type: ignore[return-value]  # (wrong on purpose)
        request = super().request(payloads, settings)
        return replace(request, content=7) if "content" in names else request  # type: ignore[arg-type]  # (wrong on purpose)


async def test_a_plugin_that_fails_for_some_events_loses_only_those(world: World) -> None:
    """Each is found by halving, and the letter says where it failed, without the event's data."""
    await world.outbox.append(
        [*deliveries(6), *(delivery(one) for one in ("fails", "nothing", "content")), *deliveries(6, "f")]
    )
    world.start(Breaks())
    world.start(name="ga4")
    await world.outbox.append([delivery("g", destination="ga4")])
    await world.drained()
    assert meta(world.outbox).delivered == 12
    assert meta(world.outbox).dead_by_reason == {"plugin_error": 3}
    letters = await world.outbox.dead(Choice(), 10)
    details = {letter.event_id: letter.detail for letter in letters}
    assert re.fullmatch(r"request fails with ValueError at test_worker_batches\.py:\d+", details["fails"])
    assert details["nothing"] == "request gives NoneType in place of a Request"
    assert details["content"] == "request gives no bytes as the content of a request"
    await until(lambda: world.outbox.counts()["ga4"].delivered == 1)
    assert_adds_up(world.outbox, world.folder)


class Broken(Hundred):
    """Fails always."""

    def request(self, payloads: Sequence[Payload], settings: Account) -> Request:
        """Fails."""
        raise RuntimeError("broken")


async def test_a_plugin_that_always_fails_pauses_and_keeps_everything(world: World) -> None:
    await world.outbox.append([*deliveries(20), delivery("g", destination="ga4")])
    world.start(Broken())
    world.start(name="ga4")
    await world.resting()
    assert world.state[0] == "paused"
    assert "plugin_error" in world.state[1]
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (20, 0)
    await until(lambda: world.outbox.counts()["ga4"].delivered == 1)


async def hanging(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_request_that_is_cut_by_the_end_may_have_arrived(tmp_path: Path, clock: FakeTime) -> None:
    """The vendor may have the body: the window for repeats begins, and the next start sends it again. No crash."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(2))
    world = World(outbox, clock, tmp_path, hanging)
    world.start()
    await until(lambda: outbox.ready("meta") == 2)
    await asyncio.sleep(0.02)
    await world.dispatcher.stop(drain=0.01)
    assert world.state[0] == "ok", "a server that ends answers on for a while, and has not lost its destinations"
    rows = (await claim(outbox)).rows
    assert [(row.event_id, row.unknown_since, row.crashes) for row in rows] == [
        ("e0", START, 0),
        ("e1", START, 0),
    ]
    await outbox.close()


async def test_a_request_under_way_gets_its_time_at_the_end(tmp_path: Path, clock: FakeTime) -> None:
    """And nothing new is claimed meanwhile."""
    outbox = await open_outbox(tmp_path, clock)
    released = asyncio.Event()
    requests = []

    async def slow(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        await released.wait()
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    await outbox.append(deliveries(2))
    world = World(outbox, clock, tmp_path, slow)
    world.start()
    await until(lambda: len(requests) == 1)
    stopping = asyncio.create_task(world.dispatcher.stop(drain=5))
    await asyncio.sleep(0.005)
    await outbox.append([delivery("late")])
    released.set()
    await stopping
    assert (meta(outbox).delivered, meta(outbox).pending, len(requests)) == (2, 1, 1)
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


async def test_workers_that_wait_end_at_once(world: World) -> None:
    """For work, for a vendor, for a secret, in a pause: the end of the server waits for none of them."""
    world.start()
    world.start(name="no secret", paused="not set")
    world.start(Broken(), name="broken")
    world.vendor.always = httpx.Response(503)
    await world.outbox.append([*deliveries(1, destination="down"), *deliveries(9, "b", destination="broken")])
    world.start(name="down")
    await world.naps.begun()
    await world.naps.begun()
    await asyncio.wait_for(world.dispatcher.stop(drain=60), 2)
