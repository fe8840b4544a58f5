"""What a server says and does about its journal, and after a restore."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from tagserver.backup.keeping import KEPT, Snapshots
from tagserver.backup.restoring import MARK
from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.queue.errors import OutboxStartError
from tagserver.runtime.running import running
from tagserver.server.app import create_app
from tests.backup.test_upgrade import FIRST_ONE
from tests.backup.world import Folder
from tests.delivery.support import until
from tests.fake_time import FakeTime

TOKEN = "admin-token-of-tests"


def folder(data: Path) -> ConfigurationFolder:
    """The configuration of the first landed version."""
    return ConfigurationFolder(FIRST_ONE / "config", Registry.load(), {"META_ACCESS_TOKEN": "t-of-meta"}, None, data)


async def test_a_journal_that_lacks_something_is_said_where_somebody_looks(tmp_path: Path) -> None:
    """Who asks to be forgotten is forgotten; readiness, status and the answer say what a restore would not know."""
    data = tmp_path / "data"
    async with running(folder(data), data, drain=0.1, journal=tmp_path / "gone" / "journal") as runtime:
        transport = httpx.ASGITransport(create_app(runtime, TOKEN))
        assert runtime.keeping.journal is not None
        runtime.keeping.journal.patience = 60.0  # the machine of the tests may be slow
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://t.example", headers=headers) as http:
            done = (await http.post("/-/forget.json", json={"email": "erika@example.com"})).json()
            assert done["clean"] is True
            assert "cannot be written: No such file or directory" in done["journal"]
            assert runtime.status.conditions()["journal"] == done["journal"]
            (tmp_path / "gone").mkdir()
            again = (await http.post("/-/forget.json", json={"email": "erika@example.com"})).json()
            assert again["journal"] is None
            assert "journal" not in runtime.status.conditions()


async def test_a_journal_that_does_not_answer_keeps_no_server_from_its_start(tmp_path: Path) -> None:
    """A pipe that nobody writes into, in place of such a disk: nobody at the door waits for it."""
    data, pipe = tmp_path / "data", tmp_path / "journal"
    os.mkfifo(pipe)
    async with running(folder(data), data, drain=0.1, journal=pipe) as runtime:
        assert runtime.keeping.lacking() is None, "nobody knows yet, and the server runs"
        end = os.open(pipe, os.O_WRONLY)
        pipe.unlink()
        os.close(end)
        await until(lambda: runtime.keeping.lacking() is not None)
        assert "is no journal" in (runtime.keeping.lacking() or "")


async def test_a_copy_for_a_backup_is_one_at_a_time_and_gives_way(tmp_path: Path) -> None:
    """One that nobody has packed is not kept: it is as large as the queue."""
    data = tmp_path / "data"
    async with running(folder(data), data, drain=0.1, journal=tmp_path / "journal") as runtime:
        await runtime.keeping.snapshot()
        second = await runtime.keeping.snapshot()
        assert [path.name for path in data.glob("*.snapshot-*")] == [second.file]
        assert (data / second.file).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "journal").read_text().count('"backup"') == 2
    async with running(folder(data), data, drain=0.1):
        assert not list(data.glob("*.snapshot-*")), "nor over a restart"


async def test_a_copy_whose_command_was_killed_does_not_stay(tmp_path: Path, clock: FakeTime) -> None:
    """It holds what may be forgotten meanwhile."""
    folder = await Folder(tmp_path / "data", clock).open()
    snapshots = Snapshots(folder.outbox, folder.data, "outbox.db", 0, clock)
    made = await snapshots.make()
    clock.advance(KEPT - 1)
    snapshots.look()
    assert (folder.data / made.file).exists()
    clock.advance(1)
    snapshots.look()
    assert not (folder.data / made.file).exists()
    await folder.close()


async def test_a_server_does_not_start_on_half_a_restore(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / MARK).write_text('{"aside":"","moved":true}')
    with pytest.raises(OutboxStartError, match="has not come to its end: run the same tagserver restore again"):
        async with running(folder(data), data):
            raise AssertionError("it runs")
    assert {path.name for path in data.iterdir()} == {MARK}


async def test_a_queue_under_another_name_is_not_passed_over(tmp_path: Path) -> None:
    """As after a restore where `queue.url` names another file: the server starts with an empty one, and says so."""
    data = tmp_path / "data"
    async with running(folder(data), data, drain=0.1) as runtime:
        assert "queue_elsewhere" not in runtime.status.conditions()
    (data / "outbox.db").rename(data / "before.db")
    (data / "notes.db").write_text("nobody's queue")
    os.mkfifo(data / "pipe.db")
    async with running(folder(data), data, drain=0.1) as runtime:
        said = runtime.status.conditions()["queue_elsewhere"]
        assert "another queue (before.db)" in said
        assert "name it in queue.url" in said
        assert runtime.status.readiness()[1]["status"] == "degraded"
