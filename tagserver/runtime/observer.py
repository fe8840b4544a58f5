"""What happens to events, opt-outs and deliveries, told to whoever counts it, shows it, puts it on record or writes it
into the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tagserver.audit.audit import Audit
from tagserver.audit.records import Decided
from tagserver.config.model import Container
from tagserver.delivery.attempts import Attempt
from tagserver.delivery.clock import ClockDoubt
from tagserver.delivery.observer import DeliveryObserver
from tagserver.erasure.observer import ErasureObserver
from tagserver.ingest.copies import is_untrusted
from tagserver.ingest.observer import IngestObserver, Line
from tagserver.metrics.meters import Meters
from tagserver.pipeline.route import Routing
from tagserver.plugin.destination import Response
from tagserver.queue.values import DeadLettered, Delivery, Erased, Receipt, Row
from tagserver.records.recorder import Recorder
from tagserver.runtime.failing import Failing
from tagserver.runtime.states import States


class RuntimeObserver(IngestObserver, ErasureObserver, DeliveryObserver):
    """Of one runtime: its metrics, audit and records, the plugins that fail, the states that the log tells, and the
    clock, whose witness each answer of a vendor is. What the methods are told stands where they are declared."""

    def __init__(
        self, meters: Meters, audit: Audit, records: Recorder, failing: Failing, states: States, doubt: ClockDoubt
    ) -> None:
        self._meters = meters
        self._audit = audit
        self._records = records
        self._failing = failing
        self._states = states
        self._doubt = doubt

    def routed(self, routings: Sequence[Routing]) -> None:
        """To metrics and failing plugins."""
        self._meters.routed(routings)
        self._failing.routed(routings)

    def settled(self, container: Container, lines: Sequence[Line], decided: Sequence[Decided]) -> None:
        """To audit and records."""
        self._audit.decided(decided)
        self._records.settled(container, lines)

    def refused(self, reason: str, message: str, origin: str | None, client: str = "") -> None:
        """To the records."""
        self._records.refused(reason, message, origin, client)

    def without_signal(self, client: str) -> None:
        """To metrics."""
        self._meters.without_signal[client] += 1

    def client_failed(self, client: str, how: str) -> None:
        """To what fails."""
        self._failing.client_failed(client, how)

    def repeated(self, delivery: Delivery, receipt: Receipt) -> None:
        """To metrics."""
        self._meters.repeated(delivery.destination, receipt, untrusted=is_untrusted(delivery, receipt))

    def denial_not_remembered(self) -> None:
        """To metrics."""
        self._meters.order_denials_dropped += 1

    def withdrawn(self, source: str, purposes: frozenset[str], identifiers: int) -> None:
        """To metrics and the audit."""
        self._meters.withdrawn(source)
        self._audit.note("withdrawal", by=source, purposes=sorted(purposes), identifiers=identifiers)

    def swept(self, erased: Erased) -> None:
        """To the audit, if there was something."""
        if erased.queue or erased.dead:
            self._audit.note("erased", queue=dict(erased.queue), dead=dict(erased.dead))

    def forgotten(self, identifiers: int, destinations: Mapping[str, Mapping[str, int]], held: int, by: str) -> None:
        """To the audit."""
        self._audit.note("forgotten", identifiers=identifiers, destinations=destinations, held=held, by=by)

    def changed(self, destination: str) -> None:
        """To the states."""
        self._states.look(destination)

    def sent(self, destination: str, outcome: str, seconds: float, delivered: int, failures: Sequence[str]) -> None:
        """To metrics and failing plugins."""
        self._meters.sent(destination, outcome, seconds)
        self._failing.sent(destination, delivered, failures)

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        """To the records."""
        self._records.attempted(destination, attempts)

    def answered(self, destination: str, response: Response) -> None:
        """To the clock."""
        self._doubt.heard(destination, response.headers)

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """To log and records."""
        self._states.dead_lines.dead_lettered(destination, rows, dead)
        self._records.dead_lettered(destination, rows, dead)

    def sink_called(self, destination: str, failure: str | None) -> None:
        """To failing plugins."""
        self._failing.tended(destination, failure)

    def clock_jumped(self, times: int) -> None:
        """To metrics."""
        self._meters.jumped(times)
