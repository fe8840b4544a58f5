"""Taken in: durable, whole requests, and of equal deliveries the first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tagserver.queue.dedup import OrderKeys
from tagserver.queue.errors import Full, Unavailable
from tagserver.queue.values import (
    Batch,
    DeadLettered,
    Delivery,
    Receipt,
    Settlement,
    Tombstone,
)
from tests.delivery.support import HOUR, claim, deliveries, delivery, key, meta, row_of, stored
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up

DAY = 24 * HOUR


async def test_many_appends_at_once_are_each_answered_for_themselves(outbox: Engine) -> None:
    """They share commits and statements; the answers must not be mixed up, nor one key be stored twice."""
    answers = await asyncio.gather(
        *(outbox.append([delivery(f"own{n}"), delivery("shared"), delivery(f"late{n}")]) for n in range(150))
    )
    assert [stored(one)[::2] for one in answers] == [[True, True]] * 150
    assert sum(stored(one)[1] for one in answers) == 1
    assert meta(outbox).accepted == 301
    await assert_adds_up(outbox)


@pytest.mark.parametrize("repeat", [0, 70, 149])
async def test_a_repeat_among_many_is_the_only_one(outbox: Engine, repeat: int) -> None:
    """Whatever was begun before it was noticed: each key is known afterwards, and each delivery stored once."""
    many = deliveries(150)
    await outbox.append([many[repeat]])
    assert stored(await outbox.append(many)) == [number != repeat for number in range(150)]
    assert not any(stored(await outbox.append(many)))
    assert meta(outbox).accepted == 150
    await assert_adds_up(outbox)


async def test_what_many_have_in_common_and_what_not_comes_out_as_it_went_in(outbox: Engine) -> None:
    given = [
        delivery(
            f"e{number}",
            name=("Purchase", "PageView")[number % 7 == 0],
            tag=f"T{number // 64}",
            purposes=frozenset(("ad_storage", "ad_user_data")[: number % 3]),
            person=(key(f"p{number}"),) * (number % 4),
            time=START + number,
            expires=None if number % 5 else START + number,
            identity="account-2" if number == 99 else "account-1",
        )
        for number in range(100)
    ]
    await outbox.append(given)
    batch = await claim(outbox)
    assert list(batch.rows) == [row_of(row.id, one) for row, one in zip(batch.rows, given, strict=True)]


async def test_nothing_to_append_is_no_error(outbox: Engine) -> None:
    assert stored(await outbox.append([])) == []


async def test_a_key_is_known_for_48_hours(outbox: Engine, clock: FakeTime) -> None:
    """Meta counts equal ids once within 48 h; after that a repeat is a new event."""
    assert stored(await outbox.append([delivery("e1")])) == [True]
    clock.jump(48 * HOUR - 1)  # the writer's care, which goes by steady time, does not come to help
    assert stored(await outbox.append([delivery("e1")])) == [False]
    clock.jump(1)
    assert stored(await outbox.append([delivery("e1")])) == [True]
    assert stored(await outbox.append([delivery("e1")])) == [False], "the window began anew"
    assert meta(outbox).accepted == 2
    await assert_adds_up(outbox)


def ids(batch: Batch) -> list[int]:
    return [row.id for row in batch.rows]


async def test_a_key_stays_known_when_its_delivery_is_gone(outbox: Engine) -> None:
    """Delivered rows are deleted; the sender's repeat must still be a duplicate."""
    await outbox.append(deliveries(2))
    batch = await claim(outbox)
    first, second = ids(batch)
    await outbox.settle(batch, Settlement(delivered=[first], dead=[DeadLettered(second, "rejected")]))
    assert stored(await outbox.append(deliveries(2))) == [False, False]


async def test_the_same_key_twice_in_one_append(outbox: Engine) -> None:
    """A page that sends one event twice in a list: the first counts."""
    twice = [delivery("e1", body=b"first"), delivery("e1", body=b"second"), delivery("e2")]
    assert stored(await outbox.append(twice)) == [True, False, True]
    assert [row.body for row in (await claim(outbox)).rows] == [b"first", b'{"id":"e2"}']
    await assert_adds_up(outbox)


def purchase(event_id: str, order: str, value: float | None = None, **fields: Any) -> Delivery:
    """A delivery that is known by its order, too, for seven days."""
    said = OrderKeys(b"k" * 32).mark(order, value)
    return delivery(event_id, **({"order": (key(order), 7 * DAY), "mark": said} | fields))


async def test_an_order_is_known_by_itself_for_its_own_time(outbox: Engine, clock: FakeTime) -> None:
    """A copy under another event_id: within one request, later, and long after its first event_id is forgotten."""
    assert await outbox.append([purchase("a", "T-1"), purchase("b", "T-1"), purchase("c", "T-2")]) == [
        Receipt(),
        Receipt("order"),
        Receipt(),
    ]
    clock.jump(7 * DAY - 1)
    assert await outbox.append([purchase("d", "T-1"), purchase("a", "T-1")]) == [Receipt("order")] * 2
    clock.jump(1)
    assert await outbox.append([purchase("d", "T-1"), purchase("e", "T-1")]) == [Receipt(), Receipt("order")]
    assert meta(outbox).accepted == 3
    await assert_adds_up(outbox)


