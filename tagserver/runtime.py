"""The running server: one configuration, one outbox, one worker per destination, and the door between them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from tagserver import __version__
from tagserver.audit.audit import Audit
from tagserver.container.model import Container
from tagserver.container.server import ServerConfig
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.outbox import Counts, Erased, Outbox, Row
from tagserver.delivery.outcomes import is_plugins
from tagserver.delivery.seal import Seal
from tagserver.delivery.target import Target
from tagserver.door import Door
from tagserver.inbound.sources import BROWSER, Sources
from tagserver.operations.failing import Failing, counted, unloaded_in
from tagserver.operations.meters import Meters, Picture
from tagserver.operations.queue_key import key_of
from tagserver.permits import Refusal, permits
from tagserver.pipeline import Routing
from tagserver.privacy.forgetting import Forgetting, Forgotten
from tagserver.privacy.holding import Holding
from tagserver.privacy.withdrawals import Withdrawals
from tagserver.publishing.publisher import Answer, Publisher
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration
from tagserver.rate import RateLimit
from tagserver.secret import Secret

log = logging.getLogger("tagserver")

FILLING = 0.7
"""Of the queue's limit: from there on readiness says so."""
KEPT = 30 * 86400.0
"""Seconds that a tombstone is kept at least."""
MARGIN = 7 * 86400.0
Clock = Callable[[], int]
"""Milliseconds since 1970 UTC."""


