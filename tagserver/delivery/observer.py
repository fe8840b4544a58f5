"""Whoever is told what happens in the workers, so that it can be counted, recorded and said in one place and once."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.delivery.attempts import Attempt
from tagserver.plugin.destination import Response
from tagserver.queue.values import DeadLettered, Row


class DeliveryObserver:
    """Does nothing by itself; who wants to know overrides what is wanted. Called on the event loop, once a batch and
    never once an event; must not raise."""

    def changed(self, destination: str) -> None:
        """The state of a destination may be another one now."""

    def sent(self, destination: str, outcome: str, seconds: float, delivered: int, failures: Sequence[str]) -> None:
        """A batch was sent: `ok`, `failed`, `throttled` or `paused`, how many were delivered, and for each payload that
        the plugin failed for, how."""

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        """A batch was handed to the vendor, in so many requests."""

    def answered(self, destination: str, response: Response) -> None:
        """A vendor has answered."""

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """Of these rows some have become dead letters, and are recorded."""

    def sink_called(self, destination: str, failure: str | None) -> None:
        """A sink was opened, ticked or closed; how the plugin has failed, or None. A disk that is full or a folder that
        is missing is no failure of its."""

    def clock_jumped(self, times: int) -> None:
        """The wall clock has jumped so often since this was said last."""
