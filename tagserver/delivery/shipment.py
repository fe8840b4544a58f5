"""One claimed batch on its way: what may not be sent any more is buried, the rest is sent, halves of what was refused
are sent again, and what became of each row is noted until it can be settled."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, get_args

import httpx
import msgspec

from tagserver.delivery.exchange import MaybeSent, NotAllowed, NotSent, exchange
from tagserver.delivery.outbox import Batch, Buried, Row, Settlement
from tagserver.delivery.retry import LATE_CAP, deadline, retry_after
from tagserver.delivery.seal import OPEN, Locked, Seal
from tagserver.delivery.suspicion import BURIED_AFTER
from tagserver.delivery.target import Target
from tagserver.delivery.vendor_words import without_persons, words_of
from tagserver.kit.attempt import attempt_of
from tagserver.kit.destination import Outcome, OutcomeKind, Payload, Response

log = logging.getLogger("tagserver.delivery")

Refusal = tuple[str, str]

SYSTEMATIC = 4
"""So many refusals with one code and no success in one batch are no bad events but a bad set-up."""
SPLITS_A_MINUTE = 60
PLUGIN_ERROR = "plugin_error"


class Stop(Exception):
    """The rest of the batch is not sent now: the destination waits, is throttled, or pauses until somebody acts.
    `suspect`: it refuses everything alike, so the set-up is suspected. `asked`: seconds that the vendor wants to be
    left alone."""

    def __init__(
        self, kind: Literal["failed", "throttled", "paused", "suspect"], reason: str, asked: float | None = None
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.asked = asked


class Splits:
    """Counts how often refused batches were cut, so that a vendor that refuses everything is not stormed."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._times: list[int] = []

    def note(self) -> None:
        """One more. Raises Stop when there were too many within a minute."""
        now = self._clock()
        self._times = [at for at in self._times if 0 <= now - at < 60_000]
        if len(self._times) >= SPLITS_A_MINUTE:
            raise Stop("throttled", "too many refused batches", 60.0)
        self._times.append(now)


