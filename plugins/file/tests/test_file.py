"""The file sink: rows, files by date, half lines, two formats, errors that delay and lose nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_file import FileSink
from tagserver_file.disk import locked
from tagserver_file.parquet import close_due, journals
from tagserver_file.row import COLUMNS
from tagserver_file.settings import FileSettings

from tagserver.plugin import Payload, Skip
from tagserver.testing import NOW, check_destination, load_examples, make_event, run_example

FOLDER = Path(__file__).parents[1]
EXAMPLES = list(load_examples(FOLDER / "examples"))
DAY = 86_400_000
SINK = FileSink()


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_example(FileSink, case, {"path": "/somewhere"})


def test_it_keeps_the_rules() -> None:
    assert check_destination(FileSink, {"path": "/somewhere"}) == []


def payloads(count: int, day: int = 0) -> list[Payload]:
    """Rows of one day."""
    settings = FileSettings(path="/x")
    made = []
    for number in range(count):
        event = make_event(
            {"event": "lead", "event_id": f"d{day}-{number}", "timestamp": NOW - day * DAY, "value": number}
        )
        row = SINK.build(event, {}, settings, "send")
        made.append(Payload(event.event_id, row.name, row.time, msgspec.json.encode(row.body)))
    return made


def lines(folder: Path, date: str = "2026-09-21") -> list[dict[str, Any]]:
    """All rows of a date, in order."""
    files = sorted((folder / f"dt={date}").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def test_rows_lie_in_folders_by_their_date(tmp_path: Path) -> None:
    outcomes = await SINK.deliver([*payloads(2), *payloads(3, day=1)], FileSettings(path=str(tmp_path)), NOW)
    assert [one.kind for one in outcomes] == ["delivered"] * 5
    assert [row["event_id"] for row in lines(tmp_path)] == ["d0-0", "d0-1"]
    assert len(lines(tmp_path, "2026-09-20")) == 3
    (file,) = (tmp_path / "dt=2026-09-21").glob("*.jsonl")
    assert file.stat().st_mode & 0o777 & ~0o640 == 0


async def test_a_batch_is_appended_and_a_large_file_is_followed_by_another(tmp_path: Path) -> None:
    settings = FileSettings(path=str(tmp_path), max_file_mb=1)
    big = [Payload(f"b{n}", "lead", NOW, b'{"x":"' + b"y" * 400_000 + b'"}') for n in range(5)]
    for payload in big:
        await SINK.deliver([payload], settings, NOW)
    assert len(lines(tmp_path)) == 5
    assert len(list((tmp_path / "dt=2026-09-21").glob("*.jsonl"))) == 3


async def test_half_a_line_that_a_crash_left_is_taken_away(tmp_path: Path) -> None:
    settings = FileSettings(path=str(tmp_path))
    await SINK.deliver(payloads(2), settings, NOW)
    (file,) = (tmp_path / "dt=2026-09-21").glob("*.jsonl")
    with file.open("ab") as broken:
        broken.write(b'{"event_id": "ha')
    await SINK.deliver(payloads(1, day=0), settings, NOW)
    assert [row["event_id"] for row in lines(tmp_path)] == ["d0-0", "d0-1", "d0-0"]


async def test_a_disk_that_stands_still_keeps_one_thread(tmp_path: Path) -> None:
    """Each attempt that is given up leaves its thread behind; the server has few of them."""
    before = threading.active_count()
    sink, settings = FileSink(), FileSettings(path=str(tmp_path))
    with locked(tmp_path, settings.name):
        for _ in range(3):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    late = await sink.deliver(payloads(1), settings, NOW)
        assert [(one.kind, one.reason) for one in late] == [("retry", "os/EBUSY")]
        assert threading.active_count() <= before + 1
    for _ in range(500):
        if (await sink.deliver(payloads(2), settings, NOW))[0].kind == "delivered":
            break
        await asyncio.sleep(0.02)
    assert len(lines(tmp_path)) == 1 + 2


async def test_a_folder_that_cannot_be_written_delays(tmp_path: Path) -> None:
    (tmp_path / "dt=2026-09-21").write_text("a file stands in the way")
    outcomes = await SINK.deliver([*payloads(1), *payloads(1, day=1)], FileSettings(path=str(tmp_path)), NOW)
    assert [one.kind for one in outcomes] == ["retry", "delivered"]
    assert outcomes[0].detail.endswith(f"{tmp_path}/dt=2026-09-21: Not a directory")


def test_parquet_is_written_whole_when_its_time_has_come(tmp_path: Path) -> None:
    settings = FileSettings(path=str(tmp_path), format="parquet", minutes_per_file=15)
    now = NOW / 1000
    assert {one.kind for one in SINK.write(payloads(3), settings, now)} == {"delivered"}
    assert list(tmp_path.rglob("*.parquet")) == []
    SINK.write(payloads(1, day=1), settings, now + 16 * 60)
    (file,) = (tmp_path / "dt=2026-09-21").glob("*.parquet")
    table = pyarrow.parquet.read_table(file, partitioning=None)
    assert table.column_names == [name for name in table.column_names if name in COLUMNS]
    assert table["event_id"].to_pylist() == ["d0-0", "d0-1", "d0-2"]
    assert table["timestamp"].to_pylist()[0] == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert table["value"].to_pylist() == [0.0, 1.0, 2.0]


@pytest.fixture
def collected(tmp_path: Path) -> FileSettings:
    """Three rows that wait for their file."""
    settings = FileSettings(path=str(tmp_path), format="parquet", minutes_per_file=15)
    SINK.write(payloads(3), settings, NOW / 1000)
    return settings


def made(settings: FileSettings) -> list[str]:
    """The ids in the files, and none of them twice."""
    files = sorted(Path(settings.path).rglob("*.parquet"))
    return [
        one for file in files for one in pyarrow.parquet.read_table(file, partitioning=None)["event_id"].to_pylist()
    ]


IDS = ["d0-0", "d0-1", "d0-2"]
MINUTE = 60_000


async def test_parquet_is_closed_by_its_time_without_new_rows(collected: FileSettings) -> None:
    """By another object, too: the one that wrote them may have been killed."""
    await SINK.tick(collected, NOW + 14 * MINUTE)
    assert made(collected) == []
    await FileSink().tick(collected, NOW + 15 * MINUTE)
    assert made(collected) == IDS
    assert journals(Path(collected.path), "events") == []


async def test_parquet_is_closed_at_the_end(collected: FileSettings) -> None:
    await SINK.close(collected, NOW + 1)
    assert made(collected) == IDS


async def test_what_is_given_up_stays_in_its_journal(collected: FileSettings, tmp_path: Path) -> None:
    """Whole, and is made the next time; no half file is left."""
    assert close_due(tmp_path, "events", NOW / 1000, 0, 1, "zstd", lambda: True) == []
    asked = iter([False, True])
    (fault,) = close_due(tmp_path, "events", NOW / 1000, 0, 1, "zstd", lambda: next(asked))
    assert fault == "the rows of 2026-09-21 stay in _journal: TimeoutError"
    assert [one.name for one in (tmp_path / "dt=2026-09-21").iterdir()] == []
    await SINK.close(collected, NOW)
    assert made(collected) == IDS


async def test_a_file_that_cannot_be_made_is_said_once(
    collected: FileSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dt=2026-09-21").write_text("a file stands in the way")
    for _ in range(3):
        await SINK.tick(collected, NOW + 20 * MINUTE)
    assert caplog.text.count("stay in _journal") == 1
    (tmp_path / "dt=2026-09-21").unlink()
    await SINK.tick(collected, NOW + 20 * MINUTE)
    assert made(collected) == IDS


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_nothing_is_made_where_there_is_nothing(tmp_path: Path, format_: Any) -> None:
    """Neither folders nor files."""
    settings = FileSettings(path=str(tmp_path / "new"), format=format_)
    asyncio.run(SINK.tick(settings, NOW))
    asyncio.run(SINK.close(settings, NOW))
    assert list(tmp_path.iterdir()) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
EVENTS = st.fixed_dictionaries(
    {"user_data": VALUES, "ecommerce": VALUES, "page": VALUES, "client_id": VALUES, "loyalty": VALUES}
)


@given(
    EVENTS,
    st.dictionaries(st.sampled_from([*COLUMNS, "own"]), VALUES, max_size=4),
    st.sampled_from(["send", "restrict"]),
)
def test_any_event_is_a_row_of_one_line(pushed: dict[str, Any], parameters: dict[str, Any], mode: Any) -> None:
    event = make_event(pushed)
    try:
        built = SINK.build(event, parameters, FileSettings(path="/x", params=["loyalty"]), mode)
    except Skip:
        return
    text = msgspec.json.encode(built.body)
    assert b"\n" not in text
    assert set(json.loads(text)) <= set(COLUMNS)


@pytest.mark.parametrize("path", ["", " ", "a/../b", "/data/{date}", "/data/%Y"])
def test_a_path_is_one_plain_folder(path: str) -> None:
    (check,) = [field.metadata["check"] for field in FileSettings.__dataclass_fields__.values() if field.name == "path"]
    assert check(path)
    assert check("/var/lib/events") is None


def test_readme_names_every_setting() -> None:
    text = (FOLDER / "README.md").read_text()
    assert all(f"| `{name}` |" in text for name in FileSettings.__dataclass_fields__)
