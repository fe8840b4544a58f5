"""One claimed batch is sent: what may not be sent any more becomes dead letters, halves of what was refused are sent
again, and what became of each row is noted until it can be settled."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any

import httpx
import msgspec

from tagserver.delivery.attempts import Attempts
from tagserver.delivery.exchange import MaybeSent, NotAllowed, NotSent, Undecided, exchange
from tagserver.delivery.outcomes import PLUGIN_ERROR, Stop, stop_for, warnings
from tagserver.delivery.send_policy import Refusal
from tagserver.delivery.target import Target
from tagserver.delivery.throttle import Splits
from tagserver.delivery.vendor_tests import MARK, for_test
from tagserver.delivery.vendor_words import personal_paths, without_persons, words_of
from tagserver.plugin.attempt import attempt_of
from tagserver.plugin.destination import Outcome, Payload, Response
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.queue.crash_suspects import DEAD_AFTER
from tagserver.queue.encryption import MAGIC, NO_ENCRYPTION, Encryption, Undecryptable, is_encrypted
from tagserver.queue.retry import deadline, retry_after
from tagserver.queue.values import Batch, DeadLettered, Row, Settlement
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

SendPolicy = Callable[[Sequence[Row]], Mapping[int, Refusal]]
"""Says which of some rows may not be sent, by id, and why: see `send_policy.refusals`."""

SYSTEMATIC = 4
"""So many refusals with one code and no success in one batch are no bad events but a bad set-up."""
_WAITING = frozenset({"retry", "throttled", "paused"})
"""Outcomes of which the vendor's words say why."""


