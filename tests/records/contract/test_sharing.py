"""Snapshots for people without a login."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tagserver.records.api import LARGEST_SHARE, MOST_SHARES, Group, RecordsError, RecordStore
from tests.fake_time import START, FakeTime
from tests.records.made import DAY, share


def test_a_share_is_there_until_it_expires(store: RecordStore, clock: FakeTime) -> None:
    made = share("s", content=b"x" * 5000)
    store.share(made)
    assert store.shared("s", START) == made
    assert store.shared("s", made.expires - 1) == made
    assert store.shared("s", made.expires) is None
    assert store.shared("other", START) is None
    assert store.shares(made.expires) == []
    clock.advance(DAY + 1)
    store.write(Group())
    assert store.shared("s", START) is None, "it is removed"


def test_the_newest_first_and_without_their_contents(store: RecordStore) -> None:
    for number, made in enumerate((START, START + 2, START + 1)):
        store.share(share(f"s{number}", made=made))
    assert [one.id for one in store.shares(START)] == ["s1", "s2", "s0"]
    assert {one.content for one in store.shares(START)} == {b""}


def test_a_share_is_revoked(store: RecordStore) -> None:
    store.share(share("s"))
    assert store.revoke("s")
    assert not store.revoke("s")
    assert store.shared("s", START) is None


def test_one_of_the_same_id_takes_its_place(store: RecordStore) -> None:
    store.share(share("s"))
    store.share(replace(share("s"), content=b"other"))
    assert [one.id for one in store.shares(START)] == ["s"]
    assert store.shared("s", START) == replace(share("s"), content=b"other")


def test_limits(store: RecordStore) -> None:
    store.share(share("largest", content=b"x" * LARGEST_SHARE))
    with pytest.raises(RecordsError, match="at most 1 MiB"):
        store.share(share("larger", content=b"x" * (LARGEST_SHARE + 1)))
    for number in range(MOST_SHARES - 1):
        store.share(share(f"s{number}"))
    with pytest.raises(RecordsError, match="there are 1,000 shares"):
        store.share(share("one more"))
    store.revoke("s7")
    store.share(share("one more"))
    assert len(store.shares(START)) == MOST_SHARES
