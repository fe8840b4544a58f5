"""A plugin at work when the process ends: what it has in hand is kept, and one that does not end keeps nobody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tagserver.plugin import Outcome, Outcomes, Payload
from tagserver.plugin.fault import Interrupted
from tagserver.queue.crash_suspects import Marks, marked
from tests.delivery.support import claim, deliveries, until
from tests.delivery.world import Account, World
from tests.fake_time import START

from .bad_plugins import Sink


class Waits(Sink):
    """Never ends."""

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Waits."""
        await asyncio.Event().wait()
        return Outcome.delivered()


async def test_a_sink_that_is_cancelled_by_our_end_has_not_failed(world: World) -> None:
    await world.outbox.append(deliveries(2))
    world.start(Waits())
    await until(lambda: any((world.folder / "outbox.db.working").read_bytes()))
    await world.dispatcher.stop(drain=0.01)
    rows = (await claim(world.outbox)).rows
    assert [(row.attempts, row.unknown_since, row.crashes) for row in rows] == [(1, START, 0)] * 2
    assert not any((world.folder / "outbox.db.working").read_bytes())


@pytest.mark.parametrize(
    ("error", "left"),
    [
        *((one, {7}) for one in (SystemExit, KeyboardInterrupt, Interrupted, GeneratorExit, BaseException)),
        *((one, set()) for one in (KeyError, MemoryError, asyncio.CancelledError)),
    ],
)
def test_the_mark_of_a_crash_stays_when_something_unwinds(
    tmp_path: Path, error: type[BaseException], left: set[int]
) -> None:
    """What nobody catches ends the process with the plugin at work: after the restart the batch is suspect."""
    marks = Marks(tmp_path / "working")
    with pytest.raises(error), marks.mark(7):
        raise error
    marks.close()
    assert marked(tmp_path / "working") == left


class Stays(Sink):
    """Hears that it should end, and goes on until it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Waits."""
        while not self.may.is_set():
            with suppress(asyncio.CancelledError):
                await self.may.wait()
        raise KeyError("erika@example.com")


async def test_a_sink_that_does_not_end_keeps_nobody_from_ending(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What it does later nobody hears of."""
    await world.outbox.append(deliveries(2))
    sink = Stays()
    world.start(sink)
    await until(lambda: any((world.folder / "outbox.db.working").read_bytes()))
    await world.dispatcher.stop(drain=0)
    rows = (await claim(world.outbox)).rows
    assert [(row.attempts, row.unknown_since) for row in rows] == [(1, START)] * 2
    sink.may.set()
    await asyncio.sleep(0.01)
    gc.collect()
    assert "never retrieved" not in caplog.text
