"""A request of many events lets the others have their turn, in whatever it does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from tagserver.inbound.clients.datalayer import NO_CONTEXT
from tagserver.ingest.ingest import Ingest
from tagserver.ingest.observer import IngestObserver
from tagserver.pipeline.route import Routing

from ..events import facts
from .conftest import Running

EVENTS = 1000
MOST = 10
"""Events that one may work on before somebody else has the event loop: each is a millisecond where ten tags want it."""


class Turns:
    """How often everybody else has had the event loop."""

    number = 0

    async def count(self) -> None:
        """Until cancelled."""
        while True:
            self.number += 1
            await asyncio.sleep(0)


class Raws(list[Any]):
    """Events of a request, and the turn in which each is taken up."""

    def __init__(self, turns: Turns) -> None:
        super().__init__({"event": "scroll", "event_id": str(number)} for number in range(EVENTS))
        self._turns = turns
        self.taken: list[int] = []

    def pop(self, *place: Any) -> Any:
        """The next one."""
        self.taken.append(self._turns.number)
        return super().pop(*place)


async def test_a_large_request_does_not_hold_up_the_others(server: Running) -> None:
    """Not when its events are decided, and not when what is stored of them is made."""
    turns = Turns()
    stored: list[int] = []
    runtime = server.runtime

    class Routed(IngestObserver):
        def routed(self, routings: Sequence[Routing]) -> None:
            stored.extend([turns.number] * len(routings))

    door = Ingest(
        runtime.outbox,
        bytes(32),
        Routed(),
        runtime.consent_wait,
        runtime.opt_outs,
    )
    others = asyncio.create_task(turns.count())
    raws = Raws(turns)
    await door.accept(runtime.container, runtime.server, raws, facts(), NO_CONTEXT)
    others.cancel()
    for seen in (raws.taken, stored):
        assert len(seen) == EVENTS
        assert max(len(list(together)) for _, together in groupby(seen)) <= MOST
