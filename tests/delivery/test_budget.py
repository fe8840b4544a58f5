"""A half-sick vendor is not asked twice for everything."""

from __future__ import annotations

import asyncio

import httpx

from tagserver.delivery.throttle import ALWAYS, SHARE, WINDOW, RetryBudget
from tests.delivery.support import deliveries, meta, until
from tests.delivery.world import Lone, World
from tests.fake_time import FakeTime


def test_repeats_are_a_share_of_what_is_sent_while_some_of_it_fails(clock: FakeTime) -> None:
    budget = RetryBudget(clock)
    for _ in range(1000):
        budget.sent(repeat=True)
    assert budget.allows(), "nothing has failed"
    budget.failed()
    assert not budget.allows()
    clock.advance(WINDOW + 1)
    budget.failed()
    repeats = 0
    for number in range(1, 1001):
        repeat = budget.allows()
        repeats += repeat
        budget.sent(repeat=repeat)
        assert repeats <= max(ALWAYS, SHARE * number + 1)
    assert repeats == SHARE * 1000
    clock.advance(WINDOW + 1)
    assert budget.allows()


async def test_a_vendor_that_fails_now_and_then_gets_few_repeats(world: World) -> None:
    """Every third request fails. First what was not tried yet is sent; the repeats follow within their share, and all
    arrives."""
    number = 0

    def every_third(request: httpx.Request) -> httpx.Response:
        nonlocal number
        number += 1
        return httpx.Response(503 if number % 3 == 0 else 200)

    world.vendor.always = every_third
    await world.outbox.append(deliveries(120))
    world.start(Lone())

    async def time_passes() -> None:
        while True:
            await world.rested()

    passing = asyncio.create_task(time_passes())
    shares: list[tuple[int, int]] = []

    def arrived() -> bool:
        if world.clock.monotonic() < WINDOW:
            shares.append((number - len({ids[0] for ids in world.vendor.sent}), number))
        return not meta(world.outbox).pending

    await until(arrived)
    passing.cancel()
    assert meta(world.outbox).delivered == 120
    assert all(repeats <= max(ALWAYS, SHARE * sent) + 2 for repeats, sent in shares), "it would be a third"
