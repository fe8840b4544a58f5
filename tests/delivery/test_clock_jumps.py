"""The wall clock is set while the server runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tagserver.queue.sqlite.maintenance import PURGE_EVERY
from tagserver.queue.values import DeadLettered, Settlement
from tagserver.system.time import CALM, LONG_CALM
from tests.delivery.support import HOUR, claim, deliveries, meta, open_outbox, until
from tests.delivery.world import World
from tests.fake_time import START, FakeTime

YEARS = 10 * 365 * 24 * HOUR


@pytest.mark.parametrize(
    ("seconds", "noted", "believed"),
    [(4, 0, True), (-4, 0, True), (6, 1, True), (-6, 1, True), (HOUR + 1, 1, False), (-YEARS, 1, False)],
)
def test_what_counts_as_a_step(clock: FakeTime, seconds: float, noted: int, believed: bool) -> None:
    """Each is counted once; after a large one the clock is not believed for a minute."""
    clock.advance(1000)
    clock.jump(seconds)
    assert clock.trusted() is believed
    clock.advance(CALM - 1)
    assert clock.trusted() is believed
    clock.advance(1)
    assert clock.trusted()
    assert clock.trusted(LONG_CALM) is believed
    assert clock.jumps == noted


async def test_a_step_forward_expires_nothing_for_a_minute(world: World) -> None:
    """Ten years on everything looks too old. It is sent all the same, and the vendor says what it thinks of it."""
    await world.outbox.append(deliveries(3, expires=START + 1000 * 3600))
    world.clock.jump(YEARS)
    world.start()
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (3, 0)
    world.clock.advance(CALM)
    await world.outbox.append(deliveries(1, "old", expires=START + 1000 * 3600))
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"expired": 1}


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, YEARS, -YEARS])
async def test_a_step_parks_nothing_and_makes_no_storm(world: World, seconds: float) -> None:
    """Neither what waits for a vendor that is down, nor what comes in meanwhile."""
    world.vendor.script.append(ConnectionError())
    await world.outbox.append(deliveries(2, expires=None))
    world.start()
    asked = await world.resting()
    world.clock.jump(seconds)
    await world.outbox.append(deliveries(2, "later", expires=None))
    assert len(world.vendor.requests) == 1
    assert asked <= 30
    world.naps.over()
    await world.drained()
    assert meta(world.outbox).delivered == 4
    assert len(world.vendor.requests) <= 3


async def test_a_step_forward_erases_no_dead_letters(tmp_path: Path, clock: FakeTime) -> None:
    """What is erased is gone: after a large step that waits an hour, in which the clock can be set right."""
    outbox = await open_outbox(tmp_path, clock, keep_dead=1000.0)
    await outbox.append(deliveries(1))
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(batch.rows[0].id, "rejected")]))
    clock.jump(YEARS)
    for _ in range(3):
        clock.advance(PURGE_EVERY)
        await outbox.forget_keys([])  # wakes the writer
        await asyncio.sleep(0.02)
        assert meta(outbox).dead == 1
    clock.advance(LONG_CALM)
    await outbox.forget_keys([])
    await until(lambda: meta(outbox).dead == 0)
    await outbox.close()
