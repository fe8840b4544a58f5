"""Ingest: the events of one request are made, decided, stored, and answered.

An event is answered `accepted` only after its deliveries are on disk. The answer says what became of the event,
never what was decided about it: a browser must not learn a visitor's consent from it.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.audit.records import Decided
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.consent.model.reading import Reading
from tagserver.delivery.send_policy import trace, why
from tagserver.erasure.opt_outs import Grant, OptOuts
from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import Context, Refused, read_event
from tagserver.ingest.advice import advise
from tagserver.ingest.answer import Answer, settled
from tagserver.ingest.consent_wait import ConsentWait, WaitingEvent
from tagserver.ingest.deliveries import EventDeliveries
from tagserver.ingest.observer import IngestObserver
from tagserver.logs.logs import events_are_told, say_accepted
from tagserver.pipeline.route import Decision, Routing, route
from tagserver.queue.api import Queue
from tagserver.queue.encryption import NO_ENCRYPTION, Encryption
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import Delivery, Tombstone


class TooMuch(Exception):
    """A request would add more to the queue than one may; nothing of it is stored."""


TURN = 10
"""Events of one request that are decided before others have their turn: each costs a millisecond where ten tags want
it, and to give way some microseconds."""


class _Request:
    """The events of one request, as far as they are decided. `lines`: the answer of each, in their order, and what it
    is about; an event that has waited has no answer here. `most`: bytes of payload that it may make for one tag."""

    __slots__ = ("_made", "_most", "again", "laid", "lines", "released")

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._made: Counter[str] = Counter()
        self.lines: list[tuple[Answer | None, Routing | None]] = []
        self.laid: list[Tombstone] = []
        self.again: list[Grant] = []
        self.released: list[WaitingEvent] = []

    def counts(self, routing: Routing) -> None:
        """One event more was decided. Raises TooMuch."""
        for decision in routing.decisions:
            if decision.body:
                self._made[decision.tag.name] += len(decision.body)
                if self._made[decision.tag.name] > self._most:
                    raise TooMuch(f"the request would add more than {self._most} bytes; post fewer events at a time")


class Ingest:
    """Takes events in for one outbox. `install_key` (32 bytes of this installation) keys the hashes of persons;
    `encryption` encrypts data at rest."""

    def __init__(
        self,
        outbox: Queue,
        install_key: bytes,
        observer: IngestObserver,
        consent_wait: ConsentWait,
        opt_outs: OptOuts,
        encryption: Encryption = NO_ENCRYPTION,
    ) -> None:
        self._outbox = outbox
        self._install_key = install_key
        self._observer = observer
        self._encryption = encryption
        self._consent_wait = consent_wait
        self._opt_outs = opt_outs

    async def accept(
        self,
        container: Container,
        server: ServerConfig,
        raws: list[Any],
        facts: Facts,
        context: Context,
    ) -> list[Answer]:
        """One answer per event, in their order. Raises `OutboxError` when nothing could be stored and `TooMuch` when
        it is too much; then nothing was.

        `raws` is emptied: many requests wait for the disk at a time, and what was decided is all they need to keep.
        """
        contract = server.consent_of(facts.source)
        request = _Request(server.collect.max_made)
        raws.reverse()
        try:
            while raws:
                self._decide(container, request, raws.pop(), facts, context, contract)
                if len(request.lines) % TURN == 0:
                    await asyncio.sleep(0)
        except TooMuch:
            self._consent_wait.put_back(request.released)
            raise
        return await self._store(container, server, request)

    async def decide_waiting(self, container: Container, server: ServerConfig, *, closing: bool = False) -> None:
        """Decide the events whose time to wait is over (`closing`: all that wait) with what is known by now."""
        request = _Request()
        self._released(container, request, self._consent_wait.all() if closing else self._consent_wait.overdue())
        # To put them back would be to wait for ever behind a full queue: they were promised to nobody.
        request.released.clear()
        number = len(request.lines)
        try:
            await self._store(container, server, request)
        except OutboxError:
            self._consent_wait.ended["lost"] += number

    def _decide(
        self,
        container: Container,
        request: _Request,
        raw: Any,
        facts: Facts,
        context: Context,
        contract: Reading | None,
    ) -> None:
        """One event: what it says of its visitor, and what is to be stored of it, unless it waits."""
        try:
            if isinstance(raw, Refused):
                raise raw
            event = read_event(raw, facts, context)
        except Refused as refused:
            request.lines.append((Answer(refused.event_id, "rejected", refused.notes), None))
            return
        routing = route(container, event, contract)
        request.counts(routing)
        laid, again = self._opt_outs.said_by(event, routing.consent)
        request.laid += laid
        if again is not None:
            request.again.append(again)
        if heard := self._consent_wait.released_by(container, event, routing.consent):
            self._consent_wait.count(self._released(container, request, heard))
        gone = self._consent_wait.comes(container, routing, contract)
        problems = (*advise(container, routing), *event.notes)
        if gone is None:
            request.lines.append((Answer(event.event_id, "accepted", problems), routing))
        else:
            request.lines.append((Answer(event.event_id, "held", problems), None))
            self._released(container, request, gone)

    def _released(self, container: Container, request: _Request, held: Sequence[WaitingEvent]) -> list[Routing]:
        """Decide what has waited."""
        request.released += held
        routings = [self._consent_wait.decide(container, one) for one in held]
        request.lines += ((None, routing) for routing in routings)
        return routings

    async def _store(self, container: Container, server: ServerConfig, request: _Request) -> list[Answer]:
        """Put a request on disk: what was withdrawn first, so that it counts for the events beside it, too."""
        try:
            if request.laid or request.again:
                await self._opt_outs.write(request.laid, request.again)
            answers: list[tuple[Answer | None, int]] = []
            told = [routing.event if routing else None for _, routing in request.lines] if events_are_told() else []
            deliveries: list[Delivery] = []
            decided: list[Decided] = []
            for place, (answer, routing) in enumerate(request.lines, 1):
                made = [] if routing is None else self._deliveries(container, server, routing, decided)
                answers.append((answer, len(made)))
                deliveries += map(self._encryption.encrypt, made)
                if place % TURN == 0:
                    await asyncio.sleep(0)
            request.lines.clear()
            receipts = await self._outbox.append(deliveries) if deliveries else ()
        except OutboxError:
            self._consent_wait.put_back(request.released)
            raise
        self._observer.decided(decided)
        repeats = any(receipt.duplicate for receipt in receipts)
        if not repeats and not told:  # as nearly always
            return [answer for answer, _ in answers if answer is not None]
        for delivery, receipt in zip(deliveries, receipts, strict=True):
            if receipt.duplicate:
                self._observer.repeated(delivery.destination, receipt)
        each = iter(receipts)
        lines = [(answer, [next(each) for _ in range(number)]) for answer, number in answers]
        for event, (_, its) in zip(told, lines, strict=False):  # nobody may have asked for them
            stored = sum(one.stored for one in its)
            if event is not None and (stored or not its):
                say_accepted(event.event_id, event.name, event.source, stored)
        return [settled(answer, its) for answer, its in lines if answer is not None]

    def _deliveries(
        self, container: Container, server: ServerConfig, routing: Routing, decided: list[Decided]
    ) -> list[Delivery]:
        """What is to be stored of an event. What its person has opted out of is not, and counts as blocked.
        `decided` gets what is to be on record."""
        made: list[Delivery] = []
        sends = [decision for decision in routing.decisions if decision.built is not None]
        if sends:
            event_rows = EventDeliveries(container, server, routing, self._install_key)
            for decision in sends:
                delivery = event_rows.of(decision)
                if lost := self._opt_outs.lost(trace(delivery)):
                    routing = _blocked(routing, decision, lost)
                else:
                    made.append(delivery)
        self._observer.routed(routing)
        decided.append(Decided.of(container.version, routing))
        return made


def _blocked(routing: Routing, decision: Decision, lost: frozenset[str]) -> Routing:
    """The routing with one tag blocked after all: its person has opted out."""
    blocked = Decision(decision.tag, "block", "consent", why(lost), decision.consent)
    decisions = tuple([blocked if one is decision else one for one in routing.decisions])
    return msgspec.structs.replace(routing, decisions=decisions)
