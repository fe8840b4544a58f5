"""One request on its way through the ingest: what its events are, what is stored of them, and what became of that."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from tagserver.audit.records import Decided
from tagserver.delivery.send_policy import trace, why
from tagserver.erasure.opt_outs import Grant, OptOuts
from tagserver.ingest.answer import Answer, settled
from tagserver.ingest.consent_wait import WaitingEvent
from tagserver.ingest.first_party import Visit
from tagserver.ingest.observer import Line
from tagserver.pipeline.route import Decision, Routing
from tagserver.queue.values import Delivery, Receipt, Tombstone


class Request:
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


class Stored:
    """What is to be stored of a request. `lines`: see `ingest.observer.Line`; nothing is known of receipts yet."""

    __slots__ = ("decided", "deliveries", "lines")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.deliveries: list[Delivery] = []
        self.decided: list[Decided] = []


def with_receipts(lines: Sequence[Line], receipts: Sequence[Receipt]) -> list[Line]:
    """The lines with what became of each delivery, and with answers that say so."""
    each = iter(receipts)
    told: list[Line] = []
    for answer, routing, made, _ in lines:
        its = tuple(next(each) for _ in made)
        told.append((answer and settled(answer, its), routing, made, its))
    return told


def without_lost(routing: Routing, made: list[Delivery], opt_outs: OptOuts) -> tuple[Routing, list[Delivery]]:
    """Without the deliveries that somebody has opted out of: their tags count as blocked."""
    each = iter(made)
    decisions, kept = [], []
    for decision in routing.decisions:
        if decision.built is not None:
            delivery = next(each)
            if lost := opt_outs.lost(trace(delivery)):
                decision = Decision(decision.tag, "block", "consent", why(lost), decision.consent)
            else:
                kept.append(delivery)
        decisions.append(decision)
    return msgspec.structs.replace(routing, decisions=tuple(decisions)), kept
