"""An erasure that a platform asks for: answered in time, whatever it takes, and never answered before it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import pytest

from tagserver.erasure.erasure import SOON, DataSubject, Erasure
from tagserver.erasure.observer import ErasureObserver
from tagserver.queue.errors import Unavailable
from tagserver.queue.values import Erased, Trace
from tests.fake_time import FakeTime
from tests.ingest.orders_world import KEY, compiled
from tests.queue.memory.engine import MemoryOutbox

from .conftest import Running

WHO = DataSubject(email=("erika@example.com", "no address"), phone=("no number",))


class SlowOutbox(MemoryOutbox):
    """One whose walk through the queue does not end before it is told to."""

    def __init__(self) -> None:
        super().__init__(FakeTime())
        self.began, self.go_on, self.walks = asyncio.Event(), asyncio.Event(), 0

    async def erase(self, doomed: Callable[[Trace], bool], why: str, after: tuple[int, int] = (0, 0)) -> Erased:
        """See `Suppressions.erase`."""
        self.began.set()
        await self.go_on.wait()
        self.walks += 1
        return await super().erase(doomed, why, after)


async def test_a_walk_that_takes_long_goes_on_behind_the_answer() -> None:
    """What waits is not sent from the answer on; and in the end all is gone, records too."""
    assert SOON < 5, "what Shopify gives"
    outbox, container = SlowOutbox(), compiled()
    forgotten: list[tuple[int, list[str]]] = []

    async def records(persons: Collection[bytes], orders: Collection[str]) -> int:
        forgotten.append((len(persons), [*orders]))
        return 0

    erasure = Erasure(
        outbox,
        KEY,
        lambda: container,
        lambda is_theirs: 0,
        sources=lambda: (),
        destinations=lambda: (),
        refuse=lambda: 0.0,
        sweep_soon=lambda: None,
        forget_records=records,
        observer=ErasureObserver(),
        time=FakeTime(),
    )
    await erasure.forget_for(WHO, ("5",), "webhooks shop", soon=0.05)
    assert outbox.began.is_set()
    assert (outbox.tombstones(), outbox.walks, forgotten) == (1, 0, [])
    outbox.go_on.set()
    for _ in range(100):
        if forgotten:
            break
        await asyncio.sleep(0.01)
    assert (outbox.walks, forgotten) == (1, [(1, ["5"])])


async def test_nobody_is_found_by_what_is_no_identifier(server: Running) -> None:
    """And nothing is done."""
    await server.runtime.erasure.forget_for(DataSubject(phone=("no number",)), (), "webhooks shop")
    assert server.runtime.outbox.tombstones() == 0


async def test_what_cannot_be_written_is_not_answered_well(server: Running) -> None:
    """So that the platform comes again."""
    await server.runtime.outbox.close()
    with pytest.raises(Unavailable):
        await server.runtime.erasure.forget_for(WHO, ("1",), "webhooks shop")
