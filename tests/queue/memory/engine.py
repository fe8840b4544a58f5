"""Queue and maintenance of the engine in memory."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from tagserver.queue.copy_marks import unvouched
from tagserver.queue.crash_suspects import company
from tagserver.queue.dead_letters import (
    CAUSE_CODE,
    OTHER,
    Cause,
    DeadLetterCounts,
    code_in,
)
from tagserver.queue.errors import Full, Trouble, Unavailable
from tagserver.queue.moves import ANOTHER_COPY, TOO_OLD, UNTRUSTED_COPY, Hear, Move
from tagserver.queue.pauses import DETAIL, FULL, Pause, Pauses, Quotas
from tagserver.queue.values import (
    BY_AGE_EVERY,
    DEDUP_TTL,
    LONGEST_DETAIL,
    LOOK_AHEAD,
    ROW_BYTES,
    URGENT_FROM,
    Batch,
    Counts,
    DeadLettered,
    Delivery,
    HeldCopy,
    Receipt,
    Room,
    Row,
    Settlement,
)
from tagserver.system.time import Time
from tests.queue.memory.dead_letters import MemoryDeadLetters
from tests.queue.memory.rows import Side, Stone, Stored
from tests.queue.memory.suppressions import MemorySuppressions, trace_of


class KeptPauses:
    """A `PauseStore` that only says no when the engine is closed."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def stored(self) -> Iterable[Pause]:
        """None."""
        return ()

    async def replace(self, gone: Collection[str], pause: Pause) -> None:
        """`Pauses` remembers it."""
        self._check()

    async def remove(self, gone: Collection[str]) -> None:
        """`Pauses` forgets them."""
        self._check()

    async def move_ends(self, ends: Mapping[str, int | None]) -> None:
        """`Pauses` has moved them."""
        self._check()


