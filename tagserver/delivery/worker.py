"""The worker of one destination: claims what is ready, keeps some requests under way, and stands still when it should.

It knows when and how much; what happens to a single batch is a `Shipment`'s affair. Nothing here disables a
destination for good: whatever the vendor does, the deliveries are kept until they expire.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import httpx

from tagserver.delivery.breaker import Breaker
from tagserver.delivery.limiter import Limiter
from tagserver.delivery.outbox import Batch, Buried, Outbox, OutboxError, Row, Settlement
from tagserver.delivery.retry import Chance
from tagserver.delivery.shipment import Refusal, Shipment, Splits, Stop
from tagserver.delivery.target import Target

log = logging.getLogger("tagserver.delivery")

Sent = Callable[[str, str, float], None]
"""Told about every batch that was sent: destination, `ok`, `failed`, `throttled` or `paused`, seconds."""
State = Literal["ok", "retrying", "open", "paused", "disabled"]

LINGER = 0.1
"""Seconds to wait after a batch that was not full, so that the next one is worth a request."""
PROBE = 600.0
"""Seconds between probes of a paused destination."""
PROBE_EVENTS = 10
"""Events in the one request that asks whether a vendor is back."""
KEEP_REMOVED = 24 * 3600.0
"""Seconds that the deliveries of a destination wait which is not in the configuration any more."""
NO_CALM = 60.0
"""Seconds after a jump of the clock in which nothing is declared expired."""
JUMP_MS = 3_600_000


class Worker:
    """One destination's worker. `lookup` and `permits` are asked afresh before every attempt, so that a reload
    counts at once. `clock` is wall time in ms, `steady` seconds that never jump."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        http: httpx.AsyncClient,
        *,
        lookup: Callable[[str], Target | None],
        permits: Callable[[Row], Refusal | None],
        clock: Callable[[], int],
        sent: Sent = lambda destination, outcome, seconds: None,
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Chance | None = None,
    ) -> None:
        self.name = name
        self._outbox = outbox
        self._http = http
        self._lookup = lookup
        self._permits = permits
        self._clock = clock
        self._sent = sent
        self._steady = steady
        self._sleep = sleep
        self._cache: dict[str, Any] = {}
        self._breaker = Breaker(steady, chance or random.Random())  # noqa: S311 (jitter, no secret)
        self._limiter = Limiter(steady, 1)
        self._splits = Splits(clock)
        self._stood: tuple[Literal["paused", "disabled"], str] | None = None
        self._probe_at = 0.0
        self._suspect = False
        self._proven = False
        self._refusals: Counter[str] = Counter()
        self._generation = 0
        self._configured: Target | None = None
        self._removed_at: float | None = None
        self._reason = ""
        self._size: int | None = None
        self._changed = asyncio.Event()
        self._landed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._clock_offset = clock() - steady() * 1000
        self._calm_from = float("-inf")

    def status(self) -> tuple[State, str]:
        """The state, and why it is not ok."""
        if self._stood is not None:
            return self._stood
        state = self._breaker.state
        return state, "" if state == "ok" else self._reason

    def reconfigured(self) -> None:
        """The configuration was read again. Under other settings a wait for the vendor is over; under the same ones it
        goes on, or each edit of anything would be a request to a vendor that is down. A pause is looked into at once
        in any case: whoever reads the configuration again may have mended something at the vendor's side."""
        target = self._lookup(self.name)
        if target is None or not target.same(self._configured):
            self._configured = target
            self._breaker.reset()
            self._generation += 1
            self._cache.clear()
        self._probe_at = 0.0
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
                except OutboxError:
                    await self._rest(1.0)
            if self._under_way:
                await asyncio.wait(self._under_way)
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _round(self) -> None:
        """One claim, or one wait."""
        target = self._lookup(self.name)
        if target is None:
            return await self._without_target()
        self._removed_at = None
        if target.paused is not None:
            self._stood = ("paused", target.paused)
            return await self._wait()
        limits = target.destination.limits
        self._limiter.cap = limits.requests
        paused = self._stood is not None and self._stood[0] == "paused"
        if self._stood is not None and not paused:
            self._stood = None
        wait = max(self._breaker.wait(), self._probe_at - self._steady() if paused else 0.0)
        if wait > 0:
            return await self._rest(wait)
        probing = paused or self._breaker.open
        if len(self._under_way) >= (1 if probing else self._limiter.limit):
            return await self._wait(self._landed.wait())
        full = min(self._size or limits.events, limits.events)
        if probing:
            full = 1 if paused else min(full, PROBE_EVENTS)
        batch = await self._outbox.claim(self.name, max_items=full, max_bytes=limits.bytes, newest=paused)
        if batch is None:
            return await self._wait(self._outbox.wait(self.name), self._landed.wait())
        task = asyncio.create_task(self._ship(batch, target))
        self._under_way.add(task)
        task.add_done_callback(self._shipped)
        if probing:
            await self._wait(task)
        elif len(batch.rows) < full and not self._stopping:
            await self._rest(LINGER)
        return None

    async def _without_target(self) -> None:
        """The destination is not configured any more: its deliveries wait a day for it to come back."""
        self._stood = ("disabled", "no destination of this name is configured")
        now = self._steady()
        self._removed_at = now if self._removed_at is None else self._removed_at
        left = self._removed_at + KEEP_REMOVED - now
        if left > 0:
            return await self._rest(left)
        batch = await self._outbox.claim(self.name, max_items=1000, max_bytes=64 << 20)
        if batch is None:
            return await self._wait(self._outbox.wait(self.name))
        buried = [Buried(row.id, "no_destination", "its destination was removed") for row in batch.rows]
        await self._settle(batch, Settlement(buried=buried))
        return None

    def _shipped(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._landed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("destination %s: its worker failed", self.name, exc_info=error)

    async def _rest(self, seconds: float) -> None:
        """Wait `seconds`, or until something has changed."""
        await self._wait(self._sleep(seconds))

    async def _wait(self, *waits: Awaitable[Any]) -> None:
        """Wait for the first of them, or for a change of the configuration."""
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

    async def _ship(self, batch: Batch, target: Target) -> None:
        shipment = Shipment(
            batch,
            target,
            self._http,
            self._cache,
            working=lambda: self._outbox.working(batch),
            clock=self._clock,
            splits=self._splits,
            refusals=self._refusals,
            proven=self._proven,
            expiring=self._clock_is_calm(),
        )
        full = len(self._under_way) >= self._limiter.limit
        began, generation = self._steady(), self._generation
        try:
            stop = await shipment.send(self._permits)
        except asyncio.CancelledError:
            await self._settle(batch, shipment.settlement())
            raise
        except Exception as error:
            # Ours, not the plugin's. The rows are released, and the destination slows down.
            log.critical("destination %s: its worker failed", self.name, exc_info=error)
            stop = Stop("failed", type(error).__name__)
        took = self._steady() - began
        if shipment.tried:
            self._sent(self.name, stop.kind if stop else "ok", took)
        self._learn(shipment)
        if stop is not None and stop.kind in ("paused", "suspect"):
            if generation == self._generation:  # else it was about settings that are replaced by now
                self._pause(stop)
        elif stop is not None:
            self._wait_after(stop, began)
        elif shipment.tried:
            if shipment.delivered:
                self._limiter.answered(took, full=full)
            self._well(target, clean=not shipment.refused)
        await self._settle(batch, shipment.settlement())
        self._log(batch, shipment)

    async def _settle(self, batch: Batch, settlement: Settlement) -> None:
        """What became of a batch must be recorded: until it is, its rows are out of everybody's reach."""
        while True:
            try:
                return await self._outbox.settle(batch, settlement)
            except OutboxError as error:
                if self._outbox.trouble() is not None and self._stopping:
                    return None  # after the restart they are sent again; better twice than never
                log.warning("destination %s: %s; recording is tried again", self.name, error)
                await self._sleep(1.0)

    def _learn(self, shipment: Shipment) -> None:
        """What the vendor takes and refuses, over several batches: bad events, or a bad set-up?"""
        if shipment.delivered:
            self._refusals.clear()
            self._proven = self._suspect
            self._suspect = False
        elif shipment.refused:
            self._refusals.update(shipment.refused)
            self._proven = False

    def _pause(self, stop: Stop) -> None:
        """Stand still, with everything kept. A suspicion is looked into at once: one event of another time is tried,
        and if that one is taken, the refused ones are bad events after all."""
        first = stop.kind == "suspect" and not self._suspect
        self._suspect = stop.kind == "suspect"
        self._probe_at = self._steady() + (0.0 if first else PROBE)
        if not first and (self._stood is None or self._stood[1] != stop.reason):
            log.error("destination %s is paused: %s; everything is kept", self.name, stop.reason)
        self._reason = stop.reason
        self._stood = ("paused", stop.reason)

    def _wait_after(self, stop: Stop, began: float) -> None:
        self._reason = stop.reason
        self._limiter.overloaded()
        delay = self._breaker.failed(stop.asked, began, throttled=stop.kind == "throttled")
        log.warning("destination %s: %s; again in %.1f s", self.name, stop.reason, delay)

    def _well(self, target: Target, *, clean: bool) -> None:
        if self.status()[0] != "ok":
            log.info("destination %s is well again", self.name)
            self._limiter.restart()
        self._stood = None
        self._breaker.succeeded()
        limit = target.destination.limits.events
        if not clean:
            self._size = max(1, (self._size or limit) // 2)
        elif self._size is not None:
            self._size = None if self._size * 2 >= limit else self._size * 2

    def _clock_is_calm(self) -> bool:
        """False for a minute after the wall clock has jumped by more than an hour: what looks expired may not be."""
        now = self._steady()
        offset = self._clock() - now * 1000
        if abs(offset - self._clock_offset) > JUMP_MS:
            log.warning("the clock has jumped by %.0f s", (offset - self._clock_offset) / 1000)
            self._calm_from = now + NO_CALM
        self._clock_offset = offset
        return now >= self._calm_from

    def _log(self, batch: Batch, shipment: Shipment) -> None:
        buried = shipment.buried
        if log.isEnabledFor(logging.DEBUG):
            delivered = set(shipment.delivered)
            for row in batch.rows:
                if row.id in delivered:
                    fields = {"event_id": row.delivery.event_id, "destination": self.name, "outcome": "delivered"}
                    log.debug("event %s was delivered to %s", row.delivery.event_id, self.name, extra=fields)
        for one in buried:
            event_id = next(row.delivery.event_id for row in batch.rows if row.id == one.id)
            fields = {"event_id": event_id, "destination": self.name, "outcome": "dead", "reason": one.reason}
            log.warning(
                "event %s for %s is a dead letter: %s %s", event_id, self.name, one.reason, one.detail, extra=fields
            )
