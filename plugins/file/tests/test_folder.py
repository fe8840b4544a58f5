"""Where the rows lie: relative folders below the data folder, rows of before, folders that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest
from tagserver_file import FileSink
from tagserver_file.settings import FileSettings

from tagserver.plugin import Payload
from tagserver.plugin.values import folder_fault
from tagserver.testing import NOW

ROW = Payload("e-1", "lead", NOW, b'{"event_id":"e-1","event":"lead"}')
DAY = "dt=2026-09-21"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder; the process stands in a folder beside it."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("path", ["events", "below/events", "/ABS/events"])
async def test_a_relative_folder_lies_below_the_data_folder(data: Path, path: str) -> None:
    settings = FileSettings(path=path.replace("/ABS", str(data.parent)))
    sink = FileSink()
    await sink.open(settings, NOW, data)
    assert [one.kind for one in await sink.deliver([ROW], settings, NOW, data)] == ["delivered"]
    await sink.close(settings, NOW, data)
    base = data.parent if path.startswith("/") else data
    assert (base / path.removeprefix("/ABS/") / DAY / "events-0001.jsonl").read_bytes() == ROW.body + b"\n"
    assert list((data.parent / "here").iterdir()) == []


def test_people_are_shown_where_it_goes() -> None:
    """Where `try` runs nobody knows the data folder."""
    shown = [FileSink().request([ROW], FileSettings(path=path)).url for path in ("events", "/srv/events")]
    assert shown == [f"DATA/events/{DAY}", f"file:///srv/events/{DAY.replace('=', '%3D')}"]


async def test_rows_of_before_stay_and_are_named(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They lie below the folder in which the server was started; new ones do not."""
    here = data.parent / "here" / "events"
    before = here / DAY
    before.mkdir(parents=True)
    (before / "events-0001.jsonl").write_bytes(b"{}\n")
    settings = FileSettings(path="events")
    sink = FileSink()
    await sink.open(settings, NOW, data)
    await sink.deliver([ROW], settings, NOW, data)
    (said,) = (record.message for record in caplog.records)
    assert str(here) in said
    assert str(data / "events") in said
    assert (before / "events-0001.jsonl").read_bytes() == b"{}\n"
    assert (data / "events" / DAY / "events-0001.jsonl").is_file()


async def test_what_was_collected_before_is_made_into_files_there(data: Path) -> None:
    """A kill has left a journal, whose rows count as delivered."""
    settings = FileSettings(path="events", format="parquet")
    FileSink().write([ROW], settings, NOW / 1000)
    sink = FileSink()
    await sink.open(settings, NOW + 1, data)
    (file,) = (data.parent / "here" / "events" / DAY).glob("*.parquet")
    assert pyarrow.parquet.read_table(file, partitioning=None)["event_id"].to_pylist() == ["e-1"]
    assert not (data / "events" / DAY).exists()


async def test_the_same_folder_is_none_of_before(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that is started in its data folder, as some containers do."""
    monkeypatch.chdir(data)
    settings = FileSettings(path="events")
    for _ in range(2):
        sink = FileSink()
        await sink.open(settings, NOW, data)
        await sink.deliver([ROW], settings, NOW, data)
    assert caplog.records == []
    assert len((data / "events" / DAY / "events-0001.jsonl").read_bytes().splitlines()) == 2


async def test_a_folder_that_cannot_be_made_keeps_it_from_being_opened(data: Path) -> None:
    (data / "events").write_text("a file stands in the way")
    with pytest.raises(OSError, match=r"Not a directory|File exists") as said:
        await FileSink().open(FileSettings(path="events/below"), NOW, data)
    assert str(said.value.filename).startswith(str(data / "events"))


@pytest.mark.parametrize("path", ["audit", "audit/rows", "outbox.db", "outbox.db-wal", "versions", "t", "install-key"])
def test_what_is_the_servers_own_is_nobodys_folder(path: str) -> None:
    assert "server's own" in (folder_fault(path) or "")
    assert folder_fault(f"/srv/{path}") is None
    assert folder_fault(f"my-{path}") is None
