"""Age and size: the oldest go first, the files stay within their limit, and strangers push nobody out."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tagserver.records.api import Group, RecordsError
from tagserver.records.sqlite import tokens
from tagserver.records.sqlite.connections import Readers
from tagserver.records.sqlite.kinds import EVENTS
from tagserver.records.sqlite.walk import matching
from tagserver.records.values import EventRecord
from tests.fake_time import START, FakeTime
from tests.records.made import DAY, FULL, attempt, container, event, events, fate, order, person, refused, share
from tests.records.sqlite.conftest import MIB, Open


def size(folder: Path) -> int:
    """Bytes of the file with its log."""
    return sum(path.stat().st_size for path in folder.glob("records.db*") if not path.name.endswith("-shm"))


def large(number: int, received: int = START) -> EventRecord:
    """Of several kilobytes that nothing makes smaller."""
    return event(f"e-{number}", received, full=replace(FULL, event={"text": os.urandom(2000).hex()}))


@pytest.mark.parametrize("max_size", [4 * MIB, 9 * MIB])
def test_the_files_stay_within_their_limit(opened: Open, tmp_path: Path, clock: FakeTime, max_size: int) -> None:
    """After each group, whatever its size; the newest are there, and the file is well used."""
    store = opened(max_size=max_size)
    chance = random.Random(7)
    number = 0
    while number < 4 * max_size // 4500:
        group = [large(number + one) for one in range(chance.choice([1, 3, 30, 150]))]
        attempts = [attempt(*((one.event_id or "", f"T{row}") for one in group for row in range(3)))]
        number += len(group)
        store.write(Group(events=group, attempts=attempts))
        assert size(tmp_path) <= max_size
        assert store.kept().bytes <= store.kept().limit == max_size
    found = [one.event_id for one in store.newest()]
    assert found == [f"e-{one}" for one in range(number - 1, number - 1 - len(found), -1)]
    assert len(found) * 4000 > max_size / 2
    assert store.attempts([found[-1] or ""], 0)


def test_a_group_that_is_larger_than_all_of_it(opened: Open, tmp_path: Path) -> None:
    store = opened(max_size=4 * MIB)
    store.write(events(*(large(number) for number in range(1500))))
    assert size(tmp_path) <= 4 * MIB
    assert [one.event_id for one in store.newest()][:3] == ["e-1499", "e-1498", "e-1497"]


def test_summaries_and_attempts_go_together(opened: Open, tmp_path: Path) -> None:
    store = opened(max_size=4 * MIB)
    for part in range(200):
        now = START + part * 1000
        group = [event(f"{part}-{one}", now, persons=(os.urandom(16), os.urandom(16))) for one in range(300)]
        rows = [(one.event_id or "", "T") for one in group]
        store.write(Group(events=group, attempts=[attempt(*rows, at=now, outcome=None)]))
        assert size(tmp_path) <= 4 * MIB
    oldest = list(store.newest())[-1]
    assert 20_000 < store.kept().events < 50_000
    assert store.attempts(["199-7"], 0)
    assert bool(store.attempts([oldest.event_id or ""], 0)) or oldest.received == store.kept().since


def test_refused_requests_take_a_twentieth(opened: Open, tmp_path: Path) -> None:
    store = opened(max_size=4 * MIB)
    store.write(events(event("first")))
    for number in range(300):
        store.write(events(*(refused(START + number, origin=os.urandom(100).hex()) for _ in range(20))))
    found = list(store.newest())
    assert found[-1].event_id == "first", "a stranger pushes nobody out"
    assert 300 < len(found) < 1500
    assert len({one.number for one in found}) == len(found)
    assert size(tmp_path) < 1 * MIB


def test_orders_come_on_top(opened: Open, tmp_path: Path) -> None:
    """Neither do they push records out, nor the other way round."""
    store = opened(max_size=4 * MIB)
    for part in range(150):
        named = [f"{part}-{number}-{'x' * 60}" for number in range(100)]
        store.write(Group(orders=[order(one) for one in named], fates=[fate(f"purchase_{one}") for one in named]))
    with_orders = size(tmp_path)
    assert with_orders > 4 * MIB > store.kept().bytes
    for part in range(120):
        store.write(events(*(large(part * 10 + number) for number in range(10))))
    assert store.kept().events > 400
    assert size(tmp_path) <= with_orders + 4 * MIB
    assert sum(1 for _ in store.orders()) == 15_000
    store.close()
    again = opened(max_size=4 * MIB)
    again.write(events(*(large(number) for number in range(100))))
    assert again.kept().events > 400


def test_old_ones_are_removed_from_the_file(opened: Open, tmp_path: Path, clock: FakeTime) -> None:
    """Also when nothing comes any more, and the room is used again or given back."""
    store = opened()
    for part in range(60):
        store.write(Group(events=[large(part * 50 + number) for number in range(50)], orders=[order(str(part))]))
    assert size(tmp_path) > 12 * MIB
    clock.advance(8 * DAY)
    for _ in range(3):
        store.write(Group())
        clock.advance(20)
    assert rows(tmp_path, "events") == rows(tmp_path, "attempts") == 0
    assert size(tmp_path) < 6 * MIB
    assert rows(tmp_path, "orders") > 0
    clock.advance(90 * DAY)
    store.write(Group())
    assert rows(tmp_path, "orders") == 0


def rows(folder: Path, table: str) -> int:
    """How many blocks there are."""
    database = sqlite3.connect(folder / "records.db")
    found: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    database.close()
    return found


def test_changed_limits_count_with_the_next_groups(opened: Open, tmp_path: Path, clock: FakeTime) -> None:
    store = opened()
    for part in range(60):
        store.write(events(*(large(part * 50 + number) for number in range(50))))
    assert size(tmp_path) > 12 * MIB
    store.limit(2.0 * DAY, 4 * MIB)
    for number in range(8):
        store.write(events(large(number)))
    assert size(tmp_path) <= 4 * MIB
    clock.advance(2 * DAY + 1)
    assert list(store.newest()) == []


def test_containers_take_an_eighth(opened: Open) -> None:
    """But for those that events name, and the newest."""
    store = opened(max_size=4 * MIB)
    for number in range(20):
        store.write(Group(containers=[replace(container(f"c{number}"), tags=container("").tags * 1500)]))
    store.limit(7.0 * DAY, 4 * MIB)
    store.write(Group())
    assert store.container("c19") is not None
    assert store.container("c0") is None
    assert store.kept().bytes < 4 * MIB


def test_shares_take_a_quarter(opened: Open) -> None:
    store = opened(max_size=4 * MIB)
    store.share(share("a", content=bytes(600_000)))
    with pytest.raises(RecordsError, match=r"1,048,576 bytes, a quarter of records.max_size"):
        store.share(share("b", content=bytes(600_000)))
    store.revoke("a")
    store.share(share("b", content=bytes(600_000)))


def test_what_is_set_aside_for_long_is_removed(opened: Open, tmp_path: Path, clock: FakeTime) -> None:
    for name, age in (("old", 8), ("new", 6)):
        path = tmp_path / f"records.db.damaged-{name}"
        path.write_bytes(b"x")
        os.utime(path, (clock.now() / 1000 - age * DAY,) * 2)
    opened()
    assert [path.name for path in tmp_path.glob("*damaged*")] == ["records.db.damaged-new"]


def test_it_is_searched_without_reading_what_does_not_match(opened: Open, tmp_path: Path) -> None:
    """Among many blocks, by a token that one of them has; also by very many tokens at once."""
    store = opened()
    for part in range(40):
        store.write(events(*(event(f"{part}-{one}", persons=(person(f"{part}-{one}"),)) for one in range(300))))
    read: list[str] = []
    ask = Readers(tmp_path / "records.db").ask

    def counted(query: str, values: Sequence[Any] = ()) -> list[Any]:
        read.append(query)
        return ask(query, values)

    assert len(list(matching(counted, EVENTS, {tokens.of_event("17-5")}))) == 1
    assert sum("body" in one for one in read) == 1
    assert len(list(matching(counted, EVENTS, {tokens.of_event(f"17-{one}") for one in range(100)}))) <= 3
