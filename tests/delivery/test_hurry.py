"""Told twice to stop, nobody waits for the vendors any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.delivery.support import claim, deliveries, open_outbox, until
from tests.delivery.world import World
from tests.fake_time import START, FakeTime


async def test_whoever_is_in_a_hurry_does_not_wait_for_the_vendor(tmp_path: Path, clock: FakeTime) -> None:
    """What is under way is cut and kept, as at the end of the drain."""
    asked = asyncio.Event()

    async def hanging(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(2))
    world = World(outbox, clock, tmp_path, hanging)
    world.start()
    await until(asked.is_set)
    hurry = asyncio.Event()
    stopping = asyncio.create_task(world.dispatcher.stop(60, hurry))
    await asyncio.sleep(0.05)
    assert not stopping.done(), "the first time it waits"
    hurry.set()
    await asyncio.wait_for(stopping, 5)
    rows = (await claim(outbox)).rows
    assert [(row.event_id, row.unknown_since) for row in rows] == [("e0", START), ("e1", START)]
    await outbox.close()
