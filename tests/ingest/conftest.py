"""Each engine, for what is kept of an order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tagserver.queue.api import Outbox
from tests.delivery.support import open_outbox
from tests.fake_time import FakeTime
from tests.ingest.orders_world import World, compiled
from tests.queue.memory.engine import MemoryOutbox


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()


@pytest.fixture(params=["sqlite", "memory"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeTime) -> AsyncIterator[Outbox]:
    """An empty one of each kind."""
    opened: Outbox = MemoryOutbox(clock) if request.param == "memory" else await open_outbox(tmp_path, clock)
    yield opened
    await opened.close()


@pytest.fixture
def world(engine: Outbox, clock: FakeTime) -> World:
    """One shop with four doors."""
    return World(engine, clock, compiled())