class MemoryOutbox(MemoryDeadLetters, MemorySuppressions):
    """An `Outbox`. Sizes in bytes, `share` as the quota of a paused destination."""

    def __init__(
        self,
        time: Time,
        *,
        max_size: int = 8 << 30,
        share: int | None = None,
    ) -> None:
        self._time = time
        self._max_size = max_size
        self._share = share
        self._sides: defaultdict[str, Side] = defaultdict(Side)
        self._known: dict[bytes, tuple[int, bytes]] = {}
        self._in_flight: dict[int, list[Stored]] = {}
        self._stones: dict[bytes, list[Stone]] = {}
        self._causes: dict[Cause, None] = {}
        self._held: list[Stored] = []
        self._last_id = self._last_claim = self._last_held = 0
        self._came: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._closed = False
        self._dead_lettered = DeadLetterCounts()
        self._hear: Hear | None = None
        self.pauses = Pauses(KeptPauses(self._check), time)
        self.quotas = self._quotas()

    def _quotas(self) -> Quotas:
        return Quotas(self, self.pauses.spans, self._max_size, lambda: self.room().used, self._share)

    def as_after_a_restart(self, in_hand: Collection[int]) -> None:
        """What an engine that keeps everything would have after a restart, in which plugins had the batches `in_hand`.
        For comparing this one with one that does."""
        for claim, rows in self._in_flight.items():
            for one in rows:
                one.crashes += claim in in_hand
        self._in_flight.clear()
        self._dead_lettered = DeadLetterCounts()
        self.quotas = self._quotas()

    def purge(self, keep_dead: float) -> None:
        """Remove what is past its time: dead letters after `keep_dead` seconds, tombstones, and keys."""
        now = self._time.now()
        self._known = {key: known for key, known in self._known.items() if known[0] > now}
        for side in self._sides.values():
            kept = [one for one in side.dead if one.died > now - int(keep_dead * 1000)]
            side.erased += len(side.dead) - len(kept)
            self._tell([one.moved("erased", TOO_OLD) for one in side.dead if one not in kept])
            side.dead = kept
        stones = {who: [one for one in of if one.expires > now] for who, of in self._stones.items()}
        self._stones = {who: of for who, of in stones.items() if of}

    def _check(self) -> None:
        if self._closed:
            raise Unavailable("the server is closing")

    # ── what the quotas ask

    def of(self, destination: str) -> int:
        """See `PendingBytes.of`."""
        return sum(one.size for one in self._sides[destination].pending) if destination in self._sides else 0

    now = of

    # ── Queue

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """See `Queue.append`."""
        self._check()
        size = sum(len(one.body) + ROW_BYTES for one in deliveries)
        if self.room().used + size > self._max_size:
            raise Full("the queue is full")
        self.quotas.held()  # asked for each group, also of repeats or nothing: then who goes on is over it
        receipts = []
        for one in deliveries:
            receipt = self._receipt(one)
            receipts.append(receipt)
            if receipt.stored:
                self._store(one)
        self._dead_lettered.committed(True)
        for one, receipt in zip(deliveries, receipts, strict=True):
            if receipt.stored:
                self._came[one.destination].set()
        return receipts

    async def remember(self, keys: Mapping[bytes, bytes], ttl: float) -> None:
        """See `Queue.remember`."""
        self._check()
        self._known |= {key: (self._time.now() + int(ttl * 1000), mark) for key, mark in keys.items()}

    async def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """See `Queue.known`."""
        self._check()
        now = self._time.now()
        return {key: self._known[key][1] for key in keys if key in self._known and self._known[key][0] > now}

    # ── HeldCopies

    async def hold(self, deliveries: Sequence[Delivery], due: int) -> Sequence[Receipt]:
        """See `HeldCopies.hold`."""
        self._check()
        if self.room().used + sum(len(one.body) + ROW_BYTES for one in deliveries) > self._max_size:
            raise Full("the queue is full")
        receipts = []
        for one in deliveries:
            receipt = self._receipt(one)
            if receipt.stored and any(held.delivery.key == one.key for held in self._held):
                receipt = Receipt("event")
            receipts.append(receipt)
            if receipt.stored:
                self._last_held += 1
                self._held.append(Stored(self._last_held, one, due=due))
                self._sides[one.destination].accepted += 1
        return receipts

    async def due(self, at: int, limit: int) -> Sequence[HeldCopy]:
        """See `HeldCopies.due`."""
        self._check()
        over = sorted((one for one in self._held if one.due <= at), key=lambda one: (one.due, one.id))
        return [
            HeldCopy(
                *(one.id, one.delivery.event_id, one.delivery.destination, one.delivery.mode),
                trace_of(one.delivery),
            )
            for one in over[:limit]
        ]

    async def release(self, ids: Sequence[int], dead: Sequence[DeadLettered] = ()) -> None:
        """See `HeldCopies.release`."""
        self._check()
        self.quotas.held()
        letters = {one.id: one for one in dead}
        going = [one for number in ids for one in self._held if one.id == number]
        self._held = [one for one in self._held if one.id not in ids]
        for one in sorted(going, key=lambda held: held.id not in letters):  # those first that become letters
            side = self._sides[one.delivery.destination]
            if (why := letters.get(one.id)) is not None:
                self._last_id += 1
                made = Stored(self._last_id, one.delivery)
                self._dies(side, made, DeadLettered(made.id, why.reason, why.detail))
                self._tell([made.moved("dead", why.reason)])
            elif (receipt := self._receipt(one.delivery)).stored:
                side.accepted -= 1  # it is counted anew
                self._store(one.delivery)
                self._came[one.delivery.destination].set()
            else:
                side.erased += 1
                untrusted = receipt.differs and unvouched(receipt.first, one.delivery.mark)
                self._tell([one.moved("erased", UNTRUSTED_COPY if untrusted else ANOTHER_COPY)])
        self._dead_lettered.committed(True)

    def _receipt(self, one: Delivery) -> Receipt:
        now = self._time.now()
        known = {key: mark for key, (end, mark) in self._known.items() if end > now}
        if one.key in known:
            return Receipt.of("event", known[one.key], one.mark)
        if one.order is not None and one.order[0] in known:
            return Receipt.of("order", known[one.order[0]], one.mark)
        if one.once is not None and one.once[0] in known:
            return Receipt("once")
        return Receipt()

    def _store(self, one: Delivery) -> None:
        side, now = self._sides[one.destination], self._time.now()
        names = self.quotas.held().get(one.destination)
        fate = "waits" if names is None else self.quotas.fate(one.destination, names, len(one.body), 0)
        side.accepted += 1
        if fate == "is not kept":
            side.erased += 1
            self._tell([Stored(0, one).moved("erased", FULL)])
            self._dead_lettered.add(one.destination, FULL, "")
            return
        for key, ttl in filter(None, ((one.key, DEDUP_TTL), one.order, one.once)):
            self._known[key] = now + int(ttl * 1000), one.mark
        self._last_id += 1
        made = Stored(self._last_id, one)
        if fate == "dies":
            self._dies(side, made, DeadLettered(made.id, FULL, DETAIL))
            self._tell([made.moved("dead", FULL)])
        else:
            side.pending.append(made)

    def _dies(self, side: Side, one: Stored, why: DeadLettered) -> None:
        code = why.code or code_in(why.reason, why.detail)
        code = code if not code or CAUSE_CODE.fullmatch(code) else OTHER
        one.cause = Cause(one.delivery.destination, one.delivery.tag, why.reason, code)
        one.detail, one.died = why.detail[:LONGEST_DETAIL], self._time.now()
        self._causes[one.cause] = None
        self._dead_lettered.add(one.delivery.destination, why.reason, why.code)
        side.dead.append(one)

    async def claim(
        self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False, untried: bool = False
    ) -> Batch | None:
        """See `Queue.claim`."""
        self._check()
        side = self._sides.get(destination, Side())
        flying = {one.id for rows in self._in_flight.values() for one in rows}
        free = [one for one in side.pending if one.id not in flying]
        if newest:
            free.reverse()
        elif len(side.pending) > URGENT_FROM:
            side.turns = (side.turns + 1) % BY_AGE_EVERY
            if side.turns and any(one.delivery.urgent for one in free):
                free = [one for one in free if one.delivery.urgent]
        rows = _fill([one for one in free if not (untried and one.attempts)], max_items, max_bytes)
        if not rows:
            return None
        self._last_claim += 1
        self._in_flight[self._last_claim] = rows
        return Batch(self._last_claim, tuple(one.row() for one in rows))

    def working(self, batch: Batch) -> AbstractContextManager[None]:
        """See `Queue.working`: nothing is left of it after the end of the process."""
        return nullcontext()

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """See `Queue.settle`."""
        self._check()
        rows = {one.id: one for one in self._in_flight.pop(batch.id, [])}
        if not rows:
            return
        side = self._sides[batch.rows[0].destination]
        delivered = rows.keys() & set(settlement.delivered)
        dead = {one.id: one for one in settlement.dead if one.id in rows and one.id not in delivered}
        for number, one in rows.items():
            if number in delivered:
                side.delivered += 1
            elif number in dead:
                self._dies(side, one, dead[number])
            elif number in settlement.attempted or number in settlement.unknown:
                one.attempts, one.crashes = one.attempts + 1, 0
                if number in settlement.unknown and one.unknown_since is None:
                    one.unknown_since = self._time.now()
        side.pending = [one for one in side.pending if one.id not in delivered and one.id not in dead]
        self._dead_lettered.committed(True)

    async def wait(self, destination: str) -> None:
        """See `Queue.wait`."""
        self._came[destination].clear()
        flying = sum(one.delivery.destination == destination for rows in self._in_flight.values() for one in rows)
        if self.ready(destination) <= flying:
            await self._came[destination].wait()

    def ready(self, destination: str) -> int:
        """See `Queue.ready`."""
        return len(self._sides[destination].pending) if destination in self._sides else 0

    def counts(self) -> Mapping[str, Counts]:
        """See `Queue.counts`."""
        return {
            name: Counts(
                accepted=side.accepted,
                delivered=side.delivered,
                pending=len(side.pending) + (waiting := sum(one.delivery.destination == name for one in self._held)),
                waiting=waiting,
                dead=len(side.dead),
                erased=side.erased,
                dead_by_reason=dict(sorted(Counter(one.letter().reason for one in side.dead).items())),
            )
            for name, side in self._sides.items()
            if side.accepted
        }

    async def oldest(self, destination: str) -> int | None:
        """See `Queue.oldest`."""
        self._check()
        pending = self._sides[destination].pending if destination in self._sides else []
        return pending[0].delivery.received if pending else None

    async def pending_rows(self, destination: str) -> AsyncIterator[Sequence[Row]]:
        """See `Queue.pending_rows`."""
        self._check()
        if self.ready(destination):
            yield [one.row(bare=True) for one in self._sides[destination].pending]

    def trouble(self) -> Trouble | None:
        """See `Queue.trouble`."""
        return Trouble("closed", "the queue is closed") if self._closed else None

    # ── Maintenance

    def room(self) -> Room:
        """See `Maintenance.room`."""
        stored = (one for side in self._sides.values() for one in (*side.pending, *side.dead))
        return Room(sum(one.size for one in (*stored, *self._held)), self._max_size)

    def hear(self, moved: Hear) -> None:
        """See `Maintenance.hear`."""
        self._hear = moved

    def _tell(self, moves: Sequence[Move]) -> None:
        if moves and self._hear is not None:
            self._hear(moves)

    def notice(self) -> str | None:
        """See `Maintenance.notice`."""
        return None

    async def close(self) -> None:
        """See `Maintenance.close`."""
        self._closed = True


def _fill(free: Sequence[Stored], max_items: int, max_bytes: int) -> list[Stored]:
    """The rows of one claim: of one group, in their order, in no larger company than each of them may be."""
    rows: list[Stored] = []
    size = 0
    for one in free:
        if rows and one.delivery.group != rows[0].delivery.group:
            if abs(one.id - rows[0].id) >= LOOK_AHEAD:
                break
            continue
        max_items = min(max_items, company(one.crashes) or max_items)
        size += len(one.delivery.body) + 1
        if rows and (len(rows) >= max_items or size > max_bytes):
            break
        rows.append(one)
    return rows
