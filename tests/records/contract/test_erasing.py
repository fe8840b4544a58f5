"""Erasing: all that somebody's records, deliveries and orders have left; nobody else's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tagserver.records.api import Group, RecordStore
from tagserver.records.values import Attempted, EventRecord, RowOutcome
from tests.fake_time import START, FakeTime
from tests.records.contract.conftest import KEEP
from tests.records.made import attempt, event, events, fate, order, person, refused, share

ERIKA, MAX = person("erika"), person("max")


def rows(found: list[Attempted]) -> list[tuple[tuple[str, str], ...]]:
    """The rows of attempts."""
    return [one.rows for one in found]


def test_a_person(store: RecordStore) -> None:
    kept = store.write(
        Group(
            events=[event("a", persons=(ERIKA, person("x"))), event("b", persons=(MAX,)), refused(), event("c")],
            attempts=[attempt(("a", "T"), ("b", "T")), attempt(("c", "T"))],
            orders=[order("1", "a"), order("2", "b", persons=(MAX,))],
            fates=[fate("a"), fate("b")],
        )
    )
    assert store.erase([ERIKA, person("somebody else")]) == 2
    assert list(store.newest()) == [kept[2], kept[1]]
    assert store.of_person([ERIKA]) == store.of_event("a") == []
    assert rows(store.attempts(["a", "b", "c"], 0)) == [(("b", "T"),)]
    assert [one.order for one in store.orders()] == ["2"]
    assert store.fates(["a", "b"]) == [fate("b")]
    assert store.erase([ERIKA]) == 0
    assert store.kept().events == 2


def test_an_order(store: RecordStore) -> None:
    """Also events whose id is made of its number, whether they say which order they are of or not."""
    store.write(
        Group(
            events=[
                event("a", order="7"),
                event("purchase_7", persons=(MAX,)),
                event("7", persons=(MAX,)),
                event("77", persons=(MAX,)),
                event("purchase_77", order="77", persons=(MAX,)),
            ],
            attempts=[attempt(("purchase_7", "T"), ("7", "T"), ("77", "T"))],
            orders=[order("7"), order("77")],
            fates=[fate("purchase_7"), fate("purchase_77")],
        )
    )
    assert store.erase([], ["7"]) == 3
    assert [one.event_id for one in store.newest()] == ["purchase_77", "77"]
    assert rows(store.attempts(["purchase_7", "7", "77"], 0)) == [(("77", "T"),)]
    assert [one.order for one in store.orders()] == ["77"]
    assert store.fates(["purchase_7", "purchase_77"]) == [fate("purchase_77")]


def test_a_repeat_under_the_same_id_goes_too(store: RecordStore) -> None:
    """It may say nothing of the person; but its id is somebody's."""
    store.write(events(event("a"), event("a", status="duplicate", persons=()), event("b", persons=())))
    assert store.erase([ERIKA]) == 2
    assert [one.event_id for one in store.newest()] == ["b"]


def test_orders_whose_records_are_gone(store: RecordStore, clock: FakeTime) -> None:
    store.write(
        Group(events=[event("a", order="1")], orders=[order("1", "a"), order("2", "b")], fates=[fate("a"), fate("b")])
    )
    store.share(share("s", "a", expires=START + 60 * 86_400_000))
    clock.advance(KEEP + 1)
    store.write(Group())
    assert store.erase([], ["1"]) == 0
    assert [one.order for one in store.orders()] == ["2"]
    assert store.fates(["a", "b"]) == [fate("b")]
    assert store.shared("s", clock.now()) is None


def test_a_message_that_names_somebody_who_goes(store: RecordStore) -> None:
    """One outcome for several events may say which of them was wrong."""
    wrong = RowOutcome("rejected", "rejected", "event a is wrong", "rejected")
    store.write(Group(events=[event("a")], attempts=[attempt(("a", "T"), ("b", "T"), outcome=wrong)]))
    store.erase([ERIKA])
    assert [one.outcomes for one in store.attempts(["b"], 0)] == [(replace(wrong, message=""),)]


@pytest.mark.parametrize("persons", [[ERIKA], [], None], ids=["her records are there", "shared without her", "gone"])
def test_shares(store: RecordStore, clock: FakeTime, persons: list[bytes] | None) -> None:
    store.write(events(event("a", persons=() if persons == [] else (ERIKA,)), event("b", persons=(MAX,))))
    store.share(share("of a", "a", expires=START + 60 * 86_400_000))
    store.share(share("of b", "b", expires=START + 60 * 86_400_000))
    if persons is None:
        clock.advance(KEEP + 1)
        store.write(Group())
    store.erase([ERIKA])
    left = ["of a", "of b"] if persons == [] else ["of b"]
    assert sorted(one.id for one in store.shares(clock.now())) == left


def test_among_very_many(store: RecordStore) -> None:
    """Of which some are hers, in every part of the file; and numbers are not given again."""

    def made(number: int) -> EventRecord:
        return event(f"e-{number}", persons=(ERIKA if number % 10 == 0 else person(str(number)),))

    kept = [one for part in range(10) for one in store.write(events(*(made(part * 100 + n) for n in range(100))))]
    assert store.erase([ERIKA, *(person(str(number)) for number in range(15))]) == 100 + 13
    assert [one.number for one in store.newest()] == [one.number for one in kept[:14:-1] if ERIKA not in one.persons]
    assert store.numbered(kept[999].number) == kept[999]
    (later,) = store.write(events(event("later", persons=())))
    assert later.number == kept[999].number + 1
    assert next(store.newest()) == later


def test_of_nothing(store: RecordStore) -> None:
    assert store.erase([ERIKA], ["1"]) == 0
    kept = store.write(events(event(persons=(MAX,))))
    assert store.erase([]) == 0
    assert list(store.newest()) == kept