class BatchSender:
    """Sends the rows of one batch, and knows what became of them so far."""

    def __init__(
        self,
        batch: Batch,
        target: Target,
        http: httpx.AsyncClient,
        cache: MutableMapping[str, Any],
        *,
        working: AbstractContextManager[None],
        time: Time,
        splits: Splits,
        refusals: Mapping[str, int],
        proven: bool,
        turn: Callable[[], Awaitable[None]],
        held: Callable[[], bool] = lambda: False,
        encryption: Encryption = NO_ENCRYPTION,
    ) -> None:
        """`encryption` decrypts what was encrypted. `working`: see `Queue.working`. `refusals`: how often the vendor
        has refused with a code since it last took something. `proven`: it has just taken a probe, so what it refuses
        now are bad events. `turn` is waited for before each request.
        `held`: whether somebody has stopped the destination meanwhile; then what is left is released as it is."""
        self.batch = batch
        self._target = target
        self._http = http
        self._cache = cache
        self._working = working
        self._time = time
        self._splits = splits
        self._refusals = refusals
        self._proven = proven
        self._turn = turn
        self._held = held
        self._encryption = encryption
        self.attempts = Attempts(time)
        self.delivered: list[int] = []
        self._attempted: list[int] = []
        self._unknown: list[int] = []
        self._dead: list[DeadLettered] = []
        self._refused: dict[str, list[DeadLettered]] = {}
        self._kept: dict[str, int] = {}
        self._under_way: list[Row] = []
        self._answer: tuple[Response, list[Row]] | None = None
        self.tried = False

    @property
    def refused(self) -> Mapping[str, int]:
        """How much of it the vendor refused, by code."""
        if not self._refused:
            return self._kept
        return {code: len(refused) for code, refused in self._refused.items()} | self._kept

    @property
    def dead(self) -> list[DeadLettered]:
        """What goes to the dead letters."""
        return [*self._dead, *chain.from_iterable(self._refused.values())]

    @property
    def answer(self) -> Response | None:
        """The vendor's last one."""
        return None if self._answer is None else self._answer[0]

    @property
    def repeats(self) -> bool:
        """Whether it holds what the vendor may have from an earlier attempt."""
        return any(row.unknown_since is not None for row in self.batch.rows)

    @property
    def failed(self) -> list[str]:
        """For each payload that the plugin itself fails for, how."""
        return [one.detail for one in self._refused.get(PLUGIN_ERROR, ())]

    def settlement(self) -> Settlement:
        """For the outbox. Rows that are in none of its lists are released untouched."""
        return Settlement(delivered=self.delivered, attempted=self._attempted, unknown=self._unknown, dead=self.dead)

    async def send(self, policy: SendPolicy) -> Stop | None:
        """Send what may be sent; why the destination has to stop, or None. Cancelled, it notes what may have left."""
        stop: Stop | None = None
        try:
            await self._send_rows(self._opened(self.batch.rows), policy)
        except Stop as stopped:
            stop = stopped
        except BaseException:
            # Cut, or a fault of ours: the body may have been sent already.
            self._unknown.extend(row.id for row in self._under_way)
            self.attempts.cut()
            raise
        if (code := self._systematic()) is not None:
            # Nothing becomes a dead letter: somebody must look.
            number = self._count(code)
            refused = self._refused.pop(code)
            self._kept[code] = len(refused)
            last = refused[-1].detail.removeprefix(code).strip()
            said = f"systematic: {code} for all {number} events tried" + (f"; {last}" if last else "")
            return self._with_answer(Stop("suspect", said, code=code))
        return stop and self._with_answer(stop)

    def _with_answer(self, stop: Stop) -> Stop:
        """With what the vendor's last answer says of it: who is called at night looks there first."""
        if self._answer is not None:
            response, rows = self._answer
            stop.status = response.status
            stop.said = self._cleaned(words_of(response), rows)
        return stop

    def _systematic(self) -> str | None:
        """The code with which so much is refused, and nothing taken, that the events cannot be what is wrong."""
        if self.delivered or self._proven:
            return None
        return next((code for code in self._refused if self._count(code) >= SYSTEMATIC), None)

    def _count(self, code: str) -> int:
        return len(self._refused[code]) + self._refusals.get(code, 0)

    def _opened(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with their payloads in the clear; those that cannot be opened are dead-lettered, as they are."""
        if not [row for row in rows if row.body.startswith(MAGIC) and is_encrypted(row.body)]:
            return list(rows)
        opened = []
        for row in rows:
            try:
                opened.append(msgspec.structs.replace(row, body=self._encryption.decrypt(row)))
            except Undecryptable as error:
                self._dead.append(DeadLettered(row.id, "locked", str(error)))
        return opened

    def _permitted(self, rows: Sequence[Row], policy: SendPolicy) -> list[Row]:
        """Those of the rows that may be sent; the others are dead-lettered with their reason."""
        now, repeat = self._time.now(), self._target.destination.limits.repeat
        fit = []
        for row in rows:
            end = row.expires if row.unknown_since is None else deadline(row.expires, row.unknown_since, repeat)
            if end is not None and now >= end and self._time.trusted():
                self._dead.append(DeadLettered(row.id, "expired", "too old for this destination"))
            elif row.crashes >= DEAD_AFTER:
                detail = f"the server ended {row.crashes} times while the plugin had it in hand"
                self._dead.append(DeadLettered(row.id, "crashed", detail))
            else:
                fit.append(row)
        refused = policy(fit)
        if not refused:
            return fit
        self._dead.extend(DeadLettered(one, *why) for one, why in refused.items())
        return [row for row in fit if row.id not in refused]

    async def _send_rows(self, rows: list[Row], policy: SendPolicy) -> None:
        """Send rows, halving what is refused. Before each attempt it is asked again what may be sent. Raises Stop when
        the rest has to wait."""
        pieces = [rows]
        witness = False
        while pieces:
            await self._turn()  # before it is asked: what is withdrawn while a piece waits for its turn stays here
            if self._held():
                return
            piece = self._permitted(pieces.pop(0), policy)
            if not piece:
                continue
            outcomes, stop = await self._attempt(piece)
            if not outcomes:
                continue
            split = [row for row, outcome in zip(piece, outcomes, strict=True) if outcome.kind == "split"]
            if split:
                bad = {piece[index].id for outcome in outcomes for index in outcome.bad if 0 <= index < len(piece)}
                pieces = self._halves(split, [row for row in split if row.id in bad]) + pieces
            if stop is not None:
                raise stop
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

    def _note(self, row: Row, outcome: Outcome, *, maybe: bool) -> None:
        """What became of a row. `maybe`: an answer that asks for a repeat does not say that the vendor has nothing."""
        match outcome.kind:
            case "delivered":
                self.delivered.append(row.id)
            case "rejected":
                refused = self._refused.setdefault(outcome.reason, [])
                ours = outcome.reason == PLUGIN_ERROR
                detail = outcome.detail if ours else f"{outcome.reason} {outcome.detail}".strip()
                code = "" if ours else outcome.reason
                refused.append(DeadLettered(row.id, PLUGIN_ERROR if ours else "rejected", detail, code))
            case "retry" if maybe:
                self._unknown.append(row.id)
            case "retry":
                self._attempted.append(row.id)

    async def _attempt(self, rows: list[Row]) -> tuple[Sequence[Outcome], Stop | None]:
        """One exchange: an outcome for each row, which is noted, and why the rest has to wait, if it has to. No
        outcomes where all were delivered. Raises Stop when the way is blocked."""
        payloads = [Payload(row.event_id, row.name, row.time, row.body, row.group) for row in rows]
        target = self._target
        self._under_way = rows
        self._answer = None
        self.tried = True
        self.attempts.begin(rows)
        try:
            if (group := rows[0].group) is not None and group.startswith(MARK):
                payloads, target = for_test(payloads, group, target)
            with PluginCode(self._target.destination, "request"):
                known = attempt_of(self._target.destination, rows[0].destination, payloads, self._time.now())
            each, response = await exchange(self._http, target, payloads, self._cache, self._working, known, self._turn)
        except NotSent as error:
            self._attempted.extend(row.id for row in rows)
            self.attempts.failed("retry", str(error))
            raise Stop("failed", str(error)) from None
        except MaybeSent as error:
            self._unknown.extend(row.id for row in rows)
            self.attempts.failed("unknown", str(error))
            raise Stop("failed", str(error)) from None
        except NotAllowed as error:
            said = f"the request may not leave: {error}"
            self.attempts.failed("paused", said)
            raise Stop("paused", said) from None
        except Undecided as error:
            # A repeat may count twice: the window for repeats begins, and nothing is sent again of itself.
            self._unknown.extend(row.id for row in rows)
            said = f"{PLUGIN_ERROR}: {error}, after the answer; whether the vendor has the events is not known"
            self.attempts.failed("unknown", said, PLUGIN_ERROR)
            raise Stop("undecided", said) from None
        except PluginFailed as error:  # a bad plugin is isolated
            each, response = self._failed(len(rows), str(error)), None
        except MemoryError:
            self._under_way = []  # nothing has left, and it is no payload's fault: the rows are released
            raise
        self._answer = None if response is None else (response, rows)
        first = each[0]
        whole = first.kind == "delivered" and each.count(first) == len(each)
        if first.warning or not whole:
            for warning in warnings(each):
                log.warning("destination %s: %s", self.batch.rows[0].destination, warning)
        if whole:
            self._under_way = []
            self.delivered.extend([row.id for row in rows])
            self.attempts.delivered(response, first.warning)
            return (), None
        alone = response if len(rows) == 1 else None
        each = [self._with_words(row, one, alone) for row, one in zip(rows, each, strict=True)]
        if len(rows) == 1 and each[0].kind == "split":
            each = [Outcome.rejected(each[0].reason, each[0].detail)]
        self._under_way = []
        waits = response is not None and any(one.kind in _WAITING for one in each)
        self.attempts.answered(each, response, self._cleaned(words_of(response), rows) if waits and response else "")
        for row, one in zip(rows, each, strict=True):
            self._note(row, one, maybe=response is not None and response.status >= 500)
        return each, stop_for(each, self._asked(response))

    def _with_words(self, row: Row, outcome: Outcome, response: Response | None) -> Outcome:
        """A refusal with the vendor's own words behind ours. `response`: the answer, where it is about this row
        alone."""
        if outcome.kind not in ("rejected", "split"):
            return outcome
        words = outcome.said or (words_of(response) if response is not None else "")
        if not words:
            return outcome
        kept = self._cleaned(words, [row])
        if not kept:
            return outcome
        return dataclasses.replace(outcome, detail=f"{outcome.detail} (it says: {kept})".lstrip())

    def _cleaned(self, words: str, rows: Sequence[Row]) -> str:
        """Words of the vendor about rows, without what tells of a person; empty when that cannot be taken out."""
        if not words:
            return ""
        personal = personal_paths(self._target.destination, self._target.settings)
        return "" if personal is None else without_persons(words, (row.body for row in rows), personal)

    def _asked(self, response: Response | None) -> float | None:
        return None if response is None else retry_after(response.headers.get("retry-after"), self._time.now())

    @staticmethod
    def _failed(number: int, detail: str) -> list[Outcome]:
        """Nothing has left: the payload that the plugin fails for is found as the vendor's refusals are."""
        one = Outcome.split(PLUGIN_ERROR, detail) if number > 1 else Outcome.rejected(PLUGIN_ERROR, detail)
        return [one] * number
