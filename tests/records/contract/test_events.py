"""Records of events: what is written is read again, in each of the ways to look for it."""

from __future__ import annotations

from itertools import islice

import pytest

from tagserver.records.api import MOST_FOUND, Group, RecordsError, RecordStore
from tagserver.records.values import EventRecord, Problem
from tests.fake_time import START, FakeTime
from tests.records.contract.conftest import KEEP
from tests.records.made import FULL, attempt, container, event, events, fate, order, person, refused


@pytest.mark.parametrize(
    "record",
    [
        event(),
        event(None, name=None, status="rejected", problems=(Problem("events[0]", "E113", "it has no name"),)),
        event("öß-1 😀", name="Käufe", source="crm", client="webhook", version="a" * 40),
        event(order="ORD-1", value=59.9, currency="EUR", status="duplicate", repeated=(("Meta purchase", "order"),)),
        event(persons=(), tags=(), status="held", session="s-1", dry=True),
        event(persons=tuple(person(name) for name in "abcdefgh"), value=0.0),
        event(full=FULL),
        refused(count=12, reason="key", origin=""),
    ],
    ids=["plain", "rejected", "other words", "order", "session", "persons", "full", "refused"],
)
def test_a_record_is_read_as_it_was_written(store: RecordStore, record: EventRecord) -> None:
    (kept,) = store.write(events(record))
    assert kept.number > 0
    assert store.numbered(kept.number) == kept == next(store.newest())
    for field in EventRecord.__struct_fields__:
        assert field == "number" or getattr(kept, field) == getattr(record, field)
    assert record.number == 0, "what was given is left as it was"


def test_numbers_count_up_over_all_groups(store: RecordStore) -> None:
    given = [event("a"), refused(), event("b"), event("c")]
    kept = [*store.write(events(*given[:3])), *store.write(events(given[3]))]
    numbers = [one.number for one in kept]
    assert [one.event_id for one in kept] == ["a", None, "b", "c"]
    assert numbers == sorted(set(numbers))
    assert list(store.newest()) == kept[::-1]


def test_a_group_of_nothing_is_fine(store: RecordStore) -> None:
    assert store.write(Group()) == []
    assert list(store.newest()) == []
    assert (store.kept().events, store.kept().since) == (0, None)


def test_many_are_all_there_in_their_order(store: RecordStore) -> None:
    """Over several groups, of which some are large."""
    for number, size in enumerate((1, 700, 3, 400)):
        store.write(events(*(event(f"{number}-{one}", START + one) for one in range(size))))
    found = list(store.newest())
    assert len(found) == 1104 == store.kept().events
    assert [one.event_id for one in reversed(found)][-400:] == [f"3-{one}" for one in range(400)]
    assert store.of_event("1-699") == [found[1103 - 700]]


def test_from_one_on(store: RecordStore) -> None:
    kept = store.write(events(*(event(f"e-{number}") for number in range(10)), refused(), event("last")))
    assert list(store.newest(kept[4].number)) == kept[3::-1]
    assert list(store.newest(kept[0].number)) == []
    assert list(store.newest(10**12)) == kept[::-1]
    assert list(store.newest(-5)) == []


def test_those_that_come_meanwhile_are_not_among_them(store: RecordStore) -> None:
    store.write(events(*(event(f"e-{number}") for number in range(5))))
    walk = store.newest()
    store.write(events(event("before the first step")))
    assert [one.event_id for one in islice(walk, 2)] == ["e-4", "e-3"]
    store.write(events(event("late"), refused()))
    assert [one.event_id for one in walk] == ["e-2", "e-1", "e-0"]


@pytest.mark.parametrize("number", [0, -1, 99, 1 << 70])
def test_a_number_that_no_record_has(store: RecordStore, number: int) -> None:
    store.write(events(event()))
    assert store.numbered(number) is None


def test_by_event_id_order_and_person(store: RecordStore) -> None:
    erika, max_ = person("erika"), person("max")
    kept = store.write(
        events(
            event("a", order="1", persons=(erika,)),
            event("b", order="2", persons=(max_, person("max's phone"))),
            event("a", status="duplicate", order="1", persons=()),
            event("1", order=None, persons=(erika, max_)),
        )
    )
    assert store.of_event("a") == [kept[0], kept[2]]
    assert store.of_event("1") == [kept[3]]
    assert store.of_order("1") == [kept[0], kept[2]]
    assert store.of_order("a") == []
    assert store.of_person([erika]) == [kept[0], kept[3]]
    assert store.of_person([person("nobody"), person("max's phone")]) == [kept[1]]
    assert store.of_person([person(f"n{number}") for number in range(20)] + [max_]) == [kept[1], kept[3]]
    assert store.of_person([]) == store.of_event("") == store.of_order("\ud800") == []


