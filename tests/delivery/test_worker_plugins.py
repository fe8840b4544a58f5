"""Plugins that fail while their events are delivered: before anything has left, it is found which event they fail for;
after the vendor's answer nobody knows what became of the batch, and nothing is sent again of itself."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Generator, Iterator, MutableMapping, Sequence
from typing import Any

import httpx
import pytest

from tagserver.plugin import Limits, Outcome, Outcomes, Payload, Request, Response
from tests.delivery.support import claim, deliveries, delivery, meta
from tests.delivery.world import URL, Account, Hundred, World
from tests.fake_time import START

from .bad_plugins import AFTER, BEFORE, Sink, Way, cancels, delivers, requests

RAISED: tuple[type[BaseException], ...] = (
    *(KeyError, SystemExit, KeyboardInterrupt, GeneratorExit, StopAsyncIteration, asyncio.CancelledError),
    *(RecursionError, BaseException),
)


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize("way", BEFORE)
async def test_before_anything_has_left_the_event_is_found(world: World, way: Way, error: type[BaseException]) -> None:
    """One that fails for everything pauses, with everything kept; nothing it raises ends the worker."""

    def fails() -> None:
        raise error("erika@example.com")

    await world.outbox.append(deliveries(20))
    world.start(way(fails)())
    await world.resting()
    assert world.state[0] == "paused"
    assert re.search(
        rf"plugin_error .*; (request|exchange) fails with {error.__name__} at test_worker_plugins", world.state[1]
    )
    assert (meta(world.outbox).pending, meta(world.outbox).dead, world.vendor.requests) == (20, 0, [])
    assert {row.unknown_since for row in (await claim(world.outbox)).rows} == {None}


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize("way", AFTER)
async def test_after_the_answer_nobody_is_to_blame(world: World, way: Way, error: type[BaseException]) -> None:
    """One request, and a pause; all may have arrived, so the window for repeats begins."""

    def fails() -> None:
        raise error("erika@example.com")

    await world.outbox.append(deliveries(20))
    world.start(way(fails)())
    assert await world.resting() == 600.0
    state, reason = world.state
    assert state == "paused"
    assert re.match(
        rf"plugin_error: \w+ fails with {error.__name__} at test_worker_plugins.py:\d+, after the answer", reason
    )
    assert "whether the vendor has the events is not known" in reason
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (20, 0)
    assert len(world.vendor.requests) == (0 if way is delivers else 1)
    rows = (await claim(world.outbox)).rows
    assert {(row.attempts, row.unknown_since) for row in rows} == {(1, START)}


def lazily() -> Iterator[Outcome]:
    yield Outcome.delivered()
    raise KeyError("erika@example.com")


@pytest.mark.parametrize(
    "given",
    [
        *(lambda: None, lambda: "delivered", lambda: 7, list, lambda: [Outcome.delivered()] * 19, lazily),
        *(lambda: [None] * 20, lambda: [Outcome.delivered(), 7] * 10, lambda: Outcome("gone"), cancels),  # type: ignore[arg-type]  # (wrong on purpose)
        *(lambda: Outcome.retry(None), lambda: Outcome.retry("503", after="soon")),  # type: ignore[arg-type]  # (wrong on purpose)
        lambda: Outcome.retry("503", after=float("nan")),
        lambda: itertools.repeat(Outcome.delivered()),
    ],
)
@pytest.mark.parametrize("way", AFTER)
async def test_what_is_no_outcome_is_as_a_failure(world: World, way: Way, given: Any) -> None:
    await world.outbox.append(deliveries(20))
    world.start(way(given)())
    assert await world.resting() == 600.0
    assert world.state[0] == "paused"
    assert world.state[1].startswith("plugin_error: ")
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (20, 0)
    assert len(world.vendor.requests) == (0 if way is delivers else 1)


class Logs(Hundred):
    """Needs a token first, and cannot read the answer."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Account, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """Fails at the first answer."""
        answer = yield Request("POST", URL, {}, b"[]")
        return [Outcome.delivered()][int(answer.headers["x-none"])]


async def test_a_first_answer_of_several_that_cannot_be_read_is_no_event_s_fault(world: World) -> None:
    await world.outbox.append(deliveries(5))
    world.start(Logs())
    await world.resting()
    assert "exchange fails with KeyError" in world.state[1]
    assert (meta(world.outbox).pending, len(world.vendor.requests)) == (5, 1)


class Endless(Hundred):
    """Always wants another answer, and does not want to end."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Account, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """For ever."""
        while True:
            try:
                yield self.request(payloads, settings)
            except GeneratorExit:
                raise SystemExit from None


async def test_a_talk_without_an_end_is_ended(world: World) -> None:
    await world.outbox.append(deliveries(5))
    world.start(Endless())
    await world.resting()
    assert "exchange wants more than 8 requests" in world.state[1]
    assert len(world.vendor.requests) == 8


async def test_what_a_talk_does_when_it_is_cut_changes_nothing(world: World) -> None:
    """The vendor is away; that the plugin fails when it is told so is no news."""
    world.vendor.always = httpx.ConnectError("away")
    await world.outbox.append(deliveries(5))
    world.start(Endless())
    await world.resting()
    assert world.state == ("retrying", "ConnectError")


class Moody(Hundred):
    """Cannot read answers of one kind."""

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """Fails for 299."""
        if response.status == 299:
            raise KeyError
        return super().classify(response, payloads)


async def test_only_what_was_not_tried_asks_whether_answers_can_be_read_again(world: World) -> None:
    """And when one can be, all goes on: what may have arrived is repeated once."""
    world.vendor.script += [httpx.Response(299), httpx.Response(299)]
    await world.outbox.append(deliveries(3))
    world.start(Moody())
    await world.rested()
    await world.rested()
    await world.resting()
    assert world.vendor.sent == [["e0", "e1", "e2"]], "nothing is repeated, however long it lasts"
    await world.outbox.append([delivery("new")])
    world.naps.over()
    await world.resting()
    assert world.vendor.sent[1:] == [["new"]], "its answer cannot be read either"
    await world.outbox.append([delivery("newer")])
    world.naps.over()
    await world.drained()
    assert world.vendor.sent[2:] == [["newer"], ["e0", "e1", "e2", "new"]]
    assert world.state == ("ok", "")


async def test_what_cannot_be_read_twice_waits_for_somebody(world: World) -> None:
    """A batch whose answer breaks the plugin again is not sent a third time of itself."""
    world.vendor.script += [httpx.Response(299), httpx.Response(200), httpx.Response(299)]
    await world.outbox.append(deliveries(3))
    world.start(Moody())
    await world.resting()
    await world.outbox.append([delivery("new")])
    world.naps.over()
    for _ in range(5):
        await world.rested()
    assert world.vendor.sent == [["e0", "e1", "e2"], ["new"], ["e0", "e1", "e2"]]
    assert world.state[0] == "paused"
    world.dispatcher.wait_no_longer("meta")
    await world.drained()
    assert [len(ids) for ids in world.vendor.sent[3:]] == [1, 2]


async def test_a_lack_of_memory_is_no_payload_s_fault(world: World) -> None:
    """Before anything has left it is as if nothing had been; after that nobody knows."""

    def fails() -> None:
        raise MemoryError

    await world.outbox.append(deliveries(2))
    world.start(requests(fails)())
    await world.resting()
    assert world.state == ("retrying", "MemoryError")
    assert {(row.attempts, row.unknown_since) for row in (await claim(world.outbox)).rows} == {(0, None)}


@pytest.mark.parametrize("way", AFTER)
async def test_a_lack_of_memory_after_the_answer_begins_the_time_for_repeats(world: World, way: Way) -> None:
    def fails() -> None:
        raise MemoryError

    await world.outbox.append(deliveries(2))
    world.start(way(fails)())
    await world.resting()
    assert world.state == ("retrying", "MemoryError")
    assert {(row.attempts, row.unknown_since) for row in (await claim(world.outbox)).rows} == {(1, START)}


class Few(Sink):
    """One event a call."""

    limits = Limits(events=1)


async def test_an_oserror_of_a_sink_waits_as_before(world: World) -> None:
    def full() -> None:
        raise OSError("no room")

    await world.outbox.append(deliveries(2))
    world.start(type("Full", (Few,), {"given": lambda self: full()})())
    await world.resting()
    assert world.state == ("retrying", "OSError")
