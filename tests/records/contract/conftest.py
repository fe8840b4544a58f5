"""The engines that are held to the contract. Nothing else here knows which engine it is.

A further engine is one more function and one more name in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagserver.records.api import RecordStore
from tagserver.records.sqlite.engine import SqliteRecords
from tests.fake_time import FakeTime
from tests.records.made import DAY
from tests.records.memory.engine import MemoryRecords

KEEP = 7.0 * DAY


def _sqlite(folder: Path, clock: FakeTime) -> RecordStore:
    return SqliteRecords.open(folder / "records.db", keep=KEEP, max_size=64 << 20, time=clock)


def _memory(folder: Path, clock: FakeTime) -> RecordStore:
    return MemoryRecords(clock, keep=KEEP)


ENGINES: dict[str, Callable[[Path, FakeTime], RecordStore]] = {"sqlite": _sqlite, "memory": _memory}


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()


@pytest.fixture(params=list(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeTime) -> Iterator[RecordStore]:
    """An empty one of each engine."""
    made = ENGINES[request.param](tmp_path, clock)
    yield made
    made.close()
