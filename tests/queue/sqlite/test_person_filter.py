"""Who may have something in the queue: nobody is overlooked, and strangers are not taken for them; and when a tombstone
is removed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.person_filter import FILTER_FULL, PersonFilter
from tagserver.queue.values import EVERYTHING, Tombstone
from tests.delivery.support import cared_for, key
from tests.fake_time import START, FakeTime

ERIKA = key("erika")


async def test_it_is_removed_when_its_time_is_over(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """The longer of two: as long as it is kept, and as long as it reaches."""
    await outbox.withdraw([Tombstone(ERIKA, "ad_storage", START)], 60)
    await outbox.withdraw([Tombstone(key("max"), EVERYTHING, START, START + 90_000)], 60)
    clock.advance(60)
    await cared_for(outbox, clock, tmp_path)
    assert outbox.tombstones() == 1
    clock.advance(30)
    await cared_for(outbox, clock, tmp_path)
    assert outbox.tombstones() == 0


PERSONS = st.lists(st.binary(min_size=16, max_size=16), max_size=20)


@given(before=PERSONS, during=PERSONS, left=st.data())
def test_nobody_who_is_there_is_overlooked(before: list[bytes], during: list[bytes], left: st.DataObject) -> None:
    """Neither among those who were stored, nor after a look that some have left before."""
    person_filter = PersonFilter(empty=True)
    person_filter.add(before)
    assert all(person_filter.may_have([one]) for one in before)
    person_filter.rebuild_begins()
    person_filter.add(during)
    stayed = [one for one in before if left.draw(st.booleans())]
    person_filter.rebuild_adds(stayed)
    person_filter.rebuild_ends()
    assert all(person_filter.may_have([one]) for one in (*stayed, *during))


def test_a_stranger_is_known_for_one_again_after_a_look() -> None:
    person_filter = PersonFilter(empty=True)
    person_filter.add([key("max")])
    assert not person_filter.may_have([ERIKA])
    person_filter.give_up()
    assert person_filter.may_have([ERIKA])
    person_filter.rebuild_begins()
    person_filter.rebuild_adds([key("max")])
    person_filter.rebuild_ends()
    assert (person_filter.may_have([ERIKA]), person_filter.may_have([key("max")])) == (False, True)


def test_of_a_file_with_rows_nothing_is_known_at_first() -> None:
    assert PersonFilter(empty=False).may_have([ERIKA])


def test_too_many_are_everybody() -> None:
    person_filter = PersonFilter(empty=True)
    for number in range(0, FILTER_FULL, 1000):
        person_filter.add([key("max")] * min(1000, FILTER_FULL - number))
    assert person_filter.may_have([ERIKA])