def test_a_search_finds_the_newest_of_very_many(store: RecordStore) -> None:
    """A stranger can send one id as often as they like."""
    for number in range(3):
        store.write(events(*(event("same", START + number * 500 + one) for one in range(500))))
    found = store.of_event("same")
    assert (len(found), found[-1].received, found[0].received) == (MOST_FOUND, START + 1499, START + 500)


def test_a_refused_request_is_counted_where_it_is(store: RecordStore) -> None:
    first, other, between = store.write(events(refused(), refused(reason="key"), event()))
    again = refused(number=first.number, count=2)
    assert store.write(events(event("b"), again))[1] == again
    assert store.numbered(first.number) == again
    assert store.numbered(other.number) == other
    assert store.write(events(refused(number=first.number, count=3), refused(number=other.number, count=9)))
    assert [one.count for one in store.newest() if one.status == "refused"] == [9, 3]
    assert store.numbered(between.number) == between


def test_one_that_is_gone_is_written_anew(store: RecordStore, clock: FakeTime) -> None:
    """It was too old, or has never been, or was an event."""
    old, accepted = store.write(events(refused(), event()))
    clock.advance(KEEP + 1)
    given = [refused(clock.now(), number=number) for number in (old.number, accepted.number, 5000)]
    kept = store.write(events(*given))
    assert [one.number for one in kept] == [accepted.number + 1, accepted.number + 2, accepted.number + 3]
    assert [one.number for one in store.newest()] == [one.number for one in reversed(kept)]


def test_what_is_too_old_is_not_shown(store: RecordStore, clock: FakeTime) -> None:
    store.write(
        Group(
            events=[event("old"), refused()],
            attempts=[attempt(("old", "T"))],
            orders=[order("1", "old")],
            fates=[fate("old")],
        )
    )
    clock.advance(KEEP)
    store.write(events(event("new", clock.now())))
    assert [one.event_id for one in store.newest()] == ["new", None, "old"]
    assert store.kept().since == START
    clock.advance(0.001)
    assert [one.event_id for one in store.newest()] == ["new"]
    assert (store.of_event("old"), store.numbered(1), store.attempts(["old"], 0)) == ([], None, [])
    assert (store.kept().events, store.kept().since) == (1, clock.now() - 1)
    assert [one.order for one in store.orders()] == ["1"], "orders outlive their records"
    assert store.fates(["old"]) == [fate("old")]
    clock.advance(90 * 86_400 - KEEP)
    store.write(Group())
    assert (list(store.newest()), list(store.orders()), store.fates(["old"])) == ([], [], [])


def test_another_limit_counts_from_the_next_group_on(store: RecordStore, clock: FakeTime) -> None:
    store.write(events(event("a")))
    clock.advance(100)
    store.limit(50.0, 64 << 20)
    store.write(events(event("b", clock.now())))
    assert [one.event_id for one in store.newest()] == ["b"]
    store.limit(KEEP, 64 << 20)
    store.write(Group())
    assert [one.event_id for one in store.newest()] == ["b"], "what is gone does not come again"


def test_a_clock_that_jumps_removes_nothing(store: RecordStore, clock: FakeTime) -> None:
    store.write(events(event("a")))
    clock.jump(30 * 86_400)
    store.write(events(event("b", clock.now())))
    clock.jump(-30 * 86_400)
    store.write(Group())
    assert [one.event_id for one in store.newest()] == ["b", "a"]


def test_what_a_container_meant(store: RecordStore) -> None:
    store.write(Group(containers=[container("1"), container("2")]))
    assert store.container("1") == container("1")
    assert store.container("3") is None


def test_containers_are_kept_while_somebody_names_them(store: RecordStore, clock: FakeTime) -> None:
    """And the newest fifty in any case."""
    store.write(Group(events=[event(version="named")], containers=[container("named"), container("unnamed")]))
    clock.advance(20)
    for number in range(50):
        store.write(Group(containers=[container(f"c{number}")]))
    clock.advance(20)
    store.write(Group())
    assert [store.container(name) for name in ("named", "unnamed")] == [container("named"), None]
    assert all(store.container(f"c{number}") for number in range(50))


def test_after_the_end_nothing_is_taken(store: RecordStore) -> None:
    store.write(events(event()))
    store.close()
    store.close()
    with pytest.raises(RecordsError, match="closed"):
        store.write(events(event()))
    with pytest.raises(RecordsError, match="closed"):
        list(store.newest())
