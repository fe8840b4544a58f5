"""The running server: one configuration, one outbox, one worker per destination, and the ingest between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx

from tagserver.audit.audit import Audit
from tagserver.backup.keeping import Keeping
from tagserver.config.model import Container
from tagserver.config.queue import key_of
from tagserver.config.server import LogConfig, ServerConfig
from tagserver.delivery.clock import ClockDoubt
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.send_policy import Refusal, refusals
from tagserver.delivery.target import Target
from tagserver.erasure.erasure import Erasure
from tagserver.erasure.opt_outs import OptOuts
from tagserver.event.event import BROWSER
from tagserver.explain.send_as_test import VendorTests
from tagserver.ingest.consent_wait import ConsentWait
from tagserver.ingest.ingest import Ingest
from tagserver.ingest.order_consent import OrderConsent
from tagserver.ingest.previewing import Previews
from tagserver.ingest.sources import Sources
from tagserver.ingest.waiting_copies import WaitingCopies
from tagserver.metrics.meters import Meters
from tagserver.pausing.pausing import Engine, Pausing
from tagserver.preview.order import Orders, Serving
from tagserver.preview.sessions import Sessions
from tagserver.publishing.comparison import Comparing
from tagserver.publishing.past import PastContainers
from tagserver.publishing.publisher import ActResult, Publisher
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration
from tagserver.queue.encryption import Encryption
from tagserver.queue.values import Row
from tagserver.records.records import Records
from tagserver.runtime.failing import Failing
from tagserver.runtime.observer import RuntimeObserver
from tagserver.runtime.server_files import OwnToken
from tagserver.runtime.states import States
from tagserver.runtime.status import Status
from tagserver.runtime.unwritten import Unwritten
from tagserver.system.machine import disk_free
from tagserver.system.rate_limit import RateLimit
from tagserver.system.time import Time

KEPT = 30 * 86400.0
"""Seconds that a tombstone is kept at least."""
MARGIN = 7 * 86400.0


class Runtime:
    """What the endpoints and commands of a running server reach. Made by `running.py`, which also ends it."""

    def __init__(
        self,
        publishing: Publishing,
        configuration: Configuration,
        outbox: Engine,
        install_key: bytes,
        time: Time,
        meters: Meters,
        audit: Audit,
        keeping: Keeping,
        records: Records,
        log: Callable[[LogConfig], None] = lambda config: None,
        doubt: ClockDoubt | None = None,
    ) -> None:
        doubt = doubt or ClockDoubt(time, None, lambda: True)
        self.received = doubt.received
        """When what comes now is received, in ms, as well as that is known while the clock is doubted."""
        self._log = log
        self.data = publishing.store.data
        """The data folder."""
        self.publisher = Publisher(publishing, configuration, take=self._take, note=audit.note)
        self.comparing = Comparing(publishing, lambda: self.publisher.now)
        self.past = PastContainers(publishing, lambda: self.publisher.now)
        self.install_key = install_key
        """32 bytes of this installation, which key the hashes of persons."""
        self.outbox = outbox
        self.time = time
        self.meters = meters
        self.audit = audit
        self.keeping = keeping
        self.records = records
        self.failing = Failing(time, began=lambda kind, name: self.states.failing_began(kind, name))
        keys = [key for text in configuration.server.queue.encrypt if (key := key_of(text.reveal()))]
        self.encryption = Encryption(keys)
        """Of data at rest; by the keys of the start, as all of the queue's settings."""
        self.consent_wait = ConsentWait(time)
        self.sources = Sources(configuration.server.collect)
        self._rate = configuration.server.collect.rate
        self.rate = RateLimit(self._rate, time)
        self.admin_token = OwnToken(configuration.admin_token, self.data)
        self.unwritten = Unwritten(time)
        self.draining = False
        """Not ready any more, but what comes is still taken; until `closing`, from when on new requests are refused."""
        self.closing = False
        self.hurry = asyncio.Event()
        """Set by whoever does not want to wait for the vendors at the end."""
        self.loaded = time.now()
        self.dispatcher: Dispatcher | None = None
        self.pausing = Pausing(outbox, lambda: self.container, lambda: self.dispatcher, audit.note, time)
        self.status = Status(
            self.publisher,
            outbox,
            self.pausing,
            self.failing,
            self.consent_wait,
            audit,
            self.unwritten,
            keeping,
            records,
            time,
            loaded=lambda: self.loaded,
            draining=lambda: self.draining,
            dispatcher=lambda: self.dispatcher,
        )
        self.states = States(
            self.status,
            self.publisher,
            outbox,
            time,
            free=lambda: disk_free(self.data),
        )
        self.observer = RuntimeObserver(meters, audit, records.recorder, self.failing, self.states, doubt)
        self.opt_outs = OptOuts(
            outbox,
            install_key,
            lambda: self.container,
            self.retention,
            time,
            self.observer,
        )
        self.erasure = Erasure(
            outbox,
            install_key,
            lambda: self.container,
            self.consent_wait.forget,
            sources=lambda: (BROWSER, *self.server.sources),
            destinations=outbox.counts,
            refuse=lambda: self.server.forget.refuse,
            sweep_soon=self.opt_outs.sweep_soon,
            forget_records=records.erase,
            observer=self.observer,
            time=time,
        )
        self.previews = Previews(Sessions(install_key, time), lambda: self.container)
        self.preview_orders = Orders(self.previews.sessions, publishing.folder, self._previewed_beside)
        self.order_consent = OrderConsent(outbox, install_key, time, self.observer)
        self.ingest = Ingest(
            outbox,
            install_key,
            self.observer,
            self.consent_wait,
            self.opt_outs,
            self.encryption,
            self.previews,
            self.order_consent,
        )
        self.waiting_copies = WaitingCopies(outbox, self.order_consent, lambda: self.container, time)
        self.vendor_tests = VendorTests(self, self._connect, outbox, install_key, audit.note, time)

    @property
    def container(self) -> Container:
        """The container that serves now."""
        return self.publisher.now.container

    @property
    def server(self) -> ServerConfig:
        """The server's own settings."""
        return self.publisher.now.server

    def _previewed_beside(self) -> Serving:
        """What serves, for a new preview session."""
        now = self.publisher.now
        return Serving(now.container, now.server.collect, now.serving.server)

    # ── what may be sent

    def _connect(self, name: str) -> httpx.AsyncClient:
        assert self.dispatcher is not None, "it runs"
        return self.dispatcher.connect(name)

    def refusals(self, rows: Sequence[Row]) -> dict[int, Refusal]:
        """The send policy: asked before every attempt to send deliveries, for those that may not be sent any more."""
        refused = refusals(rows, self.container, self.outbox)
        for row in rows if refused else ():
            if (refusal := refused.get(row.id)) is not None and refusal[0] == "consent":
                self.audit.stopped(row.event_id, row.tag, row.destination, refusal[1])
        return refused

    # ── what serves

    def retention(self) -> float:
        """Seconds after which nothing that was accepted before can lie in the queue or among the dead letters."""
        ages = (one.plugin.limits.age or 0.0 for one in self.container.destinations.values())
        return max(KEPT, self.server.queue.keep_dead, *ages) + MARGIN

    async def mind_the_held(self) -> None:
        """Decide events when their time to wait for consent is over, until cancelled."""
        while True:
            await self.consent_wait.until_due()
            await self.ingest.decide_waiting(self.container, self.server)

    async def reload(self, by: str = "admin", note: str = "") -> ActResult:
        """Publish the files, renew secrets, and try at once what waits for a vendor, who may have been mended."""
        return self._tried(await self.publisher.reload(by, note))

    async def renew(self) -> ActResult:
        """Renew operations' part alone: `server.yaml`, secrets, the admin token. Vendors are tried at once, too."""
        return self._tried(await self.publisher.renew())

    def _tried(self, done: ActResult) -> ActResult:
        if done.ok:
            self.wait_no_longer()
        return done

    def wait_no_longer(self, destination: str | None = None) -> None:
        """Somebody wants a destination tried now, or all of them: no wait after a failure goes on."""
        if self.dispatcher is not None:
            self.dispatcher.wait_no_longer(destination)

    def decided(self) -> None:
        """Somebody has decided that delivery goes on after a restore."""
        if self.dispatcher is not None:
            self.dispatcher.reconfigured(self.container.destinations)

    def _take(self, configuration: Configuration, asked: bool) -> str:
        """Swapped: from here on every event and every attempt goes by the new one. What to say of the admin token, the
        more where somebody `asked` for new secrets."""
        collect = configuration.server.collect
        if collect.rate != self._rate:
            self._rate = collect.rate
            self.rate = RateLimit(self._rate, self.time)
        self.sources = Sources(collect)
        self.loaded = self.time.now()
        self.pausing.reconfigured()
        self.records.configured(configuration.server.records)
        if self.dispatcher is not None:
            self.dispatcher.reconfigured(self.container.destinations)
        self._log(configuration.server.log)
        self.states.look_around()
        said = self.admin_token.renew(configuration.admin_token)
        return said or (self.admin_token.fixed if asked else "")

    def target(self, name: str) -> Target | None:
        """The configured destination as a worker needs it, looked up afresh before each attempt. Also by a name that
        it had before."""
        destination = self.container.destination(name)
        if destination is None:
            return None
        paused = self.keeping.hold.why or destination.paused
        if destination.settings is None:
            paused = paused or "it is not set up"
        return Target(
            destination=destination.plugin,
            settings=destination.settings,
            paused=paused,
            hosts=destination.hosts,
            egress=destination.egress,
            data=self.data.absolute(),
            held=self.pausing.held(name),
        )
