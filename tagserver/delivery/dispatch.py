"""The workers of all destinations: started, kept in step with the configuration, stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial

import httpx

from tagserver.delivery.batch import SendPolicy
from tagserver.delivery.exchange import open_http
from tagserver.delivery.health import State
from tagserver.delivery.observer import DeliveryObserver
from tagserver.delivery.outcomes import Stop
from tagserver.delivery.target import Target
from tagserver.delivery.worker import Worker
from tagserver.queue.api import Queue
from tagserver.queue.encryption import NO_ENCRYPTION, Encryption
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")


@dataclass(frozen=True, slots=True)
class _Running:
    worker: Worker
    http: httpx.AsyncClient
    task: asyncio.Task[None]


class Dispatcher:
    """One worker with its own connections per destination, so that a dead vendor delays nobody else."""

    def __init__(
        self,
        outbox: Queue,
        *,
        lookup: Callable[[str], Target | None],
        policy: SendPolicy,
        observer: DeliveryObserver,
        time: Time,
        keep_removed: float = 86400.0,
        stopped: Callable[[str], bool] = lambda name: False,
        transport: httpx.AsyncBaseTransport | None = None,
        encryption: Encryption = NO_ENCRYPTION,
    ) -> None:
        """`encryption` decrypts the payloads that were stored encrypted; `stopped`: whether somebody has stopped a
        destination by hand, also one that is not configured any more."""
        self._outbox = outbox
        self._lookup = lookup
        self._policy = policy
        self._time = time
        self._keep_removed = keep_removed
        self._stopped_by_hand = stopped
        self._transport = transport
        self._encryption = encryption
        self._observer = observer
        self._running: dict[str, _Running] = {}
        self._stopped = False

    def reconfigured(self, names: Iterable[str]) -> None:
        """The destinations that there are now, and those that are gone but have deliveries left: new ones get a
        worker, the others hear that something may have changed. Nothing of it once everything was stopped."""
        if self._stopped:
            return
        left_over = [name for name, counts in self._outbox.counts().items() if counts.pending]
        for running in self._running.values():
            running.worker.reconfigured()
        for name in {**dict.fromkeys(names), **dict.fromkeys(left_over)}:
            if name not in self._running:
                self._start(name)

    def wait_no_longer(self, name: str | None = None) -> None:
        """Somebody wants a destination tried now, or all of them."""
        for one, running in self._running.items():
            if name in (None, one):
                running.worker.wait_no_longer()

    def look_again(self, names: Collection[str]) -> None:
        """Somebody has stopped these by hand, or let them go on."""
        for name in names:
            if (running := self._running.get(name)) is not None:
                running.worker.look_again()

    def clock_is_right(self) -> None:
        """The wall clock was wrong, and is right now: all vendors are asked at once."""
        for running in self._running.values():
            running.worker.clock_is_right()

    def _start(self, name: str) -> None:
        http = self.connect(name)
        worker = Worker(
            name,
            self._outbox,
            http,
            lookup=self._lookup,
            policy=self._policy,
            time=self._time,
            keep_removed=self._keep_removed,
            stopped=partial(self._stopped_by_hand, name),
            encryption=self._encryption,
            observer=self._observer,
        )
        task = asyncio.create_task(worker.run(), name=f"destination {name}")
        task.add_done_callback(_ended)
        self._running[name] = _Running(worker, http, task)

    def connect(self, name: str) -> httpx.AsyncClient:
        """Connections of their own to a destination's vendor, by the rules that all of its deliveries go by; whoever
        asks closes them."""
        return open_http(lambda: self._allowed(name), self._transport, self._time)

    def _allowed(self, name: str) -> tuple[str, ...]:
        target = self._lookup(name)
        return target.egress if target else ()

    def status(self, name: str) -> tuple[State, str]:
        """The state of a destination, and why it is not ok."""
        running = self._running.get(name)
        return running.worker.status() if running else ("disabled", "it has no worker")

    def waits(self, name: str) -> float:
        """Seconds until a destination may be asked again; 0 when now."""
        running = self._running.get(name)
        return running.worker.waits if running else 0.0

    @property
    def unrecorded(self) -> bool:
        """Whether nothing is sent to somebody because nothing can be recorded."""
        return any(running.worker.unrecorded for running in self._running.values())

    def stop_of(self, name: str) -> Stop | None:
        """What a vendor has answered that has led to the state of its destination."""
        running = self._running.get(name)
        return running.worker.stop_of() if running else None

    async def stop(self, drain: float, hurry: asyncio.Event | None = None) -> None:
        """Claim nothing more; requests under way get `drain` seconds, or until `hurry`, then they are cut and kept. To
        stop once more does nothing."""
        self._stopped = True
        for running in self._running.values():
            running.worker.stop()
        tasks = [running.task for running in self._running.values()]
        if tasks:
            ended = asyncio.ensure_future(asyncio.wait(tasks, timeout=drain))
            hurried = asyncio.ensure_future((hurry or asyncio.Event()).wait())
            await asyncio.wait([ended, hurried], return_when=asyncio.FIRST_COMPLETED)
            late = [*(task for task in tasks if not task.done()), ended, hurried]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for running in self._running.values():
            await running.http.aclose()


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("%s: its worker failed with %s", task.get_name(), type(error).__name__, exc_info=error)
