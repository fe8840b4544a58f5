"""Whoever is told what was decided of events that came in."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.audit.records import Decided
from tagserver.config.model import Container
from tagserver.ingest.answer import Answer
from tagserver.pipeline.route import Routing
from tagserver.queue.values import Delivery, Receipt

Line = tuple[Answer | None, Routing | None, Sequence[Delivery], Sequence[Receipt]]
"""One event of a request: its answer, None where it had one before (it has waited); what was decided, None where it
was rejected; the deliveries that were made of it; and what became of each, empty where all of them were stored."""


class IngestObserver:
    """Does nothing by itself; who wants to know overrides what is wanted. Called on the event loop; must not raise."""

    def routed(self, routings: Sequence[Routing]) -> None:
        """Some events were decided for each tag."""

    def settled(self, container: Container, lines: Sequence[Line], decided: Sequence[Decided]) -> None:
        """What was decided of a request's events under a container has come to pass, and is answered: a request that is
        not stored is not on record. `decided`: the same, as short as it can wait for the audit."""

    def repeated(self, delivery: Delivery, receipt: Receipt) -> None:
        """A delivery was a duplicate."""

    def denial_not_remembered(self) -> None:
        """A denial was not remembered for its order: its address has named too many."""

    def without_signal(self, client: str) -> None:
        """An event that an inbound client has read in a browser's request came without any signal of consent."""

    def client_failed(self, client: str, how: str) -> None:
        """An inbound client has failed at an event, which was refused; how, without anything of the event."""

    def refused(self, reason: str, message: str, origin: str | None, client: str = "") -> None:
        """A whole request was refused, before any event of it was read: what it is counted as, and a sentence;
        `client`: at whose address, where that is not ours."""
