"""What a later copy of an order would have added, and which copy came first: for people, never in an answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import Event, Facts
from tagserver.ingest.copies import carried, is_untrusted, notes_of
from tagserver.ingest.deliveries import Deliveries
from tagserver.ingest.observer import Line
from tagserver.pipeline.route import route
from tagserver.queue.api import Outbox
from tagserver.queue.copy_marks import KINDS, added, from_browser, had, is_long, other_currency
from tagserver.queue.dedup import OrderKeys, difference
from tagserver.queue.values import Receipt
from tagserver.records.making import RecordMaker
from tests.delivery.support import delivery, key
from tests.fake_time import START
from tests.ingest.orders_world import KEY, World, compiled, contracts, copy

SHOP = {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"}


def codes(line: Line) -> list[str]:
    """Of what is said of an event's copies."""
    _, _, made, receipts = line
    return [note.code for note in notes_of(made, receipts)]


async def told(world: World, first: tuple[str, dict[str, Any]], then: tuple[str, dict[str, Any]]) -> Line:
    """What became of the second of two copies."""
    for door, fields in (first, then):
        word = "granted" if door in ("page", "own") else "silent"
        line = await world.say(door, word, **fields)
    return line


async def test_what_a_later_copy_would_have_added_is_in_its_record_alone(world: World) -> None:
    """By its kind, without a value; the answer, which a stranger may read, does not know of it."""
    page = {"user_data": {"email": "erika@example.com"}}
    more = {
        "user_data": {"email": "other@example.com", "phone_number": "+4915112345678", "address": {"city": "Bonn"}},
        "ecommerce": {**SHOP, "items": [{"item_id": "7"}]},
        "user_id": "u-1",
    }
    line = await told(world, ("page", page), ("hook", more))
    answer, _, made, receipts = line
    assert answer is not None
    assert [note.code for note in answer.problems] == []
    (note,) = notes_of(made, receipts)
    assert (note.code, note.message) == (
        "adds",
        "the copy that came first had no phone, name or address, external id, items; this one is not sent",
    )
    record = RecordMaker(KEY).record(world.container, line, START, "summary")
    assert record is not None
    assert [one.code for one in record.problems] == ["adds"]
    assert "Bonn" not in repr(record.problems)


async def test_a_copy_that_has_no_more_adds_nothing(world: World) -> None:
    line = await told(world, ("page", {}), ("hook", {}))
    assert (codes(line), [one.duplicate for one in line[3]]) == ([], ["event"])


async def test_a_page_behind_a_server_under_another_id_is_told(world: World) -> None:
    """Its pixel counts the order once more. Under the same id the vendor sees that it is one."""
    assert "first_not_page" in codes(await told(world, ("file", {}), ("own", {})))


async def test_a_page_behind_a_server_under_the_same_id_is_fine(world: World) -> None:
    assert "first_not_page" not in codes(await told(world, ("hook", {}), ("page", {})))


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        ("page", "hook", True),
        ("page", "file", True),
        ("hook", "page", False),
        ("page", "own", False),
        ("hook", "file", False),
    ],
)
async def test_a_browser_that_keeps_a_key_from_being_heard_is_told(
    first: str, then: str, found: bool, world: World
) -> None:
    """A stranger may have guessed the order, and named another value."""
    line = await told(world, (first, {}), (then, {"ecommerce": {**SHOP, "value": 5900}}))
    assert ("untrusted_first" in codes(line)) == found
    assert [is_untrusted(*pair) for pair in zip(line[2], line[3], strict=True)] == [found]


async def test_another_currency_is_no_other_value(world: World) -> None:
    """The page is in the visitor's, the shop's server in its own: no conflict, and people are told."""
    line = await told(world, ("page", {}), ("hook", {"ecommerce": {**SHOP, "value": 64.2, "currency": "USD"}}))
    assert [one.differs for one in line[3]] == [""]
    assert codes(line) == ["other_currency"]
    line = await world.say("hook", "silent", ecommerce={**SHOP, "value": 64.2, "currency": "eur"})
    assert [one.differs for one in line[3]] == ["value"]


async def test_a_mark_of_before_is_read(engine: Outbox) -> None:
    """Eight bytes, as a queue that is older holds them: order and value are compared, and nothing else is said."""
    keys = OrderKeys(KEY)
    old, new = keys.mark("T-1", 59.9), keys.mark("T-1", 59.9) + had(3, "EUR", browser=True)
    await engine.append([delivery("a", mark=old), delivery("b", mark=new, order=(key("T-1"), 1000.0))])
    for mark in (new, keys.mark("T-1", 59.9) + had(3, "USD", browser=False)):
        assert await engine.append([delivery("a", mark=mark)]) == [Receipt("event")]
    other = keys.mark("T-1", 5.0) + had(3, "EUR", browser=False)
    assert await engine.append([delivery("a", mark=other)]) == [Receipt("event", "value")]
    assert await engine.append([delivery("b", mark=old)]) == [Receipt("event", "", new)]
    assert await engine.append([delivery("c", mark=other, order=(key("T-1"), 1000.0))]) == [
        Receipt("order", "value", new)
    ]


def test_without_a_contract_a_mark_is_as_it_always_was() -> None:
    """And a row carries no hash of its order."""
    container = compiled()
    event = Event("purchase", "e", START, copy("page", "granted"), Facts("browser", START, ip="192.0.2.7"))
    for server, size in ((contracts(()), 8), (contracts(), 12)):
        (made,) = Deliveries(container, server, KEY).of(route(container, event))
        assert (len(made.mark), OrderKeys(KEY).said("T-1") in made.person) == (size, size == 12)


BITS = st.integers(0, (1 << len(KINDS)) - 1)
MARKS = st.builds(
    lambda bits, money, browser: b"m" * 8 + had(bits, money, browser=browser),
    BITS,
    st.sampled_from([None, "EUR", "USD"]),
    st.booleans(),
)


@given(MARKS, MARKS)
def test_marks_are_read_as_they_were_made(first: bytes, then: bytes) -> None:
    assert is_long(first)
    assert from_browser(first) == bool(first[-1] & 1)
    assert added(first, first) == ()
    assert not ({*added(first, then)} & {*added(then, first)})
    assert other_currency(first, then) == other_currency(then, first)
    assert difference(first, then) == ""


@given(st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.lists(st.integers())))
def test_whatever_an_event_holds_has_a_mark(data: dict[str, Any]) -> None:
    made = carried(Event("purchase", "e", START, data, Facts("browser", START)))
    assert len(made) == 4


def test_no_two_kinds_share_a_place() -> None:
    full = had((1 << len(KINDS)) - 1, None, browser=False)
    assert added(bytes(12), bytes(8) + full) == KINDS
    assert not from_browser(bytes(8) + full)
