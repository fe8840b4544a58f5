"""Time for the tests of backups, and a folder to back up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.queue.values import DeadLettered, Settlement
from tests.backup.world import ERIKA, FRANK, Folder
from tests.delivery.support import claim, delivery
from tests.fake_time import FakeTime


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()


@pytest.fixture
async def shop(tmp_path: Path, clock: FakeTime) -> Folder:
    """A folder with two persons' deliveries, one of them dead, and a journal."""
    folder = await Folder(tmp_path / "data", clock).open(tmp_path / "journal")
    await folder.outbox.append([delivery("erika", person=(ERIKA,)), delivery("frank", person=(FRANK,))])
    await folder.outbox.append([delivery("dead", person=(FRANK,))])
    batch = await claim(folder.outbox)
    gone = [row.id for row in batch.rows if row.event_id == "dead"]
    await folder.outbox.settle(batch, Settlement(dead=[DeadLettered(one, "rejected") for one in gone]))
    return folder
