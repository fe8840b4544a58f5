"""What a plugin is told of an attempt: when it is, the id of its batch, and the group of each payload."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from tagserver.plugin import Limits, Outcome, Outcomes, Payload, Request, Response
from tagserver.plugin.attempt import batch_id_of
from tests.delivery.support import deliveries, delivery, until
from tests.delivery.world import Account, Hundred, World, refuses
from tests.fake_time import START


class Stamped(Hundred):
    """Says when, under which id, and of which group."""

    def request(self, payloads: Sequence[Payload], settings: Account, now: int, batch_id: str) -> Request:
        """In headers."""
        made = super().request(payloads, settings)
        headers = {**made.headers, "at": str(now), "key": batch_id, "group": str(payloads[0].group)}
        return Request(made.method, made.url, headers, made.content)


def keys(world: World) -> list[str]:
    """The ids of the batches that were sent."""
    return [request.headers["key"] for request in world.vendor.requests]


async def test_each_attempt_has_its_own_time_and_the_same_batch_the_same_id(world: World) -> None:
    """A reload and a restart change nothing of it: it is made of what is sent."""
    await world.outbox.append(deliveries(3))
    world.vendor.script.append(httpx.Response(503))
    world.start(Stamped())
    waited = await world.rested()
    await world.drained()
    assert [request.headers["at"] for request in world.vendor.requests] == [
        str(START),
        str(START + round(waited * 1000)),
    ]
    first, again = keys(world)
    assert first == again == batch_id_of("meta", [Payload(f"e{n}", "Purchase", START, body(n)) for n in range(3)])


def body(number: int) -> bytes:
    """Of the delivery with this number."""
    return f'{{"id":"e{number}"}}'.encode()


async def test_what_is_left_of_a_refused_batch_is_another_batch(world: World) -> None:
    """A vendor that remembers the id of the whole one would take the half for it."""
    await world.outbox.append(deliveries(4))
    world.vendor.always = refuses("e2")
    world.start(Stamped())
    await world.drained()
    assert world.vendor.sent == [["e0", "e1", "e2", "e3"], ["e0", "e1"], ["e2", "e3"], ["e2"], ["e3"]]
    assert len(set(keys(world))) == 5


async def test_two_destinations_never_share_an_id(world: World) -> None:
    await world.outbox.append([delivery("e0"), delivery("e0", destination="ga4", key=b"k" * 16)])
    world.start(Stamped())
    world.start(Stamped(), name="ga4")
    await until(lambda: len(world.vendor.requests) == 2)
    assert len(set(keys(world))) == 2


async def test_a_payload_knows_its_group(world: World) -> None:
    await world.outbox.append([delivery("e0", group="a"), delivery("e1", group=None)])
    world.start(Stamped())
    await world.drained()
    assert {request.headers["group"] for request in world.vendor.requests} == {"a", "None"}


class Sink(Hundred):
    """Keeps what it was told."""

    sink = True
    limits = Limits(events=10)

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    async def deliver(self, payloads: Sequence[Payload], settings: Account, batch_id: str, now: int) -> Outcomes:
        """Nowhere."""
        self.told.append((now, batch_id))
        return Outcome.delivered()


async def test_a_sink_is_told_as_well(world: World) -> None:
    await world.outbox.append([delivery("e0")])
    sink = Sink()
    world.start(sink)
    await world.drained()
    assert sink.told == [(START, batch_id_of("meta", [Payload("e0", "Purchase", START, body(0))]))]


class Asking(Hundred):
    """Asks for something when it judges, and declares nothing else."""

    def classify(self, response: Response, payloads: Sequence[Payload], now: int) -> Outcomes:
        """As of now."""
        return Outcome.delivered(warning=f"at {now}")


async def test_the_judge_is_told_as_well(world: World, caplog: object) -> None:
    await world.outbox.append([delivery("e0")])
    world.start(Asking())
    await world.drained()
    assert f"at {START}" in caplog.text  # type: ignore[attr-defined]  # (the fixture is typed as an object)
