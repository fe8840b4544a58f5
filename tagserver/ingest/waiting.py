"""The room in which events wait for their visitor's choice: who comes in, who is let go, and what is decided then.

What waits is promised to nobody: it lies in memory, and does not survive the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tagserver.config.model import Container
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.event import Event
from tagserver.ingest.consent_wait import Held, Hold, Visitor, wait_asked, waits
from tagserver.pipeline.route import Routing, route
from tagserver.system.time import Time

_encode = msgspec.json.Encoder().encode
UNKNOWN = 64 << 10
"""Bytes that count for an event whose size cannot be told."""
VALUE = 48
"""Bytes that a value takes in memory beside its text."""


class Holding:
    """`ended` counts how the waiting of events ended: `granted`, `denied`, `timeout`, `overflow` (the oldest had to
    go), `closing`, `forgotten`, `lost` (could not be stored)."""

    def __init__(self, time: Time, hold: Hold | None = None) -> None:
        self._time = time
        self._hold = Hold() if hold is None else hold
        self._filled = asyncio.Event()
        self.ended: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._hold)

    @property
    def bytes(self) -> int:
        """Size of what waits."""
        return self._hold.bytes

    def comes(self, container: Container, routing: Routing, contract: Reading | None) -> list[Held] | None:
        """None when the event need not wait. Else it waits from now on, and those have to go for which there is no room
        any more."""
        consent, event = routing.consent, routing.event
        if not any(one.reason == "consent" and waits(one.tag.needs, consent) for one in routing.decisions):
            return None
        wait = wait_asked(event, container.consent)
        visitor = Visitor.of(event)
        if not wait or not visitor.names:
            return None
        gone = self._hold.add(
            Held(event, contract, consent, visitor, _size(event), self._time.monotonic() + wait),
        )
        self.ended["overflow"] += len(gone)
        self._filled.set()
        return gone

    def heard(self, container: Container, event: Event, consent: ConsentState) -> list[Held]:
        """An event of a visitor says what was chosen: those that need not wait any more, in the order of their
        arrival."""
        if not self._hold or not (consent.explicitly_granted or consent.withdrawn):
            return []

        def waiting(event: Event, contract: Reading | None, known: ConsentState) -> bool:
            decisions = route(container, event, contract, consent=known).decisions
            return any(one.reason == "consent" and waits(one.tag.needs, known) for one in decisions)

        return self._hold.heard(Visitor.of(event), consent, container.consent.retroactive, waiting)

    def decide(self, container: Container, held: Held) -> Routing:
        """What becomes of an event with what is known of its visitor by now."""
        return route(container, held.event, held.contract, consent=held.consent)

    def put_back(self, held: Sequence[Held]) -> None:
        """What was let go could not be stored: it waits on."""
        for one in held:
            self.ended["lost"] += len(self._hold.add(one))

    def count(self, routings: Iterable[Routing]) -> None:
        """A choice has come for these."""
        for routing in routings:
            self.ended["granted" if any(one.built is not None for one in routing.decisions) else "denied"] += 1

    def overdue(self) -> list[Held]:
        """Those whose time is over, taken out."""
        gone = self._hold.overdue(self._time.monotonic())
        self.ended["timeout"] += len(gone)
        return gone

    def all(self) -> list[Held]:
        """Everything that waits, taken out: the server ends."""
        gone = self._hold.take(lambda event: True)
        self.ended["closing"] += len(gone)
        return gone

    def forget(self, whose: Callable[[Event], bool]) -> int:
        """Drop what waits of somebody; how many."""
        gone = len(self._hold.take(whose))
        self.ended["forgotten"] += gone
        return gone

    async def until_due(self) -> None:
        """Return when the time of something is over."""
        while (end := self._hold.next_end()) is None or end > self._time.monotonic():
            self._filled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), None if end is None else end - self._time.monotonic())


def _size(event: Event) -> int:
    """What an event takes in memory, about: its text, its values, and the headers it came with."""
    headers = sum(map(len, event.facts.headers.values())) + sum(map(len, event.facts.cookies.values()))
    try:
        text = _encode(event.data)
    except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
        return UNKNOWN + headers
    return len(text) + VALUE * (text.count(b",") + text.count(b"{") + text.count(b"[")) + headers