async def test_an_own_key_in_the_place_of_an_orders_is_known_for_that_time(outbox: Engine, clock: FakeTime) -> None:
    """What a webhook tells again after days, such as a refund, is known by its event_id alone, and called so."""

    def refund(event_id: str) -> Delivery:
        made = delivery(event_id)
        return delivery(event_id, order=(made.key, 7 * DAY))

    assert await outbox.append([refund("a"), refund("a"), delivery("b")]) == [Receipt(), Receipt("event"), Receipt()]
    clock.jump(48 * HOUR)
    assert await outbox.append([delivery("a"), delivery("b")]) == [Receipt("event"), Receipt()]
    clock.jump(5 * DAY - 1)
    assert await outbox.append([refund("a")]) == [Receipt("event")]
    clock.jump(1)
    assert await outbox.append([refund("a")]) == [Receipt()]
    assert meta(outbox).accepted == 4
    await assert_adds_up(outbox)


async def test_a_repeat_that_says_something_else_is_told(outbox: Engine) -> None:
    """Of another order, or with another value; what one of them does not say is no difference."""
    await outbox.append([purchase("a", "T-1", 5.0), delivery("plain")])
    assert await outbox.append(
        [
            purchase("a", "T-1", 5.0),
            purchase("a", "T-2", 5.0),
            purchase("a", "T-2", 6.0),
            purchase("a", "T-1", 6.0),
            purchase("a", "T-1"),
            delivery("a"),
            purchase("b", "T-1", 6.0),
            purchase("b", "T-1", 5.0),
            purchase("plain", "T-9", 1.0),
        ]
    ) == [
        Receipt("event"),
        Receipt("event", "order"),
        Receipt("event", "order"),
        Receipt("event", "value"),
        Receipt("event"),
        Receipt("event"),
        Receipt("order", "value"),
        Receipt("order"),
        Receipt("event"),
    ]


async def test_an_order_is_remembered_only_with_what_is_stored(outbox: Engine) -> None:
    """An order that came under the event_id of another one is not lost for good, nor is a duplicate's event_id."""
    await outbox.append([purchase("a", "T-1")])
    assert stored(await outbox.append([purchase("a", "T-2"), purchase("b", "T-1")])) == [False, False]
    assert stored(await outbox.append([purchase("c", "T-2")])) == [True]
    assert stored(await outbox.append([purchase("b", "T-3")])) == [True]


async def test_a_cancelled_caller_leaves_the_outbox_whole(outbox: Engine) -> None:
    """Stored or not, both are allowed; the counters and the others must be right."""
    gone = asyncio.ensure_future(outbox.append([delivery("gone")]))
    await asyncio.sleep(0)
    gone.cancel()
    assert stored(await outbox.append([delivery("stays")])) == [True]
    assert gone.cancelled() or stored(gone.result()) == [True]
    await assert_adds_up(outbox)


async def test_full_by_size_stores_nothing_and_ends_when_room_is_made(clock: FakeTime, storage: Storage) -> None:
    """The refused request may be sent again as it is: its keys were not kept."""
    outbox = await storage.open(max_size=1 << 20)
    big = [delivery(f"big{n}", body=b"x" * 20_000) for n in range(20)]
    await outbox.append(big)
    with pytest.raises(Full) as full:
        await outbox.append([delivery(f"more{n}", body=b"x" * 20_000) for n in range(60)])
    assert full.value.retry_after > 0
    assert meta(outbox).accepted == 20
    await assert_adds_up(outbox)
    clock.advance(1)
    assert stored(await outbox.append([delivery("small")])) == [True], "what fits is still taken"
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(delivered=ids(batch)))
    clock.advance(1)
    again = [delivery(f"more{n}", body=b"x" * 20_000) for n in range(20)]
    assert stored(await outbox.append(again)) == [True] * 20
    await assert_adds_up(outbox)


async def test_a_closed_outbox_is_unavailable(outbox: Engine) -> None:
    await outbox.append([delivery("e1")])
    batch = await claim(outbox)
    assert outbox.trouble() is None
    await outbox.close()
    await outbox.close()
    assert outbox.trouble() == "the queue is closed"
    for call in (
        outbox.append([delivery("e2")]),
        outbox.claim("meta", max_items=1, max_bytes=100),
        outbox.settle(batch, Settlement()),
        outbox.forget_keys([key("a")]),
        outbox.withdraw([Tombstone(key("a"), "ad_storage", START)], 1),
        outbox.oldest("meta"),
    ):
        with pytest.raises(Unavailable):
            await call
