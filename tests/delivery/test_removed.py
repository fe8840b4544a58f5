"""A destination that is not configured any more: what waits for it waits a day for it to come back."""

from __future__ import annotations

from tests.delivery.support import HOUR, deliveries, meta
from tests.delivery.world import World

DAY = 24 * HOUR


async def test_what_waits_for_it_dies_after_a_day(world: World) -> None:
    world.start()
    await world.drained()
    del world.targets["meta"]
    world.dispatcher.reconfigured(world.targets)
    await world.outbox.append(deliveries(3))
    assert world.state[0] == "disabled"
    assert await world.rested() == DAY
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"no_destination": 3}


async def test_while_it_is_paused_by_hand_nothing_is_given_up(world: World) -> None:
    """The day begins when somebody lets it go on."""
    world.start()
    await world.drained()
    world.stopped.add("meta")
    del world.targets["meta"]
    world.dispatcher.reconfigured(world.targets)
    await world.outbox.append(deliveries(3))
    for _ in range(3):
        world.clock.advance(DAY)
        world.dispatcher.look_again(["meta"])
        await world.outbox.forget_keys([])
    assert (meta(world.outbox).pending, world.naps.none) == (3, True)
    world.stopped.clear()
    world.dispatcher.look_again(["meta"])
    assert await world.rested() == DAY
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"no_destination": 3}
