"""Copies of orders that wait for another one: counted from the answer on, sent by nobody before their time, and nothing
but one copy of each order in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tagserver.delivery.send_policy import trace
from tagserver.queue.api import erase_all
from tagserver.queue.copy_marks import had
from tagserver.queue.dead_letters import Choice
from tagserver.queue.errors import Full, Unavailable
from tagserver.queue.moves import ANOTHER_COPY, FORGOTTEN, UNTRUSTED_COPY, Move
from tagserver.queue.pauses import Pause
from tagserver.queue.values import DeadLettered, Delivery, HeldCopy, Row
from tests.delivery.support import HOUR, claim, claimed_ids, delivery, key, meta, stored
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up

DUE = START + 600_000
ORDER = key("order A"), 7 * 24 * HOUR


def copy(event_id: str = "webhook", **fields: Any) -> Delivery:
    """One of order A."""
    return delivery(event_id, **{"order": ORDER, "person": (key("ann"),)} | fields)


async def released(outbox: Engine, at: int = DUE, *dead: int) -> list[HeldCopy]:
    """End what is over; it is what is given."""
    rows = [*await outbox.due(at, 100)]
    await outbox.release([one.id for one in rows], [DeadLettered(one, "consent", "refused") for one in dead])
    await assert_adds_up(outbox)
    return rows


async def test_it_is_counted_and_nobody_claims_it(outbox: Engine, clock: FakeTime) -> None:
    assert stored(await outbox.hold([copy(), delivery("b")], DUE)) == [True, True]
    counts = meta(outbox)
    assert (counts.accepted, counts.pending, counts.waiting) == (2, 2, 2)
    assert outbox.ready("meta") == 0
    assert await outbox.claim("meta", max_items=10, max_bytes=1 << 20) is None
    assert [*await outbox.due(DUE - 1, 100)] == []
    await assert_adds_up(outbox)


async def test_after_its_time_it_is_a_delivery_like_any_other(outbox: Engine) -> None:
    """Every field of it; and its order is known from then on."""
    held = copy(group="g", expires=DUE + 5, mark=b"12345678", once=(key("once"), HOUR), body=b"\x00\xff")
    await outbox.hold([held], DUE)
    (over,) = await released(outbox)
    assert over == HeldCopy(over.id, "webhook", "meta", held.mode, trace(held))
    (sent,) = (await claim(outbox)).rows
    names = [name for name in Row.__struct_fields__ if hasattr(held, name)]
    assert {name: getattr(sent, name) for name in names} == {name: getattr(held, name) for name in names}
    assert stored(await outbox.append([copy("page")])) == [False]
    assert stored(await outbox.append([delivery("other", once=(key("once"), HOUR))])) == [False]
    assert (meta(outbox).accepted, meta(outbox).pending, meta(outbox).waiting) == (1, 1, 0)
    assert await released(outbox) == []


async def test_the_copy_that_comes_meanwhile_is_the_first(outbox: Engine) -> None:
    """By its order or by its own key; the one that waited is erased, and somebody is told."""
    told: list[Move] = []
    outbox.hear(told.extend)
    await outbox.hold([copy(), delivery("same")], DUE)
    assert stored(await outbox.append([copy("page"), delivery("same")])) == [True, True]
    await released(outbox)
    assert sorted(row.event_id for row in (await claim(outbox)).rows) == ["page", "same"]
    assert [(one.event_id, one.to, one.reason) for one in told] == [
        ("webhook", "erased", ANOTHER_COPY),
        ("same", "erased", ANOTHER_COPY),
    ]
    assert (meta(outbox).accepted, meta(outbox).pending, meta(outbox).erased) == (4, 2, 2)


@pytest.mark.parametrize(
    ("value", "browser", "why"),
    [(b"othr", True, UNTRUSTED_COPY), (b"valu", True, ANOTHER_COPY), (b"othr", False, ANOTHER_COPY)],
)
async def test_a_browsers_copy_that_says_otherwise_is_told(
    value: bytes, browser: bool, why: str, outbox: Engine
) -> None:
    """Anybody may have posted it, in all the time that the shop's has waited."""
    told: list[Move] = []
    outbox.hear(told.extend)
    await outbox.hold([copy(mark=b"ordrvalu" + had(0, None, browser=False))], DUE)
    await outbox.append([copy("page", mark=b"ordr" + value + had(0, None, browser=browser))])
    await released(outbox)
    assert [(one.event_id, one.reason) for one in told] == [("webhook", why)]


