"""Ingest: the events of one request are made, decided, stored, and answered.

An event is answered `accepted` only after its deliveries are on disk. The answer says what became of the event,
never what was decided about it: a browser must not learn a visitor's consent from it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from tagserver.audit.records import Decided
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.erasure.opt_outs import Grant, OptOuts
from tagserver.event.event import BROWSER, Event, Facts
from tagserver.inbound.clients.datalayer import Context, NotWhole, Refused, read_event, refuse_whole
from tagserver.inbound.clients.readers import ReaderFailed
from tagserver.ingest.advice import NO_SIGNAL, advise
from tagserver.ingest.answer import Answer
from tagserver.ingest.consent_wait import ConsentWait, WaitingEvent
from tagserver.ingest.copies import with_receipts
from tagserver.ingest.deliveries import Deliveries, without_lost
from tagserver.ingest.first_party import Visit
from tagserver.ingest.observer import IngestObserver, Line
from tagserver.ingest.order_consent import OrderConsent, Turn
from tagserver.ingest.previewing import Previews
from tagserver.logs.logs import events_are_told, say_accepted
from tagserver.pipeline.route import Routing, route
from tagserver.queue.api import Intake
from tagserver.queue.encryption import NO_ENCRYPTION, Encryption
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import Delivery, Receipt, Tombstone


class TooMuch(Exception):
    """A request would add more to the queue than one may; nothing of it is stored."""


TURN = 10
"""Events of one request that are decided before others have their turn: each costs a millisecond where ten tags want
it, and to give way some microseconds."""


class _Request:
    """The events of one request, as far as they are decided. `lines`: the answer of each, in their order, what it is
    about, and whether that is stored; an event that has waited has no answer here. `room`: bytes of payload that it may
    make for one tag; `made`: those that it has made, by tag. `session`: its preview session, mostly none. `visit`: who
    hears what its events say of cookies, where any are set. `until`: ms at which they have waited for other copies of
    their orders; 0 where they do not."""

    __slots__ = ("again", "laid", "lines", "made", "released", "room", "session", "until", "visit")

    def __init__(self, room: float = math.inf, session: str = "", visit: Visit | None = None, until: int = 0) -> None:
        self.until = until
        self.room = room
        self.session = session
        self.visit = visit
        self.made: dict[str, int] = {}
        self.lines: list[tuple[Answer | None, Routing | None, bool]] = []
        self.laid: list[Tombstone] = []
        self.again: list[Grant] = []
        self.released: list[WaitingEvent] = []


class _Stored:
    """What is to be stored of a request. `lines`: see `ingest.observer.Line`; nothing is known of receipts yet."""

    __slots__ = ("decided", "deliveries", "lines")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.deliveries: list[Delivery] = []
        self.decided: list[Decided] = []


class Ingest:
    """Takes events in for one outbox. `install_key` (32 bytes of this installation) keys the hashes of persons;
    `encryption` encrypts data at rest; `orders` knows what visitors have refused with their orders."""

    def __init__(
        self,
        outbox: Intake,
        install_key: bytes,
        observer: IngestObserver,
        consent_wait: ConsentWait,
        opt_outs: OptOuts,
        encryption: Encryption = NO_ENCRYPTION,
        previews: Previews | None = None,
        orders: OrderConsent | None = None,
    ) -> None:
        self._previews = previews
        self._orders = orders
        self._outbox = outbox
        self._install_key = install_key
        self._observer = observer
        self._encryption = encryption
        self._consent_wait = consent_wait
        self._opt_outs = opt_outs
        self._deliveries: Deliveries | None = None

    async def accept(
        self,
        container: Container,
        server: ServerConfig,
        raws: list[Any],
        facts: Facts,
        context: Context,
        contract: Reading | None = None,
        visit: Visit | None = None,
        wait: float = 0.0,
    ) -> list[Answer]:
        """One answer per event, in their order. `contract`: what the contract of their sender says; `visit` hears each
        event; `wait`: seconds for which what is sent of them waits for other copies.
        Raises `OutboxError` when nothing could be stored, `TooMuch` when it is too much, and `NotWhole` when one is
        refused where the context wants all of them or none; then nothing was.

        `raws` is emptied: many requests wait for the disk at a time, and what was decided is all they need to keep.
        """
        # What is tried in a preview is tried now.
        until = facts.received + int(wait * 1000) if wait and not facts.session else 0
        request = _Request(server.collect.max_made, facts.session, visit, until)
        if context.whole:
            refuse_whole(raws)
        raws.reverse()
        try:
            while raws:
                self._decide(container, request, raws, facts, context, contract)
                if raws:
                    await asyncio.sleep(0)
        except (TooMuch, NotWhole):
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
        raws: list[Any],
        facts: Facts,
        context: Context,
        contract: Reading | None,
    ) -> None:
        """The last events of `raws`: what each says of its visitor, and what is to be stored of it, unless it waits.
        Raises TooMuch."""
        lines, made, room, waiting = request.lines, request.made, request.room, self._consent_wait
        may_lift = facts.source != BROWSER and self._opt_outs.any()
        for _ in range(min(TURN, len(raws))):
            raw = raws.pop()
            try:
                if isinstance(raw, Refused):
                    raise raw
                event = read_event(raw, facts, context)
            except Refused as refused:
                if isinstance(refused, ReaderFailed):
                    self._observer.client_failed(refused.client, refused.how)
                if context.whole:
                    raise NotWhole(sum(line[0] is not None for line in lines), refused) from None
                lines.append((Answer(refused.event_id, "rejected", refused.notes), None, False))
                continue
            routing = route(container, event, contract)
            if request.visit is not None:
                request.visit.hear(event, routing.consent)
            may_wait = False
            for decision in routing.decisions:
                if decision.body:
                    name = decision.tag.name
                    made[name] = size = made.get(name, 0) + len(decision.body)
                    if size > room:
                        raise TooMuch(f"the request would add more than {room} bytes; post fewer events at a time")
                elif decision.reason == "consent":
                    may_wait = True
            serving, said = self._read_by_serving(container, request, routing, contract)
            if may_lift or said.withdrawn:
                laid, again = self._opt_outs.said_by(event, said)
                request.laid += laid
                if again is not None:
                    request.again.append(again)
            if waiting.held:
                heard = waiting.released_by(serving, event, said, None if serving is container else _not_of(request))
                if serving is not container:
                    heard += waiting.released_by(container, event, routing.consent, _of(request))
                waiting.count(self._released(container, request, heard))
            gone = waiting.comes(container, routing, contract) if may_wait else None
            advice = advise(container, routing)
            if advice and NO_SIGNAL in advice:
                self._observer.without_signal(event.client)
            problems = advice + event.notes + context.left_out
            if gone is None:
                lines.append((Answer(event.event_id, "accepted", problems), routing, True))
            else:
                lines.append((Answer(event.event_id, "held", problems), routing, False))
                self._released(container, request, gone)

    def _read_by_serving(
        self, container: Container, request: _Request, routing: Routing, contract: Reading | None
    ) -> tuple[Container, ConsentState]:
        """What serves, and what an event says of consent by its rules: those of a draft count for the draft's session
        alone, and not for what else waits or was opted out of."""
        if not request.session or self._previews is None:
            return container, routing.consent
        serving = self._previews.container("")
        if serving is container:
            return container, routing.consent
        return serving, serving.consent_cache.read(routing.event, contract)

    def _released(self, container: Container, request: _Request, held: Sequence[WaitingEvent]) -> list[Routing]:
        """Decide what has waited."""
        request.released += held
        routings = [self._consent_wait.decide(self._by(one.event, container, request), one) for one in held]
        request.lines += ((None, routing, True) for routing in routings)
        return routings

    async def _store(self, container: Container, server: ServerConfig, request: _Request) -> list[Answer]:
        """Put a request on disk: what was withdrawn first, so that it counts for the events beside it, too."""
        stored, makes, turn = _Stored(), self._makes(container, server), None
        try:
            if makes.orders_meet and self._orders is not None:
                turn = await self._begin(self._orders, makes, request)
            if request.laid or request.again:
                await self._opt_outs.write(request.laid, request.again)
            for start in range(0, len(request.lines), TURN):
                if start:
                    await asyncio.sleep(0)
                self._make(makes, request.lines[start : start + TURN], stored, request)
            request.lines.clear()
            deliveries = stored.deliveries
            if not deliveries:
                receipts: Sequence[Receipt] = ()
            elif not request.until:
                receipts = await self._outbox.append(deliveries)
            else:
                receipts = await self._hold(stored, request.until)
        except OutboxError:
            self._consent_wait.put_back(request.released)
            raise
        finally:
            if turn is not None:
                turn.end()
        lines = stored.lines
        if any(map(_duplicate, receipts)):  # as hardly ever
            for delivery, receipt in zip(deliveries, receipts, strict=True):
                if receipt.duplicate:
                    self._observer.repeated(delivery, receipt)
            lines = with_receipts(lines, receipts)
        self._observer.settled(container, lines, stored.decided)
        if events_are_told():
            for answer, routing, made, its in lines:
                new = sum(one.stored for one in its) if its else len(made)
                if routing is not None and (answer is None or answer.status != "held") and (new or not made):
                    say_accepted(routing.event.event_id, routing.event.name, routing.event.source, new)
        return [answer for answer, *_ in lines if answer is not None]

    async def _hold(self, stored: _Stored, until: int) -> list[Receipt]:
        """Store what waits for other copies; at once what has waited for consent, and is of other requests."""
        waits = [answer is not None for answer, _, made, _ in stored.lines for _ in made]
        each = [*zip(stored.deliveries, waits, strict=True)]
        now, later = ([one for one, held in each if held is which] for which in (False, True))
        at_once = iter(await self._outbox.append(now) if now else ())
        held = iter(await self._outbox.hold(later, until) if later else ())
        return [next(held if one else at_once) for one in waits]

    async def _begin(self, orders: OrderConsent, makes: Deliveries, request: _Request) -> Turn | None:
        """Decide a request's orders under what their visitors have refused earlier."""

        def again(event: Event, consent: ConsentState) -> Routing:
            return route(self._by(event, makes.container, request), event, consent=consent)

        def counts(event: Event) -> bool:
            return self._previews is None or self._previews.counts(event.facts.session)

        turn = await orders.begin(request.lines, again, counts, makes.said_for)
        if turn is not None:
            request.laid += turn.laid
        return turn

    def _by(self, event: Event, container: Container, request: _Request) -> Container:
        """By which an event is decided: the container of its request; but of an event that has waited, of its own."""
        session = event.facts.session
        return container if session == request.session or self._previews is None else self._previews.container(session)

    def _makes(self, container: Container, server: ServerConfig) -> Deliveries:
        """Who makes deliveries under this configuration."""
        known = self._deliveries
        if known is None or known.container is not container or known.server is not server:
            known = self._deliveries = Deliveries(container, server, self._install_key)
        return known

    def _make(
        self,
        makes: Deliveries,
        lines: Sequence[tuple[Answer | None, Routing | None, bool]],
        stored: _Stored,
        request: _Request,
    ) -> None:
        """What is to be stored of some events, and on record. What a person has opted out of is not stored, and counts
        as blocked; an event of a preview session that is not sent counts nowhere."""
        opt_outs = self._opt_outs if self._opt_outs.any() else None
        encrypt = self._encryption.encrypt if self._encryption.encrypts else None
        routings: list[Routing] = []
        for answer, routing, is_stored in lines:
            made: list[Delivery] = []
            if routing is not None and is_stored:
                session, by = routing.event.facts.session, makes
                if session != request.session:
                    by = self._makes(self._by(routing.event, makes.container, request), makes.server)
                made = by.of(routing)
                if opt_outs is not None and made:
                    routing, made = without_lost(routing, made, opt_outs)
                if session and self._previews is not None:
                    answer, routing, made = self._previews.applied(answer, routing, made, by.container)
                if made or not session:
                    routings.append(routing)
                    stored.decided.append(Decided.of(by.container.version, routing))
            stored.lines.append((answer, routing, made, ()))
            stored.deliveries += made if encrypt is None else map(encrypt, made)
        self._observer.routed(routings)


def _of(request: _Request) -> Callable[[Event], bool]:
    return lambda event: event.facts.session == request.session


def _not_of(request: _Request) -> Callable[[Event], bool]:
    return lambda event: event.facts.session != request.session


_duplicate = attrgetter("duplicate")
