"""How long a destination waits after an answer, and what ends its wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from tests.delivery.support import deliveries, delivery, meta
from tests.delivery.world import BUSY, Account, World, rate_limited
from tests.fake_time import START


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(START / 1000 + seconds, UTC), usegmt=True)


async def test_new_events_do_not_shorten_the_wait(world: World) -> None:
    """Every new event would be a new request to a vendor that asked for quiet."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(BUSY)
    world.start()
    await world.resting()
    await world.outbox.append(deliveries(5, "more"))
    assert len(world.vendor.requests) == 1
    world.naps.over()
    await world.drained()
    assert len(world.vendor.requests) == 2


async def test_a_reload_ends_a_wait_only_if_it_changes_the_destination(world: World) -> None:
    """Else each edit of anything would be a request to a vendor that is down."""
    await world.outbox.append(deliveries(2))
    world.vendor.script += [BUSY, BUSY]
    world.start()
    assert await world.resting() == 1.0
    for _ in range(3):
        world.start()
        await world.resting()
    assert len(world.vendor.requests) == 1
    world.start(settings=Account(token="new"))
    await world.resting()
    assert len(world.vendor.requests) == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 132.0),
        ("0", 1.0),
        (in_seconds(300), 330.0),
        (in_seconds(-300), 1.0),
        ("soon", 1.0),
        ("", 1.0),
        (None, 1.0),
        ("-5", 1.0),
        ("nan", 1.0),
        ("999999999999", 990.0),
        ("inf", 990.0),
        (in_seconds(10**9), 990.0),
    ],
)
async def test_too_many_requests_waits_as_asked(world: World, header: str | None, seconds: float) -> None:
    """What the vendor asks for, 15 minutes at most, and up to a tenth more; nonsense is not heard."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(rate_limited(header))
    world.start()
    assert await world.resting() == pytest.approx(seconds)
    assert world.state == ("retrying", "429")
    world.naps.over()
    await world.drained()


@pytest.mark.parametrize("answer", [rate_limited("900"), httpx.Response(503, headers={"retry-after": "900"})])
@pytest.mark.parametrize("names", ["meta", None, "another"])
async def test_who_wants_it_tried_now_need_not_wait(world: World, answer: httpx.Response, names: str | None) -> None:
    """The vendor may have been mended, and only somebody who knows says so; it counts for whom it was said."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(answer)
    world.start()
    assert await world.resting() == pytest.approx(990.0)
    world.dispatcher.wait_no_longer(names)
    if names == "another":
        await asyncio.sleep(0.05)
        assert meta(world.outbox).pending == 1
        return
    await world.drained()
    assert meta(world.outbox).delivered == 1


async def test_a_vendor_that_is_down_is_asked_once_by_who_does_not_want_to_wait(world: World) -> None:
    """An open breaker sends one small request, and waits again."""
    await world.outbox.append(deliveries(50))
    world.vendor.always = BUSY
    world.start()
    for _ in range(8):
        await world.rested()
    await world.resting()
    before = len(world.vendor.requests)
    world.dispatcher.wait_no_longer()
    await world.resting()
    assert len(world.vendor.requests) == before + 1


async def test_retry_after_counts_for_503_too(world: World) -> None:
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(httpx.Response(503, headers={"retry-after": "60"}))
    world.start()
    assert await world.resting() == pytest.approx(66.0)
