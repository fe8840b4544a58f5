"""The two tables of keys: nothing is lost between them, wherever a key lies and whatever ends in the middle."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.queue.errors import Damaged
from tagserver.queue.sqlite.keys import SLICE, Keys, Known, count, recent
from tagserver.queue.sqlite.schema import open_database
from tests.delivery.support import HOUR, cared_for, delivery, key, open_outbox, stored
from tests.fake_time import START, FakeTime

MOST = 2000
END = START + int(HOUR * 1000)


class File:
    """Keys in a file, in transactions of their own."""

    def __init__(self, path: Path, clock: FakeTime) -> None:
        self.database = open_database(path, 1 << 30)
        self.path = path
        self.clock = clock
        self.keys = Keys(self.database, clock, MOST)

    def end(self, ok: bool = True) -> None:
        """Of a transaction."""
        self.database.execute("COMMIT" if ok else "ROLLBACK")
        self.keys.group_ended(ok)

    def add(self, names: Sequence[str], ok: bool = True) -> bool:
        """Whether all were new."""
        self.database.execute("BEGIN")
        added = self.keys.add(self.database, [known(name) for name in names])
        self.end(ok)
        return added

    def forget(self, names: Sequence[str], ok: bool = True) -> int:
        """How many there were."""
        self.database.execute("BEGIN")
        number = self.keys.forget(self.database, [key(name) for name in names])
        self.end(ok)
        return number

    def care(self) -> None:
        """A whole round of housekeeping."""
        more = True
        while more:
            self.database.execute("BEGIN")
            more = self.keys.purge(self.database)
            self.end()

    def marks(self, *names: str) -> dict[bytes, bytes]:
        """Of those that are known."""
        return self.keys.marks(self.database, [key(name) for name in names])

    def killed(self) -> File:
        """The file as a kill would leave it now, opened."""
        to = self.path.with_name(self.path.name + "-killed")
        for ending in ("", "-wal"):
            shutil.copy(f"{self.path}{ending}", f"{to}{ending}")
        return File(to, self.clock)

    def rows(self, table: str) -> int:
        """Of a table."""
        number: int = self.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return number


def known(name: str, ends: int = END) -> Known:
    return key(name), ends, b"m" * 8


def some(first: int, number: int) -> list[str]:
    return [f"e{one}" for one in range(first, first + number)]


@pytest.fixture
def file(tmp_path: Path, clock: FakeTime) -> Iterator[File]:
    """An empty one."""
    made = File(tmp_path / "keys.db", clock)
    yield made
    made.database.close()


def half_moved(file: File) -> File:
    """A generation of which the first slice has moved."""
    file.add(some(0, MOST))
    file.add(some(MOST, SLICE // 2))
    assert SLICE <= file.rows("known") < MOST
    assert file.rows("recent") == 2
    return file


def all_moved(file: File) -> File:
    file.add(some(0, MOST + SLICE // 2))
    file.care()
    assert file.rows("known") == MOST + SLICE // 2
    assert file.rows("recent") == 0
    return file


def only_recent(file: File) -> File:
    file.add(some(0, MOST + SLICE // 2))
    assert file.rows("known") == 0
    return file


def started_again(file: File) -> File:
    return only_recent(file).killed()


def killed_half_way(file: File) -> File:
    return half_moved(file).killed()


def moved_after_a_kill(file: File) -> File:
    again = half_moved(file).killed()
    again.care()
    assert again.rows("recent") == 0
    return again


STATES = [only_recent, started_again, half_moved, killed_half_way, moved_after_a_kill, all_moved]


@pytest.mark.parametrize("state", STATES)
def test_each_key_is_known_wherever_it_lies(state: Callable[[File], File], file: File) -> None:
    """With its mark; and a new one is new."""
    now = state(file)
    names = some(0, MOST + SLICE // 2)
    assert now.marks(*names, "new") == {key(name): b"m" * 8 for name in names}
    assert not any(now.add(["new", name]) for name in names[::50])
    assert now.add(["new"])
    assert count(now.database) == len(names) + 1
    file.clock.jump(HOUR)
    assert now.marks(*names) == {}, "past their time"


@pytest.mark.parametrize("state", STATES)
def test_what_is_forgotten_is_nowhere(state: Callable[[File], File], file: File) -> None:
    """Neither after a start, nor when the rest has moved. A transaction that fails forgets nothing."""
    now = state(file)
    names = some(0, MOST + SLICE // 2)
    gone = names[::100]
    assert now.forget([*gone, "never"], ok=False) == len(gone)
    assert len(now.marks(*names)) == len(names)
    assert now.forget([*gone, "never"]) == len(gone)
    assert now.forget(gone) == 0
    again = now.killed()
    again.care()
    for one in (now, again):
        assert one.marks(*names).keys() == {key(name) for name in names} - {key(name) for name in gone}
        assert count(one.database) == len(names) - len(gone)
        assert one.add(gone)


@pytest.mark.parametrize("state", STATES)
def test_a_transaction_that_fails_keeps_nothing(state: Callable[[File], File], file: File) -> None:
    """In memory neither, and of what moved in it nothing is lost."""
    now = state(file)
    more = some(100_000, SLICE)
    assert now.add(more, ok=False)
    assert now.marks(*more) == {}
    assert now.add(more)
    now.care()  # what is on its way
    now.care()
    names = [*some(0, MOST + SLICE // 2), *more]
    assert len(now.marks(*names)) == now.rows("known") == len(names)


def test_one_transaction_knows_what_it_has_added(file: File) -> None:
    file.database.execute("BEGIN")
    assert file.keys.add(file.database, [known("a")])
    assert not file.keys.add(file.database, [known("b"), known("a")])
    assert not file.keys.add(file.database, [known("c"), known("c")])
    assert file.keys.forget(file.database, [key("a")]) == 1
    assert file.keys.add(file.database, [known("a")])
    file.end()
    assert file.marks("a", "b", "c").keys() == {key("a")}


@pytest.mark.parametrize("group", [7, 300, 5000])
def test_what_has_not_moved_is_bounded(group: int, file: File) -> None:
    """Whatever the size of the groups: whoever appends moves more than it adds."""
    most = 0
    for number, first in enumerate(range(0, 20_000, group)):
        file.add(some(first, group))
        if number % 20 == 0 or group > SLICE:
            most = max(most, sum(1 for _ in recent(file.database)))
    assert most <= 1.5 * MOST + SLICE + 2 * group
    assert count(file.database) >= 20_000


def test_a_key_that_came_again_after_its_time_keeps_the_later_end(file: File) -> None:
    """Both lie there, until the younger takes the place of the older."""
    file.add(["a"])
    file.care()
    file.clock.jump(HOUR)
    for moved in (False, True):
        file.database.execute("BEGIN")
        file.keys.remember(file.database, [(key("a"), END + int((2 - moved) * HOUR * 1000), b"later")])
        file.end()
        if moved:
            file.care()
            assert file.rows("recent") == 0
        assert file.marks("a") == {key("a"): b"later"}
    file.clock.jump(HOUR)
    assert file.marks("a") == {}
    assert file.killed().marks("a") == {}


def test_the_last_word_of_a_key_counts_wherever_the_one_before_lies(file: File) -> None:
    """In the sorted table, in a generation that moves, among the recent ones, or in the same transaction."""
    for number, mark in enumerate((b"one", b"two", b"three")):
        file.database.execute("BEGIN")
        file.keys.remember(file.database, [(key("a"), END + number, mark)])
        file.keys.remember(file.database, [(key("b"), END, b"first")])
        file.keys.remember(file.database, [(key("b"), END, mark)])
        file.end()
        assert file.marks("a", "b") == {key("a"): mark, key("b"): mark}
        if number == 0:
            file.care()
    file.database.execute("BEGIN")
    file.keys.remember(file.database, [(key("a"), 0, b"over")])
    file.end()
    assert file.marks("a") == {}
    assert file.killed().marks("a", "b") == {key("b"): b"three"}
    file.care()
    assert file.marks("a", "b") == {key("b"): b"three"}


@given(
    st.lists(st.tuples(st.sampled_from("afck"), st.lists(st.integers(0, 40), max_size=6), st.booleans()), max_size=30)
)
def test_it_is_a_set_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int], bool]]
) -> None:
    """Added, forgotten, cared for and killed in any order, with groups that fail between."""
    folder = tmp_path_factory.mktemp("keys")
    file = File(folder / "keys.db", FakeTime())
    opened = [file]
    expected = set[str]()
    for what, numbers, ok in steps:
        names = [f"e{number}" for number in numbers]
        if what == "a":
            new = len({*names}) == len(names) and expected.isdisjoint(names)
            assert file.add(names, ok) == new
            expected |= {*names} if new and ok else set()
        elif what == "f":
            assert file.forget(names, ok) == len(expected & {*names})
            expected -= {*names} if ok else set()
        elif what == "c":
            file.care()
        else:
            file = file.killed()
            opened.append(file)
        assert file.marks(*some(0, 41)).keys() == {key(name) for name in expected}
        assert count(file.database) == len(expected)
    for one in opened:
        one.database.close()
    shutil.rmtree(folder)


async def test_a_row_of_recent_keys_that_is_damaged_is_salvaged(tmp_path: Path, clock: FakeTime) -> None:
    """The other rows are known, and those of both tables."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append([delivery("moved")])
    await cared_for(outbox, clock, tmp_path)
    await outbox.append([delivery("spoilt")])
    await outbox.append([delivery("sound")])
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("UPDATE recent SET keys = x'C1' WHERE id = 1")
        database.commit()
        with pytest.raises(Damaged):
            Keys(database, clock)
    again = await open_outbox(tmp_path, clock)
    assert "damaged" in (again.notice() or "")
    repeats = [delivery("moved"), delivery("spoilt"), delivery("sound")]
    assert stored(await again.append(repeats)) == [False, True, False]
    await again.close()
