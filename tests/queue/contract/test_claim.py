"""Given out: in order, within limits, one group at a time, and never twice at once."""

from __future__ import annotations

import asyncio

import pytest

from tagserver.queue.values import (
    BY_AGE_EVERY,
    URGENT_FROM,
    Settlement,
)
from tests.delivery.support import claim, claimed_ids, deliveries, delivery
from tests.fake_time import START
from tests.queue.contract.conftest import Engine, assert_adds_up


async def test_oldest_first_and_newest_for_a_probe(outbox: Engine) -> None:
    await outbox.append(deliveries(4))
    assert await claimed_ids(outbox, max_items=1, newest=True) == ["e3"]
    assert await claimed_ids(outbox, max_items=2) == ["e0", "e1"]
    assert await claimed_ids(outbox) == ["e2"], "what is in flight is not given out again"
    assert await claimed_ids(outbox) == []


async def test_a_claim_keeps_to_its_bytes_but_gives_one_row(outbox: Engine) -> None:
    """A row larger than a request may be is the vendor's to refuse: it must not block the queue for ever."""
    bodies = [b"x" * 500, b"x" * 500, b"x" * 5000]
    await outbox.append([delivery(f"e{n}", body=body) for n, body in enumerate(bodies)])
    assert await claimed_ids(outbox, max_bytes=1002) == ["e0", "e1"]
    assert await claimed_ids(outbox, max_bytes=1002) == ["e2"]


@pytest.mark.parametrize(("most", "given"), [(1001, ["e0"]), (1002, ["e0", "e1"]), (1502, ["e0", "e1"])])
async def test_each_row_has_its_payload_and_a_comma(outbox: Engine, most: int, given: list[str]) -> None:
    """So the request that is made of them is not larger than the vendor takes, to the byte."""
    await outbox.append([delivery(f"e{n}", body=b"x" * 500) for n in range(3)])
    assert await claimed_ids(outbox, max_bytes=most) == given


async def test_groups_are_never_mixed(outbox: Engine) -> None:
    """No group is a group of its own."""
    groups = ["a", None, "b", "a", None, "b", "a"]
    await outbox.append([delivery(f"e{n}", group=group) for n, group in enumerate(groups)])
    assert await claimed_ids(outbox) == ["e0", "e3", "e6"]
    assert await claimed_ids(outbox) == ["e1", "e4"]
    assert await claimed_ids(outbox) == ["e2", "e5"]


async def test_destinations_do_not_see_each_other(outbox: Engine) -> None:
    await outbox.append([delivery("m"), delivery("g", destination="ga4")])
    assert await claimed_ids(outbox, "ga4") == ["g"]
    assert await claimed_ids(outbox, "nobody") == []
    assert (outbox.ready("meta"), outbox.ready("ga4"), outbox.ready("nobody")) == (1, 1, 0)
    await assert_adds_up(outbox)


async def test_concurrent_claims_never_share_a_row(outbox: Engine) -> None:
    await outbox.append(deliveries(60))
    batches = await asyncio.gather(*(claimed_ids(outbox, max_items=7) for _ in range(10)))
    given = [one for batch in batches for one in batch]
    assert sorted(given) == sorted(f"e{n}" for n in range(60))


async def test_wait_returns_for_what_lies_there_and_for_what_comes(outbox: Engine) -> None:
    waiting = asyncio.create_task(outbox.wait("meta"))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    await outbox.append([delivery("g", destination="ga4")])
    await asyncio.sleep(0.005)
    assert not waiting.done(), "another destination's work is none for this one"
    await outbox.append([delivery("e1")])
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(outbox.wait("meta"), 1)


async def test_wait_does_not_return_for_what_is_in_flight(outbox: Engine) -> None:
    """Else a worker would spin while its own request is under way."""
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    waiting = asyncio.create_task(outbox.wait("meta"))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    waiting.cancel()
    await outbox.settle(batch, Settlement())
    await asyncio.wait_for(outbox.wait("meta"), 1)


async def test_oldest_is_when_the_oldest_was_received(outbox: Engine) -> None:
    assert await outbox.oldest("meta") is None
    await outbox.append([delivery("a", received=START + 5), delivery("b", received=START + 9)])
    assert await outbox.oldest("meta") == START + 5


async def test_in_a_short_queue_all_go_by_age(outbox: Engine) -> None:
    await outbox.append([*deliveries(3), delivery("purchase", urgent=True)])
    assert await claimed_ids(outbox) == ["e0", "e1", "e2", "purchase"]


async def test_past_a_long_queue_but_for_every_tenth_request(outbox: Engine) -> None:
    """In their own order, whatever they came with; then the rest, and each once."""
    await outbox.append(deliveries(URGENT_FROM))
    await outbox.append([delivery("late view"), *deliveries(25, "p", urgent=True), delivery("later view")])
    given: list[list[str]] = []
    while batch := await outbox.claim("meta", max_items=2, max_bytes=1 << 20):
        given.append([row.event_id for row in batch.rows])
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    first = [one for batch in given[: BY_AGE_EVERY + 4] for one in batch]
    assert [one for one in first if one.startswith("p")] == [f"p{n}" for n in range(25)]
    assert [one for one in first if one.startswith("e")] == ["e0", "e1"], "a tenth goes by age"
    every = [one for batch in given for one in batch]
    assert len(every) == len(set(every)) == URGENT_FROM + 27
    await assert_adds_up(outbox)