class Shipment:
    """The rows of one batch and what became of them so far."""

    def __init__(
        self,
        batch: Batch,
        target: Target,
        http: httpx.AsyncClient,
        cache: MutableMapping[str, Any],
        *,
        working: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], int],
        splits: Splits,
        refusals: Mapping[str, int],
        proven: bool,
        turn: Callable[[], Awaitable[None]],
        expiring: bool = True,
        seal: Seal = OPEN,
    ) -> None:
        """`seal` opens what was encrypted. `working`: see `Outbox.working`. `refusals`: how often the vendor has
        refused with a code since it last took something. `proven`: it has just taken a probe, so what it refuses now
        are bad events. `turn` is waited for before each request."""
        self.batch = batch
        self._target = target
        self._http = http
        self._cache = cache
        self._working = working
        self._clock = clock
        self._splits = splits
        self._refusals = refusals
        self._proven = proven
        self._turn = turn
        self._expiring = expiring
        self._seal = seal
        self.delivered: list[int] = []
        self._attempted: list[int] = []
        self._unknown: list[int] = []
        self._buried: list[Buried] = []
        self._refused: dict[str, list[Buried]] = {}
        self._kept: dict[str, int] = {}
        self._under_way: list[Row] = []
        self.tried = False

    @property
    def refused(self) -> Mapping[str, int]:
        """How much of it the vendor refused, by code."""
        return {code: len(refused) for code, refused in self._refused.items()} | self._kept

    @property
    def buried(self) -> list[Buried]:
        """What goes to the dead letters."""
        return [*self._buried, *(one for refused in self._refused.values() for one in refused)]

    def settlement(self) -> Settlement:
        """For the outbox. Rows that are in none of its lists are released untouched."""
        return Settlement(
            delivered=self.delivered, attempted=self._attempted, unknown=self._unknown, buried=self.buried
        )

    async def send(self, permits: Callable[[Row], Refusal | None]) -> Stop | None:
        """Send what may be sent; why the destination has to stop, or None. Cancelled, it notes what may have left."""
        stop: Stop | None = None
        try:
            await self._send_rows(self._opened(self.batch.rows), permits)
        except Stop as stopped:
            stop = stopped
        except asyncio.CancelledError:
            # The body may have been sent already.
            self._unknown.extend(row.id for row in self._under_way)
            raise
        if (code := self._systematic()) is not None:
            # Nothing is buried: somebody must look.
            number = self._count(code)
            refused = self._refused.pop(code)
            self._kept[code] = len(refused)
            last = refused[-1].detail.removeprefix(code).strip()
            return Stop("suspect", f"systematic: {code} for all {number} events tried" + (f"; {last}" if last else ""))
        return stop

    def _systematic(self) -> str | None:
        """The code with which so much is refused, and nothing taken, that the events cannot be what is wrong."""
        if self.delivered or self._proven:
            return None
        return next((code for code in self._refused if self._count(code) >= SYSTEMATIC), None)

    def _count(self, code: str) -> int:
        return len(self._refused[code]) + self._refusals.get(code, 0)

    def _opened(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with their payloads in the clear; those that cannot be opened are buried, as they are."""
        opened = []
        for row in rows:
            try:
                body = self._seal.open(row.delivery)
            except Locked as locked:
                self._buried.append(Buried(row.id, "locked", str(locked)))
                continue
            if body is not row.delivery.body:
                row = msgspec.structs.replace(row, delivery=msgspec.structs.replace(row.delivery, body=body))
            opened.append(row)
        if len(opened) < len(rows):
            log.error(
                "destination %s: %d deliveries cannot be decrypted, and are dead letters with the reason locked",
                rows[0].delivery.destination,
                len(rows) - len(opened),
            )
        return opened

    def _permitted(self, rows: list[Row], permits: Callable[[Row], Refusal | None]) -> list[Row]:
        """Those of the rows that may be sent; the others are buried with their reason."""
        now = self._clock()
        kept = []
        for row in rows:
            end = deadline(row.delivery.expires, row.unknown_since, self._target.destination.limits.repeat)
            if end is not None and now >= end and self._expiring:
                self._buried.append(Buried(row.id, "expired", "too old for this destination"))
            elif row.crashes >= BURIED_AFTER:
                detail = f"the server ended {row.crashes} times while the plugin had it in hand"
                self._buried.append(Buried(row.id, "crashed", detail))
            elif (refusal := permits(row)) is not None:
                self._buried.append(Buried(row.id, *refusal))
            else:
                kept.append(row)
        return kept

    async def _send_rows(self, rows: list[Row], permits: Callable[[Row], Refusal | None]) -> None:
        """Send rows, halving what is refused. Before each attempt it is asked again what may be sent. Raises Stop when
        the rest has to wait."""
        pieces = [rows]
        witness = False
        while pieces:
            piece = self._permitted(pieces.pop(0), permits)
            if not piece:
                continue
            outcomes = await self._attempt(piece)
            split = [row for row, outcome in zip(piece, outcomes, strict=True) if outcome.kind == "split"]
            for row, outcome in zip(piece, outcomes, strict=True):
                self._note(row, outcome)
            if split:
                bad = {piece[index].id for outcome in outcomes for index in outcome.bad if 0 <= index < len(piece)}
                pieces = self._halves(split, [row for row in split if row.id in bad]) + pieces
            worst = next((one for one in outcomes if one.kind in ("paused", "throttled", "retry")), None)
            if worst is not None:
                kind = "failed" if worst.kind == "retry" else worst.kind
                assert kind in ("failed", "throttled", "paused")
                raise Stop(kind, worst.reason, worst.after)
            if self._systematic() is not None:
                if witness or not pieces:
                    return
                # Before the set-up is blamed, one row from the far end is heard: the bad ones may stand together.
                witness = True
                row = pieces[-1].pop()
                pieces = [[row], *(piece for piece in pieces if piece)]

    def _halves(self, rows: list[Row], bad: list[Row]) -> list[list[Row]]:
        """What to send in place of a refused piece: those the vendor blames alone, or two halves."""
        self._splits.note()
        if len(rows) == 1:
            return [rows]
        if bad and len(bad) < len(rows):
            blamed = {row.id for row in bad}
            return [[row] for row in bad] + [[row for row in rows if row.id not in blamed]]
        middle = len(rows) // 2
        return [rows[:middle], rows[middle:]]

    def _note(self, row: Row, outcome: Outcome) -> None:
        match outcome.kind:
            case "delivered":
                self.delivered.append(row.id)
            case "rejected":
                refused = self._refused.setdefault(outcome.reason, [])
                ours = outcome.reason == PLUGIN_ERROR
                detail = outcome.detail if ours else f"{outcome.reason} {outcome.detail}".strip()
                refused.append(Buried(row.id, PLUGIN_ERROR if ours else "rejected", detail))
            case "retry":
                self._attempted.append(row.id)

    async def _attempt(self, rows: list[Row]) -> Sequence[Outcome]:
        """One exchange: an outcome for each row. Raises Stop when the way is blocked."""
        stored = [row.delivery for row in rows]
        payloads = [Payload(one.event_id, one.name, one.time, one.body, one.group) for one in stored]
        self._under_way = rows
        self.tried = True
        try:
            known = attempt_of(self._target.destination, stored[0].destination, payloads, self._clock())
            outcomes, response = await exchange(
                self._http, self._target, payloads, self._cache, self._working, known, self._turn
            )
            each = _one_each(outcomes, len(rows))
            if len(rows) == 1 or isinstance(outcomes, Sequence):
                alone = response if len(rows) == 1 else None
                each = [self._with_words(row, one, alone) for row, one in zip(rows, each, strict=True)]
        except NotSent as error:
            self._attempted.extend(row.id for row in rows)
            raise Stop("failed", str(error)) from None
        except MaybeSent as error:
            self._unknown.extend(row.id for row in rows)
            raise Stop("failed", str(error)) from None
        except NotAllowed as error:
            raise Stop("paused", f"the request may not leave: {error}") from None
        except MemoryError:
            raise  # no payload is to blame; the rows are released
        except Exception as error:  # a bad plugin hurts only itself
            return self._plugin_failed(rows, error)
        self._under_way = []
        first = each[0]
        if first.warning:
            log.warning("destination %s: %s", self.batch.rows[0].delivery.destination, first.warning)
        if response is not None and response.status >= 500 and first.kind == "retry":
            self._unknown.extend(row.id for row in rows)
            raise Stop("failed", first.reason, self._asked(first, response))
        if len(rows) == 1 and first.kind == "split":
            each = [Outcome.rejected(first.reason, first.detail)]
        if first.kind in ("retry", "throttled") and first.after is None:
            asked = self._asked(first, response)
            each = [dataclasses.replace(one, after=asked) for one in each]
        return each

    def _with_words(self, row: Row, outcome: Outcome, response: Response | None) -> Outcome:
        """A refusal with the vendor's own words behind ours. `response`: the answer, where it is about this row
        alone."""
        if outcome.kind not in ("rejected", "split"):
            return outcome
        words = outcome.said or (words_of(response) if response is not None else "")
        plugin, settings = self._target.destination, self._target.settings
        kept = without_persons(words, row.delivery.body, (*plugin.hashes(settings), *plugin.in_clear(settings)))
        if not kept:
            return outcome
        return dataclasses.replace(outcome, detail=f"{outcome.detail} (it says: {kept})".lstrip())

    def _asked(self, outcome: Outcome, response: Response | None) -> float | None:
        if outcome.after is not None or response is None:
            return outcome.after
        return retry_after(response.headers.get("retry-after"), self._clock())

    def _plugin_failed(self, rows: list[Row], error: Exception) -> Sequence[Outcome]:
        self._under_way = []
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        detail = f"{type(error).__name__}{place}"  # its text may hold the event's data
        log.error("destination %s: the plugin failed with %s", rows[0].delivery.destination, detail)
        if len(rows) > 1:
            return [Outcome.split(PLUGIN_ERROR, detail)] * len(rows)
        return [Outcome.rejected(PLUGIN_ERROR, detail)]


def _one_each(outcomes: Any, count: int) -> list[Outcome]:
    """One outcome per payload. Raises TypeError for anything else, which is the plugin's fault."""
    if isinstance(outcomes, Outcome):
        return [_sound(outcomes)] * count
    each = [_sound(one) for one in outcomes]
    if len(each) != count:
        raise TypeError("classify gave neither one outcome nor one for each payload")
    return each


def _sound(outcome: Any) -> Outcome:
    """The outcome, fit to be stored and waited for. Raises TypeError for what no author can have meant."""
    if not isinstance(outcome, Outcome) or outcome.kind not in get_args(OutcomeKind):
        raise TypeError("classify gave something that is no outcome")
    texts = (outcome.reason, outcome.detail, outcome.warning, outcome.said)
    if not all(isinstance(text, str) for text in texts) or not all(type(index) is int for index in outcome.bad):
        raise TypeError("an outcome holds something of the wrong type")
    after = outcome.after
    if after is not None and (isinstance(after, bool) or not isinstance(after, int | float) or math.isnan(after)):
        raise TypeError("an outcome's `after` is no number")
    return dataclasses.replace(
        outcome,
        reason=_storable(outcome.reason),
        detail=_storable(outcome.detail),
        warning=_storable(outcome.warning),
        said=_storable(outcome.said),
        after=None if after is None else min(max(0.0, float(after)), LATE_CAP),
    )


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()
