"""The worker of one destination: claims what is ready, keeps some requests under way, and stands still when it should.

What happens to a single batch is a `BatchSender`'s affair; what is learned from it about the vendor a
`DestinationHealth`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx

from tagserver.delivery.batch import BatchSender, SendPolicy
from tagserver.delivery.health import PROBE, DestinationHealth, State
from tagserver.delivery.observer import DeliveryObserver
from tagserver.delivery.outcomes import Stop
from tagserver.delivery.sink import OpenSink
from tagserver.delivery.target import Target
from tagserver.delivery.throttle import Pace, Splits
from tagserver.logs.logs import events_are_told, say_delivered
from tagserver.queue.api import Queue
from tagserver.queue.encryption import NO_ENCRYPTION, Encryption
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import Batch, DeadLettered, Settlement
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")


LINGER = 0.1
"""Seconds to wait after a batch that was not full, so that the next one is worth a request."""
HELD_BACK = 1.0
"""Seconds until it is asked again whether what was tried before may be repeated."""


_OUTCOMES = {"failed": "failed", "throttled": "throttled"}


class Worker:
    """One destination's worker. `lookup` and `policy` are asked afresh before every attempt, so that a reload
    counts at once. `keep_removed`: seconds that deliveries wait whose destination is not configured any more, counted
    while nobody has `stopped` it by hand."""

    def __init__(
        self,
        name: str,
        outbox: Queue,
        http: httpx.AsyncClient,
        *,
        lookup: Callable[[str], Target | None],
        policy: SendPolicy,
        observer: DeliveryObserver,
        time: Time,
        keep_removed: float,
        stopped: Callable[[], bool] = lambda: False,
        encryption: Encryption = NO_ENCRYPTION,
    ) -> None:
        self.name = name
        self._outbox = outbox
        self._http = http
        self._lookup = lookup
        self._policy = policy
        self._time = time
        self._keep_removed = keep_removed
        self._stopped = stopped
        self._encryption = encryption
        self._observer = observer
        self._cache: dict[str, Any] = {}
        self._health = DestinationHealth(name, time)
        self._splits = Splits(time)
        self._pace = Pace(time)
        self._sink = OpenSink(name, time, observer)
        self._target = lookup(name)
        self._halted: tuple[State, str] | None = None
        self._unrecorded: str | None = None
        self._told: object = None
        self._removed_at: float | None = None
        self._changed = asyncio.Event()
        self._landed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False

    def status(self) -> tuple[State, str]:
        """The state, and why it is not ok."""
        state, reason = self._halted or self._health.state
        if state == "ok" and (ails := self._sink.ails) is not None:
            return "retrying", ails
        if state == "ok" and self._unrecorded is not None:
            return "retrying", self._unrecorded
        return state, reason

    @property
    def waits(self) -> float:
        """Seconds until the next request may be made; 0 when now, or when nothing stands in the way."""
        return self._health.wait() if self._halted is None else 0.0

    @property
    def unrecorded(self) -> bool:
        """Whether nothing is sent because nothing can be recorded."""
        return self._unrecorded is not None

    def stop_of(self) -> Stop | None:
        """What the vendor has answered that has led to the state, None where that is not its doing."""
        return None if self._halted is not None else self._health.stop

    def reconfigured(self) -> None:
        """The configuration was read again. Under other settings the vendor is met anew; under the same ones all that
        was learned stays, or each edit of anything would be a request to a vendor that is down. A pause is looked into
        at once in any case: whoever reads the configuration again may have mended something at the vendor's side."""
        target = self._lookup(self.name)
        if target is None or not target.same(self._target):
            self._health = DestinationHealth(self.name, self._time)
            self._cache = {}
        else:
            self._health.ask_now()
        self._sink.try_again()
        self._target = target
        self.look_again()

    def look_again(self) -> None:
        """Somebody has stopped it by hand, or let it go on: nothing else has changed."""
        self._told = None
        self._changed.set()

    def wait_no_longer(self) -> None:
        """Somebody wants it tried now."""
        self._health.wait_no_longer()
        self._sink.try_again()
        self._changed.set()

    def clock_is_right(self) -> None:
        """The wall clock was wrong, and is right now."""
        self._health.clock_is_right()
        self._sink.try_again()
        self._changed.set()

    def stop(self) -> None:
        """Claim nothing more; what is under way goes on until the task is cancelled."""
        self._stopping = True
        self._changed.set()

    # ── the loop
    # ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until stopped, and until what is under way has ended. An error of the outbox ends one round, not the
        worker."""
        try:
            while not self._stopping:
                try:
                    await self._round()
                except OutboxError as error:
                    self._unrecorded = f"nothing can be recorded, so nothing is sent: {error}"
                    self._observer.changed(self.name)
                    await self._rest(1.0)
            if self._under_way:
                await asyncio.wait(self._under_way)
        finally:
            # Who cuts what is under way does not cut this: it has its own time.
            end = asyncio.ensure_future(self._end())
            while not end.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(end)

    async def _end(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._sink.close()

    async def _round(self) -> None:
        """One claim, or one wait."""
        target = self._lookup(self.name)
        if self._sink.asks(target):
            if self._under_way:
                return await self._wait(self._landed.wait())
            return await self._sink.attend(target)
        if target is None:
            return await self._without_target()
        self._halted = ("paused", target.still) if target.still is not None else None
        target = self._sink.of(target)
        self._removed_at = None
        if self._halted is None and (trouble := self._sink.trouble) is not None:
            self._halted = ("retrying", trouble)
        # What a batch changes is told behind it.
        if (state := (self._halted, self._unrecorded, self._sink.ails)) != self._told:
            self._told = state
            self._observer.changed(self.name)
        if self._halted is not None:
            return await self._wait()
        health, limits = self._health, target.destination.limits
        if (wait := max(health.wait(), self._pace.wait(limits.rate))) > 0:
            return await self._rest(wait)
        if len(self._under_way) >= (requests := health.requests(limits.requests)):
            return await self._wait(self._landed.wait())
        most, probing, may_repeat = health.events(limits.events), health.probing, health.may_repeat()
        batch = await self._outbox.claim(
            self.name, max_items=most, max_bytes=limits.bytes, newest=health.paused, untried=not may_repeat
        )
        self._unrecorded = None
        if batch is None:
            if not may_repeat and self._outbox.ready(self.name):
                return await self._wait(self._time.sleep(PROBE if health.paused else HELD_BACK), self._landed.wait())
            return await self._wait(self._outbox.wait(self.name), self._landed.wait())
        health.claimed(batch)
        crowded = len(self._under_way) + 1 >= requests
        task = asyncio.create_task(self._send(batch, target, health, self._pace.begin(limits.rate), crowded=crowded))
        self._under_way.add(task)
        task.add_done_callback(self._batch_ended)
        if probing:
            await self._wait(task)
        elif len(batch.rows) < most and not self._stopping:
            await self._rest(LINGER)
        return None

    async def _without_target(self) -> None:
        """The destination is not configured any more: its deliveries wait a day for it to come back."""
        self._halted = ("disabled", "no destination of this name is configured")
        self._observer.changed(self.name)
        if self._stopped():
            self._removed_at = None
            return await self._wait()
        now = self._time.monotonic()
        self._removed_at = now if self._removed_at is None else self._removed_at
        left = self._removed_at + self._keep_removed - now
        if left > 0:
            return await self._rest(left)
        batch = await self._outbox.claim(self.name, max_items=1000, max_bytes=64 << 20)
        if batch is None:
            return await self._wait(self._outbox.wait(self.name))
        dead = [DeadLettered(row.id, "no_destination", "its destination was removed") for row in batch.rows]
        await self._settle(batch, Settlement(dead=dead))
        self._observer.dead_lettered(self.name, batch.rows, dead)
        return None

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._landed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("destination %s: its worker failed", self.name, exc_info=error)

    async def _rest(self, seconds: float) -> None:
        """Wait `seconds`, or until something has changed."""
        await self._wait(self._time.sleep(seconds))

    async def _wait(self, *waits: Awaitable[Any]) -> None:
        """Wait for the first of them, for a change of the configuration, or until the sink has to be attended to."""
        soon = self._sink.wait()
        if soon != float("inf"):
            waits = (*waits, self._time.sleep(soon))
        tasks = [asyncio.ensure_future(wait) for wait in (*waits, self._changed.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._changed.clear()
            self._landed.clear()
            loose = [task for task in tasks if task not in self._under_way]
            for task in loose:
                task.cancel()
            await asyncio.gather(*loose, return_exceptions=True)

    # ── a batch
    # ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send(
        self,
        batch: Batch,
        target: Target,
        health: DestinationHealth,
        turn: Callable[[], Awaitable[None]],
        *,
        crowded: bool,
    ) -> None:
        """`crowded`: as many requests are under way as may be."""
        sender = BatchSender(
            batch,
            target,
            self._http,
            self._cache,
            working=self._outbox.working(batch),
            time=self._time,
            splits=self._splits,
            refusals=health.refusals,
            proven=health.proven,
            turn=turn,
            held=self._held,
            encryption=self._encryption,
        )
        began = self._time.monotonic()
        try:
            stop = await sender.send(self._policy)
        except asyncio.CancelledError:
            self._observer.attempted(self.name, sender.attempts.made)
            await self._settle(batch, sender.settlement())
            raise
        except Exception as error:
            # Ours, not the plugin's. The rows are released, and the destination slows down.
            log.critical("destination %s: its worker failed", self.name, exc_info=error)
            stop = Stop("failed", type(error).__name__)
        took = self._time.monotonic() - began
        self._observer.attempted(self.name, sender.attempts.made)
        if sender.tried:
            outcome = _OUTCOMES.get(stop.kind, "paused") if stop else "ok"
            self._observer.sent(self.name, outcome, took, len(sender.delivered), sender.failed)
        # If the settings have changed meanwhile, this is about the old ones, and nobody asks them any more.
        if (answer := sender.answer) is not None:
            self._observer.answered(self.name, answer)
        health.learn(sender, stop, target.destination.limits.events, began=began, took=took, crowded=crowded)
        self._observer.changed(self.name)
        settlement = sender.settlement()
        await self._settle(batch, settlement)
        self._tell(batch, settlement)

    def _held(self) -> bool:
        """Whether somebody has stopped it by hand since the batch was claimed."""
        target = self._lookup(self.name)
        return target is not None and target.held is not None

    async def _settle(self, batch: Batch, settlement: Settlement) -> None:
        """What became of a batch must be recorded: until it is, its rows are out of everybody's reach."""
        while True:
            try:
                return await self._outbox.settle(batch, settlement)
            except OutboxError as error:
                if self._outbox.trouble() is not None and self._stopping:
                    return None  # after the restart they are sent again; better twice than never
                log.warning("destination %s: %s; recording is tried again", self.name, error)
                await self._time.sleep(1.0)

    def _tell(self, batch: Batch, settlement: Settlement) -> None:
        if settlement.dead:
            self._observer.dead_lettered(self.name, batch.rows, settlement.dead)
        if events_are_told():
            delivered = set(settlement.delivered)
            for row in batch.rows:
                if row.id in delivered:
                    say_delivered(row.event_id, row.destination, row.tag, row.attempts + 1)
