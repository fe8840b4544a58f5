"""A destination that somebody has stopped by hand: nothing that is done to it sends anything, and all is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import httpx
import pytest

from tagserver.delivery.health import PROBE
from tagserver.plugin import Limits, Outcome, Outcomes, Payload
from tagserver.queue.dead_letters import Account as Known
from tagserver.queue.dead_letters import Choice
from tests.delivery.support import assert_adds_up, deliveries, delivery, meta, until
from tests.delivery.world import Account, Hundred, World, refuses, takes_only


def hold(world: World, why: str | None = "paused by anna") -> None:
    """Stop it, or let it go on."""
    world.targets["meta"] = replace(world.targets["meta"], held=why)
    world.dispatcher.look_again(["meta"])


async def settled() -> None:
    """Whoever can do something has done it."""
    for _ in range(12):
        await asyncio.sleep(0.001)


async def reloaded(world: World) -> None:
    world.dispatcher.reconfigured(world.targets)


async def asked_for(world: World) -> None:
    world.dispatcher.wait_no_longer("meta")
    world.dispatcher.wait_no_longer()


async def more_comes(world: World) -> None:
    await world.outbox.append([delivery("more")])


async def dead_letters_are_retried(world: World) -> None:
    await world.outbox.retry_dead(Choice(), {"meta": Known("account-1")}, 100)
    world.dispatcher.wait_no_longer("meta")


async def a_probe_would_be_due(world: World) -> None:
    world.clock.advance(PROBE + 1)


async def hours_pass(world: World) -> None:
    world.clock.advance(20 * 3600)
    world.dispatcher.wait_no_longer()


async def other_settings(world: World) -> None:
    world.start(settings=Account("another"), held="paused by anna")


ACTS = [
    reloaded,
    asked_for,
    more_comes,
    dead_letters_are_retried,
    a_probe_would_be_due,
    hours_pass,
    other_settings,
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("was", ["well", "down", "without credentials"])
async def test_nothing_that_is_done_sends_anything(
    world: World, act: Callable[[World], Awaitable[None]], was: str
) -> None:
    """Whatever was learned of the vendor before: no probe, no retry, no act is a way around."""
    world.vendor.always = {
        "well": httpx.Response(200),
        "down": httpx.Response(500),
        "without credentials": httpx.Response(401),
    }[was]
    await world.outbox.append(deliveries(3))
    world.start()
    await until(lambda: bool(world.vendor.requests))
    await settled()
    hold(world)
    await settled()
    before = len(world.vendor.requests)
    await world.outbox.append(deliveries(5, "held-"))
    world.vendor.always = httpx.Response(200)
    for _ in range(2):
        await act(world)
        await settled()
    assert len(world.vendor.requests) == before
    assert meta(world.outbox).pending >= 5
    assert world.state == ("paused", "paused by anna")
    assert_adds_up(world.outbox, world.folder)
    hold(world, None)
    world.dispatcher.wait_no_longer("meta")
    await world.drained()
    assert meta(world.outbox).dead == 0


async def test_what_is_under_way_finishes_and_no_half_follows(world: World) -> None:
    """A refused batch is not cut and sent on: its rows wait as they are."""
    refused = refuses("e3")

    def stops(request: httpx.Request) -> httpx.Response:
        hold(world)
        return refused(request)  # type: ignore[return-value]  # this one always answers

    world.vendor.always = stops
    await world.outbox.append(deliveries(8))
    world.start()
    await until(lambda: bool(world.vendor.requests))
    await settled()
    assert world.vendor.sent == [[f"e{number}" for number in range(8)]]
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (8, 0)
    world.vendor.always = refused
    hold(world, None)
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (7, 1)


async def test_what_was_learned_of_the_vendor_stays(world: World) -> None:
    """Also over a reload: a vendor that was down is not stormed because somebody has paused it."""
    world.vendor.always = takes_only("good")
    await world.outbox.append(deliveries(3))
    world.start(settings=Account("bad"))
    await until(lambda: world.state[0] == "paused")
    learned = world.state
    hold(world)
    await settled()
    world.dispatcher.reconfigured(world.targets)
    await settled()
    hold(world, None)
    await settled()
    assert world.state == learned


class Sink(Hundred):
    """Notes what is called."""

    sink = True
    limits = Limits(events=10)

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def open(self, settings: Account) -> None:
        """Notes it."""
        self.calls.append("open")

    async def tick(self, settings: Account) -> None:
        """Notes it."""
        self.calls.append("tick")

    async def close(self, settings: Account) -> None:
        """Notes it."""
        self.calls.append("close")

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Notes how many."""
        self.calls.append(f"deliver {len(payloads)}")
        return Outcome.delivered()


async def test_a_sink_is_closed_and_opened_again(world: World) -> None:
    """It may send of itself while it is open, so it is not."""
    sink = Sink()
    await world.outbox.append(deliveries(2))
    world.start(sink)
    await world.drained()
    hold(world)
    await until(lambda: sink.calls[-1] == "close")
    await world.outbox.append(deliveries(3, "held-"))
    world.clock.advance(3600)
    world.dispatcher.wait_no_longer()
    await settled()
    assert sink.calls[-1] == "close"
    hold(world, None)
    await world.drained()
    assert [call for call in sink.calls if call != "tick"] == ["open", "deliver 2", "close", "open", "deliver 3"]
