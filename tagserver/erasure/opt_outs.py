"""Consent that is withdrawn: first a tombstone on disk, then what lies in the queue is erased.

An event that denies a purpose in words of the visitor's own reaches back: what happened before it may not be sent for
that purpose any more. How far its word is believed depends on who sent it.

- A key (`collect.keys`) speaks for every identifier in the event, and also for what comes later, until a key sends a
  grant for that identifier.
- Another door (`clients`) tells what a visitor said with one order or message: it speaks for every identifier in it,
  and for what was received before. Later events stand on their own consent, and its grants lift nothing.
- A browser speaks for what was received before; later events stand on their own consent. It, too, speaks for every
  identifier, but an address that does so more than once a second is believed for the `client_id` alone, which nobody
  else can guess.

Anybody can post as a browser, and name any e-mail. To believe a denial costs the site a measurement that waits in the
queue at that moment, not to believe it could send what somebody has withdrawn: so it is believed, and limited to what
it is good for. It cannot keep later events of somebody else from being sent. A grant by a browser lifts nothing that a
key has laid down.

Tombstones of a browser are written only if something of the person may lie here, so that the refusals of a whole day do
not fill the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tagserver.config.model import Container
from tagserver.consent.state import ConsentState
from tagserver.delivery.send_policy import lost_purposes
from tagserver.erasure.observer import ErasureObserver
from tagserver.event.event import BROWSER, Event
from tagserver.event.person_keys import all_keys
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.queue.api import Suppressions, erase_all
from tagserver.queue.errors import OutboxError
from tagserver.queue.moves import WITHDRAWN
from tagserver.queue.values import Tombstone, Trace
from tagserver.system.rate_limit import RateLimit, sender_of
from tagserver.system.time import Time

log = logging.getLogger("tagserver.consent")

BELIEVED = 1.0
"""Denials a second, of one browser's address, that reach everybody they name."""
AT_ONCE = 60.0
OWN = ("client_id",)
"""Identifiers that nobody else can guess."""
REST = 10
"""After a walk the queue is left alone so many times as long as the walk took."""
SOONEST = 1.0
"""Seconds between two walks at least."""


class Grant(NamedTuple):
    """Purposes that a key's event grants again, of identifiers with tombstones; `at` in ms."""

    persons: tuple[bytes, ...]
    purposes: frozenset[str]
    at: int


class OptOuts:
    """`container`: the present one; `keep`: seconds that tombstones are kept."""

    def __init__(
        self,
        outbox: Suppressions,
        install_key: bytes,
        container: Callable[[], Container],
        keep: Callable[[], float],
        time: Time,
        observer: ErasureObserver,
    ) -> None:
        self._outbox = outbox
        self._install_key = install_key
        self._container = container
        self._keep = keep
        self._time = time
        self._observer = observer
        self._limit = RateLimit(BELIEVED, time, burst=AT_ONCE)
        self._asked = asyncio.Event()

    def any(self) -> bool:
        """Whether anybody has withdrawn anything."""
        return self._outbox.tombstones() > 0

    def said_by(self, event: Event, consent: ConsentState) -> tuple[list[Tombstone], Grant | None]:
        """The tombstones that an event lays, and what it grants again: nothing of a browser's that denies nothing, nor
        of a key's unless there is `any`."""
        denied = consent.withdrawn
        if event.source == BROWSER:
            return (self._of_browser(event, denied) if denied else []), None
        persons = self._persons(event)
        if event.client != CLIENT:
            return (self._reaching_back(event, denied, persons) if denied else []), None
        laid = [Tombstone(person, purpose, event.received) for person in persons for purpose in denied]
        if laid:
            self._observer.withdrawn("key", denied, len(persons))
        at = min(event.time, event.received)
        again = consent.explicitly_granted & self._outbox.withdrawn(persons, at)
        return laid, Grant(persons, again, at) if again else None

    def _of_browser(self, event: Event, denied: frozenset[str]) -> list[Tombstone]:
        if not self._outbox.may_have(persons := self._persons(event)):
            return []
        if self._limit.wait(sender_of(event.facts.ip), 1):
            persons = all_keys(event.identity, self._install_key, (None,), OWN)
        return self._reaching_back(event, denied, persons)

    def _reaching_back(self, event: Event, denied: frozenset[str], persons: Sequence[bytes]) -> list[Tombstone]:
        """For what was received before, as far as something of these may lie here."""
        here = [person for person in persons if self._outbox.may_have([person])]
        if here:
            self._observer.withdrawn("browser" if event.source == BROWSER else "key", denied, len(here))
        received = event.received
        return [Tombstone(person, purpose, received, received + 1) for person in here for purpose in denied]

    def _persons(self, event: Event) -> tuple[bytes, ...]:
        return all_keys(event.identity, self._install_key, self._container().phone_countries)

    def lost(self, delivery: Trace) -> frozenset[str]:
        """Of what a delivery relies on, what its person has withdrawn."""
        return lost_purposes(delivery, self._container(), self._outbox.withdrawn)

    async def write(self, laid: Sequence[Tombstone], again: Iterable[Grant]) -> None:
        """Tombstones and grants on disk, then the queue is looked through before long. Raises OutboxError."""
        if laid:
            # What a standing one has stopped already is not in the queue; but it is to be lifted by later grants alone.
            new = any(one.purpose not in self._outbox.withdrawn([one.person], one.until - 1) for one in laid)
            await self._outbox.withdraw(laid, self._keep())
            if new:
                self.sweep_soon()
        for grant in again:
            await self._outbox.lift(grant.persons, grant.purposes, grant.at)

    def sweep_soon(self) -> None:
        """Look through the queue before long."""
        self._asked.set()

    async def sweep_when_asked(self) -> None:
        """Until cancelled. One walk serves all that was withdrawn before it began; it is repeated while something that
        must go is on its way to a vendor. So a walk through a long queue never takes more than a tenth of the time."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            began = self._time.monotonic()
            try:
                erased = await erase_all(self._outbox, lambda row: bool(self.lost(row)), WITHDRAWN)
            except OutboxError as error:
                log.warning("what was withdrawn is not erased yet: %s", error)
                self._asked.set()
            else:
                self._observer.swept(erased)
                if erased.in_flight:
                    self._asked.set()
            await self._time.sleep(max(SOONEST, REST * (self._time.monotonic() - began)))
