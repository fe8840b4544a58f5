"""A store in a folder of its own, and the files that it has there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagserver.records.sqlite.engine import SqliteRecords
from tests.fake_time import FakeTime
from tests.records.made import DAY

Open = Callable[..., SqliteRecords]
MIB = 1 << 20


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()


@pytest.fixture
def opened(tmp_path: Path, clock: FakeTime) -> Iterator[Open]:
    """Opens the store of the test's folder, as often as it is asked to."""
    made: list[SqliteRecords] = []

    def open_(folder: Path = tmp_path, keep: float = 7.0 * DAY, max_size: int = 64 * MIB) -> SqliteRecords:
        made.append(SqliteRecords.open(folder / "records.db", keep=keep, max_size=max_size, time=clock))
        return made[-1]

    yield open_
    for one in made:
        one.close()


def files(folder: Path) -> dict[str, bytes]:
    """The store's files, but for the index of the log, which holds numbers of pages alone."""
    return {path.name: path.read_bytes() for path in folder.glob("records.db*") if not path.name.endswith("-shm")}