def wall_clock() -> int:
    """The machine's clock in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Runtime:
    """What the endpoints and commands of a running server reach. Made by `running.py`, which also ends it."""

    def __init__(
        self,
        publishing: Publishing,
        configuration: Configuration,
        outbox: Outbox,
        install_key: bytes,
        clock: Clock,
        meters: Meters,
        audit: Audit,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.data = publishing.store.data
        """The data folder."""
        self.publisher = Publisher(publishing, configuration, take=self._take, note=audit.note)
        self._steady = steady
        self.outbox = outbox
        self.clock = clock
        self.meters = meters
        self.audit = audit
        self.failing = Failing(steady)
        self.seal = Seal([key for text in configuration.server.queue.encrypt if (key := key_of(text.reveal()))])
        """Closes and opens what rests; by the keys of the start, as all of the queue's settings."""
        self.holding = Holding(steady)
        self.withdrawals = Withdrawals(
            outbox,
            install_key,
            lambda: self.container,
            self.retention,
            steady,
            noted=self._withdrawn,
            swept=self._swept,
        )
        self.forgetting = Forgetting(
            outbox,
            install_key,
            lambda: self.container,
            self.holding,
            sources=lambda: (BROWSER, *self.server.collect.keys),
            refuse=lambda: self.server.forget.refuse,
            sweep_soon=self.withdrawals.sweep_soon,
            noted=self._forgotten,
            clock=clock,
            steady=steady,
        )
        self.door = Door(
            outbox, install_key, self._routed, self.holding, self.withdrawals, self.seal, self.meters.repeated
        )
        self.sources = Sources(configuration.server.collect)
        self._rate = configuration.server.collect.rate
        self.rate = RateLimit(self._rate, steady)
        self.admin_token: Secret | None = configuration.admin_token
        """Of the environment, the last one that it had; None: it never had one."""
        self.draining = False
        """Not ready any more, but what comes is still taken; until `closing`, from when on new requests are refused."""
        self.closing = False
        self.hurry = asyncio.Event()
        """Set by whoever does not want to wait for the vendors at the end."""
        self.loaded = clock()
        self.dispatcher: Dispatcher | None = None

    @property
    def container(self) -> Container:
        """The container that serves now."""
        return self.publisher.now.container

    @property
    def server(self) -> ServerConfig:
        """The server's own settings."""
        return self.publisher.now.server

    # ── what is counted and put on record

    def _routed(self, container: Container, routing: Routing) -> None:
        self.meters.routed(routing)
        self.failing.routed(routing)
        self.audit.decided(container.version, routing)

    def _withdrawn(self, kind: str, purposes: frozenset[str], identifiers: int) -> None:
        self.meters.withdrawn(kind)
        self.audit.note("withdrawal", by=kind, purposes=sorted(purposes), identifiers=identifiers)

    def _swept(self, erased: Erased) -> None:
        if erased.queue or erased.dead:
            self.audit.note("erased", queue=dict(erased.queue), dead=dict(erased.dead))

    def _forgotten(self, identifiers: int, done: Forgotten) -> None:
        self.audit.note("forgotten", identifiers=identifiers, destinations=done.destinations, held=done.held)

    def permits(self, row: Row) -> Refusal | None:
        """Asked before every attempt to send a delivery."""
        refusal = permits(row, self.container, self.outbox.withdrawn)
        if refusal is not None and refusal[0] == "consent":
            self.audit.stopped(row.delivery.event_id, row.delivery.tag, row.delivery.destination, refusal[1])
        return refusal

    # ── what serves

    def retention(self) -> float:
        """Seconds after which nothing that was accepted before can lie in the queue or among the dead letters."""
        ages = (one.plugin.limits.age or 0.0 for one in self.container.destinations.values())
        return max(KEPT, self.server.queue.keep_dead, *ages) + MARGIN

    async def mind_the_held(self) -> None:
        """Decide events when their time to wait for consent is over, until cancelled."""
        while True:
            await self.holding.until_due()
            await self.door.decide_waiting(self.container, self.server)

    async def reload(self, by: str = "admin", note: str = "") -> Answer:
        """Publish the files, renew secrets, and try at once what waits for a vendor, who may have been mended."""
        return self._tried(await self.publisher.reload(by, note))

    async def renew(self) -> Answer:
        """Renew operations' part alone: `server.yaml`, secrets, the admin token. Vendors are tried at once, too."""
        return self._tried(await self.publisher.renew())

    def _tried(self, done: Answer) -> Answer:
        if done.ok:
            self.wait_no_longer()
        return done

    def wait_no_longer(self, destination: str | None = None) -> None:
        """Somebody wants a destination tried now, or all of them: no wait after a failure goes on."""
        if self.dispatcher is not None:
            self.dispatcher.wait_no_longer(destination)

    def _take(self, configuration: Configuration) -> None:
        """Swapped: from here on every event and every attempt goes by the new one."""
        collect = configuration.server.collect
        if collect.rate != self._rate:
            self._rate = collect.rate
            self.rate = RateLimit(self._rate, self._steady)
        self.sources = Sources(collect)
        self.loaded = self.clock()
        if configuration.admin_token is not None:
            self.admin_token = configuration.admin_token
        if self.dispatcher is not None:
            self.dispatcher.reconfigured(self.container.destinations)

    def target(self, name: str) -> Target | None:
        """The configured destination as a worker needs it, looked up afresh before each attempt. Also by a name that
        it had before."""
        destination = self.container.destination(name)
        if destination is None:
            return None
        paused = destination.paused
        if destination.settings is None:
            paused = paused or "it is not set up"
        return Target(
            destination=destination.plugin,
            settings=destination.settings,
            paused=paused,
            hosts=destination.hosts,
            egress=destination.egress,
        )

    @property
    def degraded(self) -> bool:
        """Whether today's files have errors, and an earlier configuration serves in their place."""
        return self.publisher.now.degraded

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether this server can promise anything now, and the object that says why or why not."""
        shown = {
            "version": __version__,
            "container": self.container.version,
            "problems": [problem.as_dict() for problem in self.publisher.now.problems],
        }
        if self.draining:
            return False, {"ready": False, "status": "draining", **shown}
        if (why := self.outbox.trouble()) is not None:
            return False, {"ready": False, "status": "outbox", "detail": why, **shown}
        notices = [*self.publisher.now.notices, *filter(None, [self.outbox.notice() or self._filling()])]
        if failing := self._failing():
            shown["failing"] = failing
            notices.append(counted(failing))
        remark = self.publisher.now.remark
        if said := [*notices, *filter(None, [remark])]:
            shown["notice"] = "; ".join(said)
        degraded = self.degraded or bool(notices)
        return True, {"ready": True, "status": "degraded" if degraded else "ok", **shown}

    def _failing(self) -> list[dict[str, str]]:
        """Which plugins fail now: for some of what they get, or so that their destination stands still."""
        shown = self.failing.shown(self.container.destinations, self.container.variables)
        known = {one.get("destination") for one in shown}
        states = [(name, *self.state(name)) for name in self.container.destinations if name not in known]
        unloaded = unloaded_in((one.code, one.path) for one in self.container.problems)
        still = [
            (name, why)
            for name, state, why in states
            if state == "paused" and why and (name in unloaded or is_plugins(why))
        ]
        return [*shown, *({"destination": name, "reason": why} for name, why in still)]

    def _filling(self) -> str | None:
        """What to say of a queue that fills up, long before it refuses anything."""
        room = self.outbox.room()
        share = room.used / room.limit
        return f"the queue is {share:.0%} full" if share >= FILLING else None

    async def status(self) -> dict[str, Any]:
        """The object of `/-/status.json`."""
        ready, shown = self.readiness()
        counts = self.outbox.counts()
        names = [*self.container.destinations, *(name for name in counts if name not in self.container.destinations)]
        return {
            "version": __version__,
            "ready": ready,
            "container": {
                "version": self.container.version,
                "number": self.publisher.now.serving.number,
                "loaded": self.loaded,
                "degraded": self.degraded,
                "problems": shown["problems"],
                "notice": shown.get("notice"),
            },
            "destinations": {name: await self._destination(name, counts.get(name, Counts())) for name in names},
            "failing": shown.get("failing", []),
            "held": {"events": len(self.holding), "bytes": self.holding.bytes},
            "audit": {"rows": self.audit.rows, "lost": self.audit.lost, "bytes": self.audit.bytes},
        }

    def state(self, name: str) -> tuple[str, str | None]:
        """The state of a destination, and why it is not `ok`."""
        destination = self.container.destination(name)
        if destination is None:
            return "disabled", "no destination of this name is configured"
        if destination.paused is not None:
            return "paused", destination.paused
        state, reason = self.dispatcher.status(name) if self.dispatcher is not None else ("ok", "")
        how = self.failing.of(destination.name)
        if how is not None and state in ("ok", "retrying", "open"):
            # A wait for the vendor mends itself, this does not.
            return "failing", how + (f"; {state}: {reason}" if reason else "")
        return state, reason or None

    async def picture(self) -> Picture:
        """What metrics show beside the counters of this process."""
        counts = self.outbox.counts()
        ready, shown = self.readiness()
        names = {*self.container.destinations, *counts}
        return Picture(
            version=__version__,
            counts=counts,
            states={name: self.state(name)[0] for name in names},
            oldest={name: await self._oldest(name) for name in names},
            room=self.outbox.room(),
            ready=ready,
            degraded=shown["status"] == "degraded",
            loaded=self.loaded / 1000,
            held=len(self.holding),
            held_ended=self.holding.ended,
            tombstones=self.outbox.tombstones(),
            audit_rows=self.audit.rows,
            audit_lost=self.audit.lost,
            audit_bytes=self.audit.bytes,
        )

    async def _oldest(self, name: str) -> float | None:
        """Seconds since the oldest pending delivery of a destination was received."""
        oldest = await self.outbox.oldest(name)
        return None if oldest is None else max(0.0, (self.clock() - oldest) / 1000)

    async def _destination(self, name: str, counts: Counts) -> dict[str, Any]:
        state, reason = self.state(name)
        configured = self.container.destinations.get(name)
        return {
            "type": configured.type if configured else None,
            "state": state,
            "reason": reason,
            "accepted": counts.accepted,
            "delivered": counts.delivered,
            "pending": counts.pending,
            "dead": counts.dead,
            "erased": counts.erased,
            "dead_by_reason": dict(counts.dead_by_reason),
            "oldest_pending_s": await self._oldest(name),
        }