async def test_a_copy_that_comes_later_waits_for_nothing(outbox: Engine) -> None:
    await outbox.append([copy("page")])
    (receipt,) = await outbox.hold([copy()], DUE)
    assert receipt.duplicate == "order"
    assert meta(outbox).accepted == 1


async def test_of_two_that_wait_one_is_sent(outbox: Engine) -> None:
    """The same one again, as a platform that heard nothing posts it, is a duplicate at once; another one of its order
    when both are over."""
    await outbox.hold([copy()], DUE)
    assert stored(await outbox.hold([copy(), copy("file")], DUE)) == [False, True]
    await released(outbox)
    assert (await claimed_ids(outbox)) == ["webhook"]
    assert (meta(outbox).accepted, meta(outbox).erased) == (2, 1)


async def test_what_was_refused_meanwhile_becomes_a_dead_letter(outbox: Engine) -> None:
    """Its keys are not taken: nothing of it was sent."""
    await outbox.hold([copy()], DUE)
    (row,) = await outbox.due(DUE, 100)
    await released(outbox, DUE, row.id)
    (letter,) = await outbox.dead(Choice(), 10)
    assert (letter.event_id, letter.reason, letter.detail) == ("webhook", "consent", "refused")
    assert (meta(outbox).dead, meta(outbox).pending) == (1, 0)
    assert stored(await outbox.append([copy("page")])) == [True]


async def test_the_longest_over_come_first(outbox: Engine) -> None:
    await outbox.hold([delivery("late")], DUE + 1)
    await outbox.hold([delivery("a"), delivery("b")], DUE)
    assert [row.event_id for row in await outbox.due(DUE + 1, 2)] == ["a", "b"]
    assert [row.event_id for row in await outbox.due(DUE + 1, 9)] == ["a", "b", "late"]


async def test_whoever_waits_for_something_to_send_hears_of_it(outbox: Engine) -> None:
    await outbox.hold([copy()], DUE)
    waiting = asyncio.ensure_future(outbox.wait("meta"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await released(outbox)
    await asyncio.wait_for(waiting, 5)


async def test_it_is_erased_with_its_person(outbox: Engine) -> None:
    await outbox.hold([copy(), delivery("bob", person=(key("bob"),))], DUE)
    assert outbox.may_have([key("ann")])
    erased = await erase_all(outbox, lambda row: key("ann") in row.person, FORGOTTEN)
    assert (erased.queue, erased.dead) == ({"meta": 1}, {})
    assert [row.event_id for row in await released(outbox)] == ["bob"]
    assert (meta(outbox).accepted, meta(outbox).erased) == (2, 1)


async def test_a_pause_counts_for_it_when_it_is_over(storage: Storage) -> None:
    """It does not count against the share before; then it has room, or dies like any other."""
    outbox = await storage.open(share=1000)
    await outbox.pauses.put(Pause(destination="meta", names=("meta",), by="ann", since=START))
    await outbox.hold([copy(), delivery("b"), delivery("c")], DUE)
    await released(outbox)
    counts = meta(outbox)
    assert (counts.accepted, counts.pending + counts.dead + counts.erased, counts.waiting) == (3, 3, 0)
    assert counts.pending == 1


async def test_it_takes_room_and_is_refused_without(storage: Storage) -> None:
    outbox = await storage.open(max_size=8 << 20)
    await outbox.hold([delivery("a"), delivery("b")], DUE)
    with pytest.raises(Full):
        await outbox.hold([delivery(f"{number}", body=b"x" * (1 << 20)) for number in range(20)], DUE)
    rows = await released(outbox)  # what is here already needs none
    assert len(rows) == outbox.ready("meta") == 2


async def test_a_closed_engine_holds_nothing(outbox: Engine) -> None:
    await outbox.close()
    calls: list[Callable[[], Any]] = [
        lambda: outbox.hold([copy()], DUE),
        lambda: outbox.due(DUE, 1),
        lambda: outbox.release([1]),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            await call()


async def test_it_survives_a_kill_and_a_restart(outbox: Engine, lasting: Storage) -> None:
    """What was held, and what was released; each of them once."""
    await outbox.hold([copy(), delivery("b"), delivery("page")], DUE)
    await outbox.append([delivery("page")])
    killed = await lasting.open_as_killed()
    assert (meta(killed).pending, meta(killed).waiting, killed.ready("meta")) == (4, 3, 1)
    assert killed.may_have([key("ann")])
    await assert_adds_up(killed)
    await released(killed)
    await killed.close()
    again = await lasting.open()
    counts = meta(again)
    assert (counts.accepted, counts.pending, counts.waiting, counts.erased) == (4, 3, 0, 1)
    assert sorted(await claimed_ids(again)) == ["b", "page", "webhook"]
