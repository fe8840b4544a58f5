"""What `Limits.rate` says is kept, whatever a destination's requests are made for; in time that is not real."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Generator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.delivery.throttle import Pace
from tagserver.plugin import Limits, Outcome, Outcomes, Payload, Request, Response
from tagserver.queue.sqlite.engine import SqliteOutbox
from tests.delivery.support import deliveries, meta
from tests.delivery.world import Account, Hours, Hundred, World, ids_of
from tests.fake_time import START, FakeTime


class Slow(Hundred):
    """Two requests a second, of one event each."""

    limits = Limits(events=1, rate=2.0)


class Batches(Hundred):
    """One request in four seconds."""

    limits = Limits(events=4, rate=0.25)


class Login(Batches):
    """Says who it is before each batch."""

    def exchange(
        self,
        payloads: Sequence[Payload],
        settings: Account,
        cache: MutableMapping[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> Generator[Request, Response, Outcomes]:
        """Two requests."""
        yield Request("POST", "https://vendor.example/login", {}, b"[]")
        return self.classify((yield self.request(payloads, settings)), payloads)


class Sink(Hundred):
    """One batch of two a second."""

    sink = True
    limits = Limits(events=2, rate=1, requests=1)

    def __init__(self, clock: FakeTime) -> None:
        self._clock = clock
        self.times: list[float] = []

    async def deliver(self, payloads: Sequence[Payload], settings: Account, *args: Any, **kwargs: Any) -> Outcomes:
        """Notes when."""
        self.times.append(self._clock.monotonic())
        return Outcome.delivered()


@dataclass
class Timed:
    """A world and its time."""

    world: World
    hours: Hours

    async def settled(self, count: int) -> None:
        """Until so many events are delivered, or dead."""
        await self.hours.pass_until(lambda: meta(self.world.outbox).delivered + meta(self.world.outbox).dead == count)


@pytest.fixture
async def timed(outbox: SqliteOutbox, clock: FakeTime, tmp_path: Path) -> AsyncIterator[Timed]:
    """Workers that sleep in time of their own."""
    hours = Hours(clock)
    made = World(outbox, clock, tmp_path, sleep=hours)
    yield Timed(made, hours)
    await made.dispatcher.stop(drain=0)


def noting(world: World, times: list[float], answer: Any = None) -> None:
    """The vendor notes when it is asked."""

    def said(request: httpx.Request) -> httpx.Response:
        times.append(world.clock.monotonic())
        made: httpx.Response = answer(request) if answer else httpx.Response(200)
        return made

    world.vendor.always = said


async def test_requests_are_as_far_apart_as_the_rate_says(timed: Timed) -> None:
    world = timed.world
    times: list[float] = []
    noting(world, times)
    await world.outbox.append(deliveries(5))
    world.start(Slow())
    await timed.settled(5)
    assert times == [0.0, 0.5, 1.0, 1.5, 2.0]


async def test_a_silence_is_not_made_up_for(timed: Timed) -> None:
    """No second sees more than the rate."""
    world = timed.world
    times: list[float] = []
    noting(world, times)
    world.start(Slow())
    world.clock.advance(60)
    await world.outbox.append(deliveries(3))
    await timed.settled(3)
    assert times == [60.0, 60.5, 61.0]


async def test_the_halves_of_what_is_refused_wait_their_turn(timed: Timed) -> None:
    world = timed.world
    times: list[float] = []
    noting(world, times, lambda request: httpx.Response(400 if "e1" in ids_of(request) else 200))
    await world.outbox.append(deliveries(4))
    world.start(Batches())
    await timed.settled(4)
    assert times == [0.0, 4.0, 8.0, 12.0, 16.0]
    assert meta(world.outbox).delivered == 3


async def test_each_request_of_an_exchange_counts(timed: Timed) -> None:
    world = timed.world
    times: list[float] = []
    noting(world, times)
    await world.outbox.append(deliveries(8))
    world.start(Login())
    await timed.settled(8)
    assert times == [0.0, 4.0, 8.0, 12.0]


async def test_the_deliveries_of_a_sink_count(timed: Timed) -> None:
    world = timed.world
    await world.outbox.append(deliveries(6))
    sink = Sink(world.clock)
    world.start(sink)
    await timed.settled(6)
    assert sink.times == [0.0, 1.0, 2.0]


async def test_it_is_asked_when_its_turn_has_come_whether_it_may_be_sent(timed: Timed) -> None:
    """Consent that is taken back while a half waits counts; and `now` is when it is sent."""
    world = timed.world
    times: list[float] = []
    noting(world, times, lambda request: httpx.Response(400))
    world.policy = lambda rows: (
        {row.id: ("consent", "taken back") for row in rows} if world.clock.monotonic() > 0 else {}
    )
    await world.outbox.append(deliveries(4))
    world.start(Batches())
    await timed.settled(4)
    assert times == [0.0]
    assert meta(world.outbox).dead_by_reason == {"consent": 4}


class Dated(Batches):
    """Says when it is sent."""

    def request(self, payloads: Sequence[Payload], settings: Account, now: int) -> Request:  # type: ignore[override]  # (settings of its own)
        """In a header."""
        made = super().request(payloads, settings)
        return Request(made.method, made.url, {**made.headers, "at": str(now - START)}, made.content)


async def test_the_time_that_a_plugin_is_given_is_that_of_its_turn(timed: Timed) -> None:
    world = timed.world
    world.vendor.always = lambda request: httpx.Response(400 if "e1" in ids_of(request) else 200)
    await world.outbox.append(deliveries(4))
    world.start(Dated())
    await timed.settled(4)
    assert [request.headers["at"] for request in world.vendor.requests] == ["0", "4000", "8000", "12000", "16000"]


async def test_what_the_vendor_asks_for_is_kept_beside_it(timed: Timed) -> None:
    """The longer of the two waits counts."""
    world = timed.world
    times: list[float] = []
    noting(world, times)
    world.vendor.script.append(lambda request: httpx.Response(429, headers={"retry-after": "7"}))
    await world.outbox.append(deliveries(2))
    world.start(Slow())
    await timed.settled(2)
    assert times[0] >= 7.0
    assert times[1] - times[0] >= 0.5 - 1e-6


async def test_a_destination_that_waits_for_its_turn_ends_at_once(world: World) -> None:
    """And what waits is kept."""
    await world.outbox.append(deliveries(4))
    world.vendor.always = httpx.Response(400)
    world.start(Batches())
    await world.naps.begun()
    await asyncio.wait_for(world.dispatcher.stop(drain=0), 5)
    assert len(world.vendor.requests) == 1
    assert meta(world.outbox).pending == 4


@given(st.lists(st.floats(0, 5), max_size=30), st.floats(0.1, 50))
def test_no_second_sees_more_than_the_rate(silences: list[float], rate: float) -> None:
    """Whoever asks whenever: turns that were given in one second are no more than the rate, and the first is free."""
    clock, given_ = FakeTime(), []

    async def sleep(seconds: float) -> None:
        raise AssertionError("the first turn of a batch is waited for by whoever begins it")

    clock.sleeper = sleep
    pace = Pace(clock)
    for silence in silences:
        clock.advance(silence)
        clock.advance(pace.wait(rate))
        pace.begin(rate)
        given_.append(clock.monotonic())
    for before, after in itertools.pairwise(given_):
        assert after - before >= 1 / rate - 1e-6


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), True, "5"])
def test_a_rate_that_is_none_is_refused_where_it_is_written(rate: Any) -> None:
    """At the import of the plugin."""
    with pytest.raises(ValueError, match="rate is a number of requests a second"):
        Limits(rate=rate)
