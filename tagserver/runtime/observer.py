"""What happens on the way to the vendors, told to whoever counts it, shows it or writes it into the log."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.delivery.clock import ClockDoubt
from tagserver.delivery.observer import DeliveryObserver
from tagserver.metrics.meters import Meters
from tagserver.plugin.destination import Response
from tagserver.queue.values import DeadLettered, Row
from tagserver.runtime.failing import Failing
from tagserver.runtime.states import States


class RuntimeObserver(DeliveryObserver):
    """Of one runtime: its metrics, the plugins that fail, the states that the log tells, and the clock, whose witness
    each answer of a vendor is."""

    def __init__(self, meters: Meters, failing: Failing, states: States, doubt: ClockDoubt) -> None:
        self._meters = meters
        self._failing = failing
        self._states = states
        self._doubt = doubt

    def changed(self, destination: str) -> None:
        """See `DeliveryObserver`."""
        self._states.look(destination)

    def sent(self, destination: str, outcome: str, seconds: float, delivered: int, failures: Sequence[str]) -> None:
        """See `DeliveryObserver`."""
        self._meters.sent(destination, outcome, seconds)
        self._failing.sent(destination, delivered, failures)

    def answered(self, destination: str, response: Response) -> None:
        """See `DeliveryObserver`."""
        self._doubt.heard(destination, response.headers)

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """See `DeliveryObserver`."""
        self._states.dead_lines.dead_lettered(destination, rows, dead)

    def sink_called(self, destination: str, failure: str | None) -> None:
        """See `DeliveryObserver`."""
        self._failing.tended(destination, failure)

    def clock_jumped(self, times: int) -> None:
        """See `DeliveryObserver`."""
        self._meters.jumped(times)
