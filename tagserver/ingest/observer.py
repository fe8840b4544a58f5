"""Whoever is told what was decided of events that came in."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.audit.records import Decided
from tagserver.pipeline.route import Routing
from tagserver.queue.values import Receipt


class IngestObserver:
    """Does nothing by itself; who wants to know overrides what is wanted. Called on the event loop; must not raise."""

    def routed(self, routings: Sequence[Routing]) -> None:
        """Some events were decided for each tag."""

    def decided(self, decided: Sequence[Decided]) -> None:
        """What was decided has come to pass: a request that is not stored is not on record."""

    def repeated(self, destination: str, receipt: Receipt) -> None:
        """A delivery was a duplicate."""
