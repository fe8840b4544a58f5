"""The engines that are held to the contract. Each test gets a `storage`, which opens an engine as often as it likes;
nothing else here knows which engine it is.

A further engine is one more class and one more name in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tagserver.queue.api import Outbox
from tagserver.queue.dead_letters import Choice
from tagserver.queue.pauses import Pauses, Quotas
from tests.delivery.support import copy_as_killed, open_outbox
from tests.fake_time import FakeTime
from tests.queue.memory.engine import MemoryOutbox


class Engine(Outbox, Protocol):
    """What is tested: the four protocols, and the pauses that an engine keeps for them."""

    pauses: Pauses
    quotas: Quotas


class Storage(Protocol):
    """Where one engine keeps things."""

    keeps: bool
    """Whether anything is left after a restart. An engine that says no is not asked about it: see `lasting`."""

    async def open(self, **options: Any) -> Engine:
        """A start: over what an engine that was closed has left. Options: `max_size`, `share`."""
        ...

    async def open_as_killed(self) -> Engine:
        """A start over what a kill of the process would leave at this moment."""
        ...

    async def close(self) -> None:
        """Close all that was opened."""
        ...


class SqliteStorage:
    """A folder with the file of the default engine."""

    keeps = True

    def __init__(self, folder: Path, clock: FakeTime) -> None:
        self._folder = folder
        self._clock = clock
        self._kills = 0
        self._opened: list[Engine] = []

    async def open(self, **options: Any) -> Engine:
        """See `Storage.open`."""
        self._opened.append(await open_outbox(self._folder, self._clock, **options))
        return self._opened[-1]

    async def open_as_killed(self) -> Engine:
        """See `Storage.open_as_killed`. From here on the killed one's folder is the storage."""
        self._kills += 1
        self._folder = copy_as_killed(self._folder, self._folder / f"killed-{self._kills}")
        return await self.open()

    async def close(self) -> None:
        """See `Storage.close`."""
        for one in self._opened:
            await one.close()


class MemoryStorage:
    """Nothing."""

    keeps = False

    def __init__(self, folder: Path, clock: FakeTime) -> None:
        self._clock = clock

    async def open(self, **options: Any) -> Engine:
        """See `Storage.open`."""
        return MemoryOutbox(self._clock, **options)

    async def open_as_killed(self) -> Engine:
        """See `Storage.open_as_killed`."""
        raise AssertionError("it keeps nothing")

    async def close(self) -> None:
        """See `Storage.close`."""


ENGINES: dict[str, type[SqliteStorage] | type[MemoryStorage]] = {"sqlite": SqliteStorage, "memory": MemoryStorage}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test with each engine; those that ask for `lasting` with those that keep something."""
    if "storage" in metafunc.fixturenames:
        lasting = "lasting" in metafunc.fixturenames
        metafunc.parametrize(
            "storage", [name for name, one in ENGINES.items() if one.keeps or not lasting], indirect=True
        )


@pytest.fixture
async def storage(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeTime) -> AsyncIterator[Storage]:
    """Of each engine."""
    made: Storage = ENGINES[request.param](tmp_path, clock)
    yield made
    await made.close()


@pytest.fixture
def lasting(storage: Storage) -> Storage:
    """Of each engine that keeps what it has over a restart."""
    return storage


@pytest.fixture
async def outbox(storage: Storage) -> Engine:
    """An empty one of each engine."""
    return await storage.open()


async def assert_adds_up(outbox: Outbox) -> None:
    """Every delivery is in one counted state, and the counters say what a look at each of them finds."""
    for name, counts in outbox.counts().items():
        assert counts.accepted == counts.delivered + counts.pending + counts.dead + counts.erased, name
        found = [row.id async for rows in outbox.pending_rows(name) for row in rows]
        assert len(found) == len(set(found)) == counts.pending - counts.waiting == outbox.ready(name), name
        assert await outbox.count_dead(Choice(destinations=[name])) == counts.dead, name
        assert counts.dead == sum(counts.dead_by_reason.values()), name
