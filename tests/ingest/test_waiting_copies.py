"""A webhook's copy that waits for the page's: whatever the page says until then counts, and one copy of the order is
sent in the end, or none. On each engine."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tagserver.event.identity import Identity
from tagserver.event.person_keys import all_keys
from tagserver.queue.dead_letters import Choice
from tagserver.queue.values import EVERYTHING, Tombstone
from tests.ingest.orders_world import GRANTED, KEY, World, compiled, copy
from tests.queue.contract.conftest import assert_adds_up

WAIT = 600.0


async def waits(world: World, door: str = "hook", word: str = "silent", order: str = "T-1") -> str:
    """A copy that waits comes in; what is answered."""
    (answer,) = await world.post(door, copy(door, word, order), wait=WAIT)
    world.clock.advance(1)
    return answer.status


async def over(world: World) -> list[str]:
    """The waits are over; what was sent."""
    world.clock.advance(WAIT)
    await world.waiting.release()
    await assert_adds_up(world.engine)
    return await world.deliver()


async def test_it_is_stored_and_sent_when_nobody_else_comes(world: World) -> None:
    assert await waits(world) == "accepted"
    await world.waiting.release()
    assert await world.deliver() == []
    assert await over(world) == ["purchase_T-1"]
    assert await over(world) == []


@pytest.mark.parametrize("door", ["page", "own"])
async def test_the_pages_copy_is_the_one_that_counts(world: World, door: str) -> None:
    """Under the same id or under its own."""
    await waits(world)
    await world.say(door, "granted")
    sent = await world.deliver()
    assert len(sent) == 1
    assert await over(world) == []
    assert [counts.erased for counts in world.engine.counts().values()] == [1]


@pytest.mark.parametrize("word", ["denied", "garbled", "part"])
@pytest.mark.parametrize("door", ["page", "own"])
async def test_what_the_visitor_refuses_meanwhile_keeps_it_back(world: World, door: str, word: str) -> None:
    """Whether the sweep is there first or the end of the wait."""
    await waits(world)
    await world.say(door, word)
    assert await over(world) == []
    assert [(one.accepted, one.waiting, one.pending) for one in world.engine.counts().values()] == [(1, 0, 0)]


@pytest.mark.parametrize("door", ["page", "own"])
async def test_under_an_opt_out_of_sale_the_pages_restricted_copy_is_sent(world: World, door: str) -> None:
    """The one that waits was built for somebody who has not opted out."""
    await waits(world)
    *_, made, _ = await world.say(door, "gpc")
    assert [one.mode for one in made] == ["restrict"]
    assert len(await over(world)) == 1
    assert [(one.delivered, one.dead + one.erased) for one in world.engine.counts().values()] == [(1, 1)]


async def test_a_refusal_that_comes_is_told_in_the_dead_letter(world: World) -> None:
    await waits(world)
    await world.say("own", "part")
    assert await over(world) == []
    (letter,) = await world.engine.dead(Choice(), 10)
    assert letter.reason == "consent"
    assert letter.detail == "the visitor has refused ad_user_data with another copy of this order"


async def test_a_grant_behind_the_refusal_lets_it_go(world: World) -> None:
    await waits(world)
    await world.say("own", "denied")
    await world.post("own", copy("own", "granted", event_id="own-2"))
    assert await world.deliver() == ["own-2"]
    assert await over(world) == []


async def test_a_page_that_came_first_makes_it_a_duplicate_at_once(world: World) -> None:
    await world.say("page", "granted")
    assert await waits(world) == "duplicate"
    assert not any(row.waiting for row in world.engine.counts().values())


async def test_the_person_is_forgotten_while_it_waits(world: World) -> None:
    made = copy("hook", "silent")
    await world.post("hook", made, wait=WAIT)
    persons = all_keys(Identity({"user_data": made["user_data"]}), KEY, (None,))
    now = world.clock.now()
    await world.engine.withdraw([Tombstone(one, EVERYTHING, now, now + 1) for one in persons], 86400.0)
    await world.walk()
    assert await over(world) == []
    assert [(one.erased, one.dead, one.pending) for one in world.engine.counts().values()] == [(1, 0, 0)]


async def test_a_copy_and_the_end_of_the_wait_at_once(world: World) -> None:
    """Fifty orders: each is decided by one of both at a time, and none is sent twice or against a refusal."""
    orders = [f"T-{n}" for n in range(50)]
    for order in orders:
        await waits(world, order=order)
    world.clock.advance(WAIT)
    copies = [
        world.post("own", copy("own", word, order), ip=f"192.0.2.{n}")
        for n, (order, word) in enumerate(zip(orders, itertools.cycle(["granted", "denied"]), strict=False))
    ]
    halves = [*copies[:25], world.waiting.release(), *copies[25:]]
    await asyncio.gather(*halves)
    await world.walk()
    await assert_adds_up(world.engine)
    sent = await world.deliver()
    numbers = [one.rpartition("-")[2] for one in sent]
    assert len(numbers) == len({*numbers})
    assert {f"T-{n}" for n in numbers} >= {*orders[::2]}


async def test_many_are_released_in_pieces(world: World) -> None:
    for n in range(250):
        await world.post("hook", copy("hook", "silent", f"T-{n}"), wait=WAIT)
    assert len(await over(world)) == 250


async def test_a_tag_that_became_stricter_is_heard_at_the_end(world: World) -> None:
    """As for all that waits in the queue."""
    await world.post("hook", copy("hook", "silent") | {"consent": GRANTED}, wait=WAIT)
    world.container = compiled(
        """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:T}"}
tags:
  - {name: Meta, destination: meta, triggers: [all], consent: [ad_storage, ad_user_data, analytics_storage]}
"""
    )
    assert await over(world) == []
