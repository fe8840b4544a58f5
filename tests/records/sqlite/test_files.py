"""The file: who may read it, what is in it after a restart, a kill, and with another format."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tagserver.records.api import Group, RecordsError
from tagserver.records.sqlite.opening import VERSION
from tests.fake_time import FakeTime
from tests.processes import ends_with_parent
from tests.records.made import FULL, attempt, container, event, events, fate, order, person, share
from tests.records.sqlite.conftest import Open, files


def test_only_its_owner_reads_it(opened: Open, tmp_path: Path) -> None:
    opened().write(events(event()))
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_all_is_there_after_a_restart(opened: Open) -> None:
    store = opened()
    kept = store.write(
        Group(
            events=[event(f"e-{number}") for number in range(300)],
            attempts=[attempt(("e-1", "T"))],
            orders=[order("1")],
            fates=[fate("purchase_1")],
            containers=[container("7f3c9a")],
        )
    )
    store.share(share("s"))
    store.close()
    again = opened()
    assert list(again.newest()) == kept[::-1]
    assert len(again.attempts(["e-1"], 0)) == len(list(again.orders())) == len(again.fates(["purchase_1"])) == 1
    assert (again.container("7f3c9a"), again.shared("s", 0)) == (container("7f3c9a"), share("s"))
    (later,) = again.write(events(event("later")))
    assert later.number == kept[-1].number + 1
    assert [one.event_id for one in again.newest()][:2] == ["later", "e-299"]


def test_no_number_is_given_twice(opened: Open, clock: FakeTime) -> None:
    """Also when the last ones were erased, or all were too old, before a restart."""
    store = opened()
    numbers = [store.write(events(event(persons=(person("erika"),))))[0].number]
    store.erase([person("erika")])
    store.close()
    store = opened()
    numbers += [one.number for one in store.write(events(*(event(f"e-{n}") for n in range(5))))]
    clock.advance(30 * 86_400)
    store.write(Group())
    store.close()
    numbers += [one.number for one in opened().write(events(event(received=clock.now())))]
    assert numbers == list(range(1, 8))


def test_a_calm_hour_makes_few_blocks(opened: Open, tmp_path: Path, clock: FakeTime) -> None:
    """Each event comes alone; the block that is being written is written anew."""
    store = opened()
    for number in range(300):
        clock.advance(10)
        store.write(Group(events=[event(f"e-{number}", clock.now())], attempts=[attempt((f"e-{number}", "T"))]))
    assert [one.event_id for one in store.newest()] == [f"e-{number}" for number in reversed(range(300))]
    store.close()
    with sqlite3.connect(tmp_path / "records.db") as database:
        assert database.execute("SELECT count(*) FROM events").fetchone()[0] <= 4
    database.close()
    assert len(files(tmp_path)["records.db"]) < 300_000


KILLED = """
import itertools, sys
from pathlib import Path
from tagserver.records.sqlite.engine import SqliteRecords
from tagserver.system.time import Time
from tests.records.made import event, events
time = Time()
store = SqliteRecords.open(Path(sys.argv[1]), keep=1e6, max_size=64 << 20, time=time)
for number in itertools.count():
    store.write(events(*(event(f"{number}-{one}", time.now()) for one in range(20))))
    print(number, flush=True)
"""


def test_a_kill_costs_the_group_that_was_being_written(opened: Open, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "records.db")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=ends_with_parent(),
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    said = 0
    for line in process.stdout:
        said = int(line)
        if said >= 50:
            process.send_signal(signal.SIGKILL)
            break
    said = max([said, *(int(line) for line in process.stdout if line.strip().isdigit())])
    process.wait()
    process.stdout.close()
    found = [one.event_id for one in opened(keep=1e9).newest()]
    assert len(found) % 20 == 0, "a group is there whole or not at all"
    assert len(found) // 20 - 1 in (said, said + 1)
    assert found[-1] == "0-0"


def test_a_newer_format_is_left_alone(opened: Open, tmp_path: Path) -> None:
    store = opened()
    store.write(events(event()))
    store.close()
    with sqlite3.connect(tmp_path / "records.db") as database:
        database.execute(f"PRAGMA user_version={VERSION + 1}")
    database.close()
    before = files(tmp_path)
    with pytest.raises(RecordsError, match=f"newer tagserver .format {VERSION + 1}, this one knows {VERSION}"):
        opened()
    assert files(tmp_path) == before


def test_a_folder_that_cannot_be_written(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="cannot be opened: No such file"):
        opened(tmp_path / "not there")
    (tmp_path / "records.db").mkdir()
    with pytest.raises(RecordsError, match="cannot be opened"):
        opened()


def test_of_what_cannot_be_kept_less_is(opened: Open) -> None:
    """A whole number beyond 64 bits in what level `full` keeps, and a text that is none. The others are whole."""
    large = event("large", full=replace(FULL, event={"value": 1 << 80}))
    store = opened()
    kept = store.write(
        Group(
            events=[event("a"), large, event("\ud800"), event("b", full=FULL)],
            attempts=[attempt(("\ud800", "T")), attempt(("a", "T"))],
            orders=[order("\ud800"), order("1")],
            fates=[fate("\ud800"), fate("purchase_1")],
        )
    )
    assert [(one.event_id, one.full is None) for one in kept] == [
        ("a", True),
        ("large", True),
        (None, True),
        ("b", False),
    ]
    assert list(store.newest()) == kept[::-1]
    assert [one.number for one in kept] == [1, 2, 3, 4]
    assert (len(store.attempts(["a"], 0)), [one.order for one in store.orders()]) == (1, ["1"])
