"""The data folder of every tagserver that has landed is taken over: rows, counters, keys, and what was taken back.

`first/` is what the first one left that could serve: three purchases that a vendor with a fault had not taken, one that
it had refused, two that it had got, and a person whose consent was taken back. It was written by that program.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.queue.dead_letters import Account, Choice
from tagserver.queue.errors import ForeignFile, OutboxStartError
from tagserver.queue.sqlite import schema
from tagserver.queue.sqlite.schema import APPLICATION_ID, FIRST, STEPS, VERSION, open_database
from tagserver.queue.values import EVERYTHING
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tests.delivery.support import deliveries, delivery, open_outbox, stored, until
from tests.fake_time import FakeTime, OtherWallClock

FIRST_ONE = Path(__file__).parent / "first"
SOON_AFTER = 1_795_967_990_000
PERSON = b"0123456789abcdef"


def first_folder(to: Path) -> Path:
    """The data folder as the first program left it."""
    shutil.copytree(FIRST_ONE / "data", to)
    with closing(sqlite3.connect(to / "outbox.db", isolation_level=None)) as database:
        database.executescript((FIRST_ONE / "outbox.sql").read_text())
        database.execute("PRAGMA journal_mode=WAL")
    return to


@asynccontextmanager
async def served(data: Path, got: list[str]) -> AsyncIterator[Runtime]:
    """Today's server on that folder, with a vendor that takes everything."""

    async def vendor(request: httpx.Request) -> httpx.Response:
        events = json.loads(request.content)["data"]
        got.extend(event["event_id"] for event in events)
        return httpx.Response(200, stream=httpx.ByteStream(b'{"events_received": %d}' % len(events)))

    environ = {"META_ACCESS_TOKEN": "sandbox-token-00000000"}
    folder = ConfigurationFolder(FIRST_ONE / "config", Registry.load(), environ, None, data)
    transport = httpx.MockTransport(vendor)
    async with running(
        folder, data, transport=transport, drain=1.0, time=OtherWallClock(lambda: SOON_AFTER)
    ) as runtime:
        yield runtime


async def test_what_the_first_landed_server_left_is_delivered_and_counted(tmp_path: Path) -> None:
    data, got = first_folder(tmp_path / "data"), list[str]()
    async with served(data, got) as runtime:
        await until(lambda: runtime.outbox.counts()["meta"].pending == 0)
        counts = runtime.outbox.counts()["meta"]
        letters = await runtime.outbox.dead(Choice(), 10)
        assert runtime.outbox.withdrawn([PERSON], SOON_AFTER) == {EVERYTHING}
    assert sorted(got) == ["wait-1", "wait-2", "wait-3"]
    assert (counts.accepted, counts.delivered, counts.dead, counts.erased) == (6, 5, 1, 0)
    assert [(one.event_id, one.reason) for one in letters] == [("bad-1", "rejected")]


async def test_what_the_first_one_knew_is_a_duplicate_and_its_dead_can_be_retried(tmp_path: Path) -> None:
    data, got = first_folder(tmp_path / "data"), list[str]()
    async with served(data, got) as runtime:
        account = Account(runtime.container.destinations["meta"].identity)
        done = await runtime.outbox.retry_dead(Choice(reasons=("rejected",)), {"meta": account}, 10)
        assert done.moved == {"meta": 1}
        await until(lambda: "bad-1" in got)
        await until(lambda: runtime.outbox.counts()["meta"].delivered == 6)


def of_version(path: Path, version: int) -> None:
    """A file as a program of that format made it, with a row of each kind."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(schema.FIRST_TABLES)
        for step in STEPS[: version - FIRST]:
            for statement in step(database) if callable(step) else step:
                database.execute(statement)
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={version}")
        fields = (
            "'e{}', 'Purchase', 'Tag', 'meta', 'c1', 'send', 'ad_storage', x'', NULL, 1, 1, NULL, 'account-1', '{{}}'"
        )
        for number in (1, 2):
            database.execute(f"INSERT INTO delivery ({', '.join(schema.COLUMNS)}) VALUES ({fields.format(number)})")
        database.execute(
            f"INSERT INTO dead (id, {', '.join(schema.COLUMNS)}, attempts, reason, detail, buried) "
            f"VALUES (3, {fields.format(3)}, 1, 'rejected', 'no', {FakeTime().now()})"
        )
        database.execute("INSERT INTO known (key, expires) VALUES (x'00112233445566778899aabbccddeeff', 1 << 60)")
        counters = {"accepted": 4, "delivered": 1, "pending": 2, "dead:rejected": 1}
        database.executemany("INSERT INTO counter VALUES ('meta', ?, ?)", counters.items())


@pytest.mark.parametrize("version", range(FIRST, VERSION + 1))
async def test_a_file_of_every_format_keeps_its_rows_and_counters(
    version: int, tmp_path: Path, clock: FakeTime
) -> None:
    path = tmp_path / "outbox.db"
    of_version(path, version)
    for start in (1, 2):  # the second finds it done
        outbox = await open_outbox(tmp_path, clock)
        counts = outbox.counts()["meta"]
        assert (counts.accepted, counts.delivered, counts.pending, counts.dead) == (3 + start, 1, 1 + start, 1)
        known = delivery("known", key=bytes.fromhex("00112233445566778899aabbccddeeff"))
        assert stored(await outbox.append([known])) == [False]
        await outbox.append(deliveries(1, f"new{start}-"))
        await outbox.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.mark.parametrize("version", range(FIRST, VERSION))
def test_a_new_file_and_one_that_was_brought_up_are_alike(version: int, tmp_path: Path) -> None:
    """Otherwise a fault could be in one of them alone."""
    of_version(tmp_path / "old.db", version)
    tables = []
    for name in ("old.db", "new.db"):
        with closing(open_database(tmp_path / name, 1 << 30)) as database:
            found = database.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
            tables.append({one: database.execute(f"PRAGMA table_info({one})").fetchall() for (one,) in found})
    assert tables[0] == tables[1]


def test_a_format_that_has_no_room_to_change_changes_nothing(tmp_path: Path) -> None:
    """Whole or not at all, and the sentence says what to do. What is kept for a full disk is given up first."""
    path = tmp_path / "outbox.db"
    of_version(path, FIRST)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE dead SET body = zeroblob(?)", (schema.RESERVE + (1 << 20),))
        database.commit()
    (tmp_path / "outbox.db.ballast").touch()
    with pytest.raises(OutboxStartError, match=r"format 1 and there is no room to bring it to \d.*Make room"):
        open_database(path, 0)
    assert not (tmp_path / "outbox.db.ballast").exists()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (FIRST,)
        assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'withdrawal'").fetchone()
    open_database(path, 1 << 30).close()


def test_an_older_program_refuses_what_a_newer_one_has_written_and_says_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    open_database(path, 1 << 30).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match=r"newer tagserver .*nothing was changed.*restore the backup"):
        open_database(path, 1 << 30)
    assert path.read_bytes() == before
