"""The worker of one destination: claims what is ready, asks again whether it may be sent, sends it in batches, and
records what became of it.

Failures of the way (time-outs, 5xx, 429) delay the destination as a whole; on the first success everything is due
at once. What the vendor refuses is cut in halves until the bad payload stands alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import httpx

from tagserver.delivery.exchange import MaybeSent, NotAllowed, NotSent, exchange
from tagserver.delivery.outbox import Batch, Buried, Outbox, OutboxError, Row, Settlement
from tagserver.delivery.retry import Chance, backoff, deadline, retry_after
from tagserver.delivery.target import Target
from tagserver.plugin import Outcome, Payload, Response

log = logging.getLogger("tagserver.delivery")

State = Literal["ok", "retrying", "open", "paused", "disabled"]
Refusal = tuple[str, str]

LINGER = 0.1
"""Seconds to wait after a batch that was not full, so that the next one is worth a request."""
PROBE = 600.0
"""Seconds between probes of a paused destination."""
CRASHES = 4
SYSTEMATIC = 4
"""So many refusals with one code and no success in one batch are no bad events but a bad set-up."""
SPLITS_A_MINUTE = 60
PLUGIN_ERROR = "plugin_error"


class Settling:
    """What has been learned about a batch while it is sent, piece by piece."""

    def __init__(self) -> None:
        self.delivered: list[int] = []
        self.attempted: list[int] = []
        self.unknown: list[int] = []
        self.buried: list[Buried] = []
        self.refused: dict[str, list[Buried]] = {}

    def settlement(self) -> Settlement:
        """For the outbox."""
        buried = [*self.buried, *(one for refused in self.refused.values() for one in refused)]
        return Settlement(delivered=self.delivered, attempted=self.attempted, unknown=self.unknown, buried=buried)


class Stop(Exception):
    """The rest of the batch is not sent now; `delay` in seconds, or a pause."""

    def __init__(self, state: State, reason: str, asked: float | None = None) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason
        self.asked = asked


class Worker:
    """One destination's worker. `lookup` and `permits` are asked afresh before every attempt, so that a reload
    counts at once."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        http: httpx.AsyncClient,
        *,
        lookup: Callable[[str], Target | None],
        permits: Callable[[Row], Refusal | None],
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Chance | None = None,
    ) -> None:
        self.name = name
        self._outbox = outbox
        self._http = http
        self._lookup = lookup
        self._permits = permits
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or random.Random()  # noqa: S311 (jitter, no secret)
        self._cache: dict[str, Any] = {}
        self._state: State = "ok"
        self._reason = ""
        self._failures = 0
        self._failing_since = 0
        self._size: int | None = None
        self._splits: list[int] = []
        self._wake = asyncio.Event()
        self._stopping = False

    def status(self) -> tuple[State, str]:
        """The state, and why it is not ok."""
        return self._state, self._reason

    def reconfigured(self) -> None:
        """Secrets or settings were read again: a pause or wait may be over."""
        self._failures = 0
        self._cache.clear()
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; what is under way goes on until the task is cancelled."""
        self._stopping = True
        self._wake.set()

    # ── the loop
    # ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until stopped. An error of the outbox ends one round, not the worker."""
        while not self._stopping:
            try:
                await self._round()
            except OutboxError:
                await self._pause_for(1.0)

    async def _round(self) -> None:
        await self._first(self._outbox.wait(self.name), self._wake.wait())
        self._wake.clear()
        target = self._lookup(self.name)
        if self._stopping:
            return
        if target is None or target.paused is not None:
            self._set("paused" if target else "disabled", target.paused or "" if target else "no such destination")
            await self._wake.wait()
            return
        limits = target.destination.limits
        full = min(self._size or limits.events, limits.events)
        probing = self._state == "paused"
        batch = await self._outbox.claim(
            self.name, max_items=1 if probing else full, max_bytes=limits.bytes, newest=probing
        )
        if batch is None:
            return
        stop = await self._send_batch(batch, target, probing)
        if stop is not None:
            await self._hold(stop)
        elif len(batch.rows) < full and not self._stopping:
            await self._pause_for(LINGER)

    async def _hold(self, stop: Stop) -> None:
        if stop.state == "paused":
            self._set("paused", stop.reason)
            log.error("destination %s is paused: %s; everything is kept", self.name, stop.reason)
            await self._pause_for(PROBE)
            return
        now = self._clock()
        if self._failures == 0:
            self._failing_since = now
        self._failures += 1
        delay = backoff(self._failures, (now - self._failing_since) / 1000, self._chance, stop.asked)
        self._set("retrying", stop.reason)
        log.warning("destination %s: %s; again in %.1f s", self.name, stop.reason, delay)
        await self._pause_for(delay)

    async def _pause_for(self, seconds: float) -> None:
        await self._first(self._sleep(seconds), self._wake.wait())

    @staticmethod
    async def _first(*waits: Any) -> None:
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _set(self, state: State, reason: str = "") -> None:
        self._state, self._reason = state, reason

    # ── a batch
    # ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send_batch(self, batch: Batch, target: Target, probing: bool) -> Stop | None:
        settling = Settling()
        stop: Stop | None = None
        under_way: list[Row] = []
        try:
            rows = self._permitted(batch.rows, target, settling)
            await self._send_rows(rows, target, settling, under_way)
        except Stop as stopped:
            stop = stopped
        except asyncio.CancelledError:
            # The body may have been sent already.
            settling.unknown.extend(row.id for row in under_way)
            await self._outbox.settle(batch, settling.settlement())
            raise
        if not settling.delivered and settling.refused:
            stop = self._systematic(settling, probing) or stop
        if settling.delivered and stop is None:
            self._recovered(target, clean=not settling.refused)
        await self._outbox.settle(batch, settling.settlement())
        self._log(batch, settling)
        return stop

    def _recovered(self, target: Target, *, clean: bool) -> None:
        if self._state != "ok":
            log.info("destination %s is well again", self.name)
        self._set("ok")
        self._failures = 0
        limit = target.destination.limits.events
        if not clean:
            self._size = max(1, (self._size or limit) // 2)
        elif self._size is not None:
            self._size = None if self._size * 2 >= limit else self._size * 2

    @staticmethod
    def _systematic(settling: Settling, probing: bool) -> Stop | None:
        """Everything was refused alike: nothing is buried, somebody must look."""
        for code, refused in settling.refused.items():
            if len(refused) >= SYSTEMATIC or probing:
                settling.refused.pop(code)
                return Stop("paused", f"systematic: {code} for all {len(refused)} events tried")
        return None

    def _permitted(self, rows: Sequence[Row], target: Target, settling: Settling) -> list[Row]:
        """The rows that may be sent; the others are buried with their reason."""
        now = self._clock()
        kept = []
        for row in rows:
            end = deadline(row.delivery.expires, row.unknown_since, target.destination.limits.repeat)
            if end is not None and now >= end:
                settling.buried.append(Buried(row.id, "expired", "too old for this destination"))
            elif row.crashes >= CRASHES:
                detail = f"the server ended {row.crashes} times while it was sent"
                settling.buried.append(Buried(row.id, "crashed", detail))
            elif (refusal := self._permits(row)) is not None:
                settling.buried.append(Buried(row.id, *refusal))
            else:
                kept.append(row)
        return kept

    async def _send_rows(self, rows: Sequence[Row], target: Target, settling: Settling, under_way: list[Row]) -> None:
        """Send rows, halving what is refused. Raises Stop when the rest has to wait."""
        pieces = [list(rows)] if rows else []
        witness = False
        while pieces:
            piece = pieces.pop(0)
            outcomes = await self._attempt(piece, target, settling, under_way)
            split = [row for row, outcome in zip(piece, outcomes, strict=True) if outcome.kind == "split"]
            for row, outcome in zip(piece, outcomes, strict=True):
                self._note(row, outcome, settling)
            if split:
                bad = {index for outcome in outcomes for index in outcome.bad if index < len(piece)}
                pieces = self._halves(split, [row for index, row in enumerate(piece) if index in bad]) + pieces
            worst = next((one for one in outcomes if one.kind in ("paused", "throttled", "retry")), None)
            if worst is not None:
                raise Stop("paused" if worst.kind == "paused" else "retrying", worst.reason, worst.after)
            if not settling.delivered and any(len(refused) >= SYSTEMATIC for refused in settling.refused.values()):
                if witness or not pieces:
                    return
                # Before the set-up is blamed, one row from the far end is heard: the bad ones may stand together.
                witness = True
                row = pieces[-1].pop()
                pieces = [[row], *(piece for piece in pieces if piece)]

    def _halves(self, rows: list[Row], bad: list[Row]) -> list[list[Row]]:
        """What to send in place of a refused piece: those the vendor blames alone, or two halves."""
        now = self._clock()
        self._splits = [at for at in self._splits if now - at < 60_000]
        if len(self._splits) >= SPLITS_A_MINUTE:
            raise Stop("retrying", "too many refused batches", 60.0)
        self._splits.append(now)
        if bad and len(bad) < len(rows):
            blamed = {row.id for row in bad}
            return [[row] for row in bad] + [[row for row in rows if row.id not in blamed]]
        middle = len(rows) // 2
        return [rows[:middle], rows[middle:]]

    @staticmethod
    def _note(row: Row, outcome: Outcome, settling: Settling) -> None:
        match outcome.kind:
            case "delivered":
                settling.delivered.append(row.id)
            case "rejected":
                refused = settling.refused.setdefault(outcome.reason, [])
                ours = outcome.reason == PLUGIN_ERROR
                detail = outcome.detail if ours else f"{outcome.reason} {outcome.detail}".strip()
                refused.append(Buried(row.id, PLUGIN_ERROR if ours else "rejected", detail))
            case "retry":
                settling.attempted.append(row.id)

    async def _attempt(
        self, rows: list[Row], target: Target, settling: Settling, under_way: list[Row]
    ) -> Sequence[Outcome]:
        """One exchange: an outcome for each row. Raises Stop when the way is blocked."""
        payloads = [
            Payload(row.delivery.event_id, row.delivery.name, row.delivery.time, row.delivery.body) for row in rows
        ]
        under_way[:] = rows
        try:
            outcomes, response = await exchange(self._http, target, payloads, self._cache)
            each = _one_each(outcomes, len(rows))
        except NotSent as error:
            settling.attempted.extend(row.id for row in rows)
            raise Stop("retrying", str(error)) from None
        except MaybeSent as error:
            settling.unknown.extend(row.id for row in rows)
            raise Stop("retrying", str(error)) from None
        except NotAllowed as error:
            raise Stop("paused", f"the request may not leave: {error}") from None
        except Exception as error:  # a bad plugin hurts only itself
            return self._plugin_failed(rows, error, settling)
        finally:
            under_way.clear()
        first = each[0]
        if first.warning:
            log.warning("destination %s: %s", self.name, first.warning)
        if response is not None and response.status >= 500 and first.kind == "retry":
            settling.unknown.extend(row.id for row in rows)
            raise Stop("retrying", first.reason, self._asked(first, response))
        if len(rows) == 1 and first.kind == "split":
            each = [Outcome.rejected(first.reason, first.detail)]
        if first.kind in ("retry", "throttled") and first.after is None:
            asked = self._asked(first, response)
            each = [Outcome(one.kind, one.reason, one.detail, asked, one.bad, one.warning) for one in each]
        return each

    def _asked(self, outcome: Outcome, response: Response | None) -> float | None:
        if outcome.after is not None or response is None:
            return outcome.after
        return retry_after(response.headers.get("retry-after"), self._clock())

    def _plugin_failed(self, rows: list[Row], error: Exception, settling: Settling) -> Sequence[Outcome]:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        detail = f"{type(error).__name__}{place}"  # its text may hold the event's data
        log.error("destination %s: the plugin failed with %s", self.name, detail)
        if len(rows) > 1:
            return [Outcome.split(PLUGIN_ERROR, detail)] * len(rows)
        return [Outcome.rejected(PLUGIN_ERROR, detail)]

    def _log(self, batch: Batch, settling: Settling) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "destination %s: %d delivered, %d buried of %d",
                *(self.name, len(settling.delivered), len(settling.settlement().buried), len(batch.rows)),
            )
        for one in settling.settlement().buried:
            event_id = next(row.delivery.event_id for row in batch.rows if row.id == one.id)
            log.warning("event %s for %s is a dead letter: %s %s", event_id, self.name, one.reason, one.detail)


def _one_each(outcomes: Any, count: int) -> list[Outcome]:
    """One outcome per payload. Raises TypeError for anything else, which is the plugin's fault."""
    if isinstance(outcomes, Outcome):
        return [outcomes] * count
    each = list(outcomes)
    if len(each) != count or not all(isinstance(one, Outcome) for one in each):
        raise TypeError("classify gave neither one outcome nor one for each payload")
    return each
