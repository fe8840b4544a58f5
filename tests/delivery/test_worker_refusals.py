"""The vendor refuses events: one bad event is found, the others are delivered; a bad set-up makes no dead letters."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx
import pytest

from tagserver.plugin import Outcome, Outcomes, Payload, Response
from tagserver.queue.dead_letters import Choice
from tests.delivery.support import assert_adds_up, claim, deliveries, delivery, meta, until
from tests.delivery.world import Handler, Hundred, Lone, World, ids_of, refuses


class Blaming(Hundred):
    """The vendor names the index of the bad event."""

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """The body of a 400 is a list of indexes."""
        if response.status == 400:
            bad = json.loads(response.body)
            return Outcome.split("100", "bad", bad) if len(payloads) > 1 else Outcome.rejected("100", "bad")
        return super().classify(response, payloads)


def blames(*bad: str) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        indexes = [index for index, one in enumerate(ids_of(request)) if one in bad]
        return httpx.Response(400, content=json.dumps(indexes)) if indexes else httpx.Response(200)

    return answer


@pytest.mark.parametrize("bad", [0, 42, 99])
async def test_one_bad_event_in_a_hundred(world: World, bad: int) -> None:
    """99 delivered once each, 1 dead, and few requests: at most two for each halving."""
    world.vendor.always = refuses(f"e{bad}")
    await world.outbox.append(deliveries(100))
    world.start()
    await world.drained()
    counts = meta(world.outbox)
    assert (counts.delivered, dict(counts.dead_by_reason)) == (99, {"rejected": 1})
    assert len(world.vendor.sent) <= 15
    taken = [one for ids in world.vendor.sent if f"e{bad}" not in ids for one in ids]
    assert sorted(taken) == sorted(f"e{n}" for n in range(100) if n != bad)
    assert world.state == ("ok", "")
    assert_adds_up(world.outbox, world.folder)


async def test_an_event_the_vendor_names_costs_two_requests_more(world: World) -> None:
    world.vendor.always = blames("e7", "e8")
    await world.outbox.append(deliveries(100))
    world.start(Blaming())
    await world.drained()
    assert [len(ids) for ids in world.vendor.sent] == [100, 1, 1, 98]
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (98, 2)


async def test_a_dead_letter_says_why_and_keeps_no_payload_in_its_reason(world: World) -> None:
    world.vendor.always = blames("e1")
    await world.outbox.append(deliveries(2))
    world.start(Blaming())
    await world.drained()
    letters = await world.outbox.dead(Choice(), 10)
    assert [(one.event_id, one.reason, one.detail) for one in letters] == [("e1", "rejected", "100 bad")]


async def test_when_all_are_refused_alike_nothing_is_buried(world: World) -> None:
    """A wrong API version or a broken mapping: somebody must look, and nothing may be lost meanwhile."""
    world.vendor.always = httpx.Response(400, json={"error": {"message": "no such version"}})
    await world.outbox.append(deliveries(100))
    world.start()
    assert await world.resting() == 600.0
    assert world.state[0] == "paused"
    assert "400 for all" in world.state[1]
    assert "no such version" in world.state[1], "who has to look reads what the vendor says"
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (100, 0)
    assert len(world.vendor.requests) < 30
    world.vendor.always = httpx.Response(200)
    world.naps.over()
    await world.drained()
    assert meta(world.outbox).delivered == 100


async def test_bad_ones_that_stand_together_are_no_bad_set_up(world: World) -> None:
    """Before the set-up is blamed a witness from the far end is heard."""
    bad = [f"e{n}" for n in range(12)]
    world.vendor.always = refuses(*bad)
    await world.outbox.append(deliveries(100))
    world.start()
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (88, 12)
    assert world.naps.none, "it was never paused"


async def test_three_bad_events_alone_are_buried(world: World) -> None:
    """Too few to say that the set-up is bad."""
    world.vendor.always = httpx.Response(400)
    await world.outbox.append(deliveries(3))
    world.start()
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"rejected": 3}


async def test_a_body_too_large_is_halved(world: World) -> None:
    """413: the request was too large, not one event bad."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(413 if len(ids_of(request)) > 30 else 200)

    world.vendor.always = answer
    await world.outbox.append(deliveries(100))
    world.start()
    await world.drained()
    assert meta(world.outbox).delivered == 100
    assert [len(ids) for ids in world.vendor.sent] == [100, 50, 25, 25, 50, 25, 25]


async def test_a_destination_of_one_event_a_request_buries_the_refused_one(world: World) -> None:
    world.vendor.always = refuses("e1")
    await world.outbox.append(deliveries(3))
    world.start(Lone())
    await world.drained()
    assert sorted(world.vendor.sent) == [["e0"], ["e1"], ["e2"]]
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (2, 1)


async def test_an_outage_in_the_middle_of_halving_keeps_what_was_learned(world: World) -> None:
    """Halves that were delivered are not sent again; the rest waits."""
    world.vendor.script += [httpx.Response(400), httpx.Response(200), httpx.Response(503)]
    await world.outbox.append(deliveries(4))
    world.start()
    await world.resting()
    assert (meta(world.outbox).delivered, meta(world.outbox).pending, meta(world.outbox).dead) == (2, 2, 0)
    rows = (await claim(world.outbox)).rows
    assert [(row.event_id, row.attempts) for row in rows] == [("e2", 1), ("e3", 1)]


async def test_a_storm_of_refusals_is_calmed(world: World) -> None:
    """At most 60 halvings a minute, whatever the vendor says; it takes longer, and nothing is lost."""
    world.vendor.always = refuses(*(f"e{n}" for n in range(0, 100, 2)))
    await world.outbox.append(deliveries(100))
    world.start()
    assert await world.resting() >= 60.0
    assert len(world.vendor.requests) <= 121
    while meta(world.outbox).pending:
        world.naps.over()
        await until(lambda: not world.naps.none or not meta(world.outbox).pending)
        if meta(world.outbox).pending:
            await world.resting()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (50, 50)
    assert_adds_up(world.outbox, world.folder)


async def test_expired_and_refused_and_good_in_one_batch(world: World) -> None:
    world.vendor.always = refuses("bad")
    await world.outbox.append([delivery("old", expires=1), delivery("bad"), delivery("good")])
    world.start()
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"expired": 1, "rejected": 1}
    assert meta(world.outbox).delivered == 1
