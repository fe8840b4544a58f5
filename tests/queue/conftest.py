"""A queue of the default engine for each test, closed at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tagserver.queue.sqlite.engine import SqliteOutbox
from tests.delivery.support import open_outbox
from tests.fake_time import FakeTime


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()


@pytest.fixture
async def outbox(tmp_path: Path, clock: FakeTime) -> AsyncIterator[SqliteOutbox]:
    """An empty one in `tmp_path`."""
    opened = await open_outbox(tmp_path, clock)
    yield opened
    await opened.close()
