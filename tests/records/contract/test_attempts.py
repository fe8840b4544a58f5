"""Attempts, orders and their fates."""

from __future__ import annotations

from msgspec.structs import replace

from tagserver.records.api import MOST_FOUND, Group, RecordStore
from tagserver.records.values import Attempted, RowOutcome
from tests.fake_time import START
from tests.records.made import attempt, fate, order, person


def test_each_event_has_its_own_rows(store: RecordStore) -> None:
    """One request carries many events; for one of them the others are left out."""
    one_for_all = attempt(("a", "T1"), ("b", "T1"), ("a", "T2"))
    failed = RowOutcome("rejected", "rejected", "100/28 it says no", "rejected")
    for_each = attempt(("b", "T1"), ("c", "T1"), outcomes=(failed, RowOutcome("delivered")), at=START + 1)
    store.write(Group(attempts=[one_for_all, for_each]))
    delivered = RowOutcome("delivered")
    assert store.attempts(["a"], 0) == [
        replace(one_for_all, rows=(("a", "T1"), ("a", "T2")), outcomes=(delivered, delivered))
    ]
    assert store.attempts(["b", "nobody"], 0) == [
        replace(one_for_all, rows=(("b", "T1"),)),
        replace(for_each, rows=(("b", "T1"),), outcomes=(failed,)),
    ]
    assert store.attempts(["b"], START + 1) == [replace(for_each, rows=(("b", "T1"),), outcomes=(failed,))]
    assert store.attempts([], 0) == store.attempts(["nobody"], 0) == []


def test_without_an_attempt(store: RecordStore) -> None:
    """A dead letter that nothing was sent for, and an answer that never came."""
    expired = Attempted("meta", START, 0, None, (("a", "T"),), (RowOutcome("", "expired", "", "expired"),))
    unknown = attempt(("a", "T"), status=None, outcome=RowOutcome("unknown", "timeout", "no answer"))
    store.write(Group(attempts=[expired]))
    store.write(Group(attempts=[unknown]))
    assert store.attempts(["a"], 0) == [expired, unknown]


def test_among_very_many(store: RecordStore) -> None:
    """Many requests of many rows, and many events asked for at once."""
    for request in range(60):
        rows = [(f"e-{request}-{number}", f"T{number % 2}") for number in range(100)]
        store.write(Group(attempts=[attempt(*rows, at=START + request)]))
    assert [one.rows for one in store.attempts(["e-31-7"], 0)] == [(("e-31-7", "T1"),)]
    asked = [f"e-{request}-50" for request in range(60)]
    assert [one.at for one in store.attempts(asked, START + 20)] == [START + number for number in range(20, 60)]


def test_of_one_event_with_very_many_attempts_the_newest_count(store: RecordStore) -> None:
    """Strangers can send one event_id under ever new names, so that each is delivered; others lose nothing by it."""
    store.write(Group(attempts=[attempt(("other", "T"), ("same", "T"))]))
    for number in range(5):
        rows = [attempt(("same", "T"), at=START + 1 + number * 300 + one) for one in range(300)]
        store.write(Group(attempts=rows))
    found = store.attempts(["same"], 0)
    assert [one.at for one in found] == list(range(START + 501, START + 1501))
    assert len(found) == MOST_FOUND
    asked = ["same", "other", *(f"nobody-{number}" for number in range(20))]
    both = store.attempts(asked, 0)
    assert both[0].rows == (("other", "T"),)
    assert both[1:] == found


def test_orders_and_how_they_ended(store: RecordStore) -> None:
    first = order("ORD-1")
    second = order("ORD-2", at=START + 5, value=None, currency=None, source="crm", status="held", tags=(), persons=())
    repeated = order("ORD-1", "other", at=START + 9, status="duplicate", persons=(person("a"), person("b")))
    ends = [fate("purchase_ORD-1"), fate("purchase_ORD-1", START + 7, fate="dead", reason="expired", tag="T2")]
    store.write(Group(orders=[first, second]))
    store.write(Group(orders=[repeated], fates=ends))
    assert list(store.orders()) == [first, second, repeated]
    assert list(store.orders("ORD-1")) == [first, repeated]
    assert list(store.orders("ORD-1", START + 1)) == [repeated]
    assert list(store.orders(since=START + 5)) == [second, repeated]
    assert list(store.orders("none")) == []
    assert store.fates(["purchase_ORD-1", "x"]) == ends
    assert store.fates(["purchase_ORD-1"], START + 1) == ends[1:]
    assert store.fates([]) == []


def test_orders_of_a_long_time(store: RecordStore) -> None:
    for part in range(20):
        store.write(
            Group(
                orders=[order(f"{part}-{number}") for number in range(80)],
                fates=[fate(f"purchase_{part}-{number}") for number in range(80)],
            )
        )
    assert [one.order for one in store.orders()] == [f"{part}-{number}" for part in range(20) for number in range(80)]
    assert store.fates(["purchase_17-3"]) == [fate("purchase_17-3")]
    assert [one.order for one in store.orders("17-3")] == ["17-3"]
