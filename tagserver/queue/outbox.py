"""The outbox: what a durable engine must do, in values and one small interface.

An engine keeps deliveries from the moment an event is answered `accepted` until the vendor has them, and everything
that must move in the same transaction with them: dedup keys, tombstones and counters. `sqlite.py` is the default
engine; another one takes its place by passing the same contract tests (`tests/delivery/test_outbox_contract.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Literal, Protocol

import msgspec

from tagserver.queue.dead import DeadLetters
from tagserver.queue.repeats import Differs
from tagserver.queue.trouble import Trouble

DEDUP_TTL = 48 * 3600.0
"""Seconds in which a delivery's key is known: Meta's own window for counting equal events once."""

DeadReason = str
"""Why a delivery was buried: one of `reasons.REASONS`."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event for one tag, built. No secret is in it, and of the person only what this vendor needs.

    `key`: 16 bytes, equal for deliveries that must be sent once (tag, vendor event name, event_id). `body`: the
    vendor's JSON. `time`, `expires`, `received` in ms since 1970 UTC. `purposes`: the consent purposes that were
    granted. `person`: keyed hashes, 16 bytes each, for erasure and withdrawal. `identity`: fingerprint of the
    destination's identity settings. `order`, `once`: further keys, that of the order of a purchase and that of
    once-per, each with the seconds in which another delivery of that key is none. `mark`: what it says of order and
    value, eight bytes that tell neither (`repeats.mark`). `urgent`: goes first when many wait. Keys, mark and urgency
    are needed at the door alone: of a row that is given out they are not known any more.
    """

    key: bytes
    event_id: str
    name: str
    tag: str
    destination: str
    container: str
    mode: Literal["send", "restrict"]
    purposes: frozenset[str]
    person: tuple[bytes, ...]
    group: str | None
    time: int
    received: int
    expires: int | None
    identity: str
    body: bytes
    order: tuple[bytes, float] | None = None
    once: tuple[bytes, float] | None = None
    mark: bytes = b""
    urgent: bool = False


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What became of a delivery that was handed in: stored, or a duplicate of one that was. `duplicate`: by which key
    it was known, its own (`event`), its order's or that of once-per; empty when it was stored. `differs`: what the one
    that was stored says otherwise."""

    duplicate: Literal["", "event", "order", "once"] = ""
    differs: Differs = ""

    @property
    def stored(self) -> bool:
        """Whether it was new."""
        return not self.duplicate


class Row(msgspec.Struct, frozen=True, gc=False):
    """A delivery as it lies in the outbox. `attempts` counts requests that reached the vendor or its network;
    `unknown_since` (ms) is the first attempt whose outcome nobody knows; `crashes` counts ends of the process while a
    plugin had it in hand, since it last came through."""

    id: int
    delivery: Delivery
    attempts: int = 0
    unknown_since: int | None = None
    crashes: int = 0


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Rows claimed for one request. The claim is durable: at the next start it is known which rows were in flight."""

    flight: int
    rows: tuple[Row, ...]


class Buried(msgspec.Struct, frozen=True, gc=False):
    """A row to be moved to the dead letters. `detail`: the vendor's code and a short, redacted excerpt; never a
    payload. `code`: the vendor's code alone, empty where no vendor has refused it."""

    id: int
    reason: DeadReason
    detail: str = ""
    code: str = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch; every row of it appears once, rows not named are released untouched.

    `delivered`: gone. `attempted`: back to ready, one attempt more. `unknown`: the same, and the vendor may have it
    already. `buried`: to the dead letters.
    """

    delivered: Sequence[int] = ()
    attempted: Sequence[int] = ()
    unknown: Sequence[int] = ()
    buried: Sequence[Buried] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one destination over the data folder's life; `accepted == delivered + pending + dead + erased`."""

    accepted: int = 0
    delivered: int = 0
    pending: int = 0
    dead: int = 0
    erased: int = 0
    dead_by_reason: Mapping[str, int] = {}


EVERYTHING = "*"
"""The purpose of a tombstone of somebody who asked to be forgotten: nothing may be sent, whatever it is for."""


class Tombstone(msgspec.Struct, frozen=True, gc=False):
    """What a person has taken back: for `purpose` (a consent purpose, or EVERYTHING) nothing may be sent any more that
    happened or was received before `until`. `person`: a keyed hash, 16 bytes; `since`: when it was said; both times in
    ms."""

    STANDING: ClassVar[int] = 1 << 62
    """An `until` that only a later grant ends."""

    person: bytes
    purpose: str
    since: int
    until: int = STANDING


class Trace(msgspec.Struct, frozen=True, gc=False):
    """What a row tells about its person, without its payload: see `Delivery`. `at`: when it happened or was received,
    the earlier of the two, in ms."""

    person: tuple[bytes, ...]
    tag: str
    purposes: frozenset[str]
    at: int


class Erased(msgspec.Struct, frozen=True, gc=False):
    """What a piece of a walk through the queue has erased, by destination. `flying`: rows it had to leave, because
    they were on their way to the vendor. `after`: where the next piece begins, None when it was the last."""

    queue: Mapping[str, int]
    dead: Mapping[str, int]
    flying: Mapping[str, int]
    after: tuple[int, int] | None


class Room(msgspec.Struct, frozen=True, gc=False):
    """Bytes that the queue holds, and may hold."""

    used: int
    limit: int


class OutboxError(Exception):
    """Nothing was stored. `retry_after`: seconds after which it is worth trying again."""

    def __init__(self, message: str, retry_after: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Full(OutboxError):
    """No room: the size limit, the free space of the disk, or the queue before the writer is exhausted."""


class Unavailable(OutboxError):
    """The engine cannot promise anything now (closing, or its storage fails)."""


class Outbox(DeadLetters, Protocol):
    """The engine. All times are in ms since 1970 UTC and come from the clock the engine was given."""

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Store all of one request, or none; return once they are on disk. One receipt for each, in their order. Keys
        are remembered of what is stored, and of nothing else: what a duplicate would have brought may come again.

        Raises `Full` or `Unavailable`; then nothing is stored. A cancelled caller may have been stored.
        """
        ...

    async def claim(
        self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False, untried: bool = False
    ) -> Batch | None:
        """Ready deliveries of one destination and one group, oldest first (`newest`: the reverse, for a probe;
        `untried`: only those without an attempt), and urgent ones first in most claims while many wait; None when there
        is none. Rows of an unfinished batch are never
        claimed again in this process."""
        ...

    def working(self, batch: Batch) -> AbstractContextManager[None]:
        """For a `with` around a plugin's work on a batch: should the process end inside, its rows count a crash, and
        are given out in smaller company from then on. No I/O to speak of."""
        ...

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """Record what became of a batch, in one transaction with the counters. Settling twice changes nothing."""
        ...

    async def wait(self, destination: str) -> None:
        """Return when there may be something to claim for `destination`: at once if so, else on the next append."""
        ...

    def ready(self, destination: str) -> int:
        """How many deliveries are pending for a destination, those in flight included. From memory, no I/O."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """The counters of every destination ever seen. From memory, as of the last commit."""
        ...

    async def oldest(self, destination: str) -> int | None:
        """When the oldest pending delivery was received (ms), or None."""
        ...

    async def remember(self, keys: Sequence[bytes], ttl: float) -> None:
        """Keep 16-byte keys for `ttl` seconds (once-per triggers and their kind). Durable."""
        ...

    async def known(self, keys: Sequence[bytes]) -> frozenset[bytes]:
        """Those of the keys that are kept and not past their time."""
        ...

    async def forget_keys(self, keys: Sequence[bytes]) -> int:
        """Remove keys that are kept; how many there were."""
        ...

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """Write tombstones that are kept for `ttl` seconds. Durable before it returns; what lies in the queue is
        erased by `erase`."""
        ...

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """The persons have granted purposes again at `at` (ms): what happens from then on is free, if that is later
        than the withdrawal. Durable before it returns."""
        ...

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """The purposes that one of the persons has taken back for what happened at `at` (ms). From memory, no I/O."""
        ...

    def tombstones(self) -> int:
        """How many keyed hashes have tombstones. From memory."""
        ...

    def may_have(self, persons: Sequence[bytes]) -> bool:
        """False when nothing of these persons can be in the queue or among the dead letters. From memory, no I/O."""
        ...

    async def erase(self, doomed: Callable[[Trace], bool], after: tuple[int, int] = (0, 0)) -> Erased:
        """One piece of a walk through queue and dead letters: rows that are `doomed` are removed and count as erased,
        but for those in flight. `doomed` is called in another thread."""
        ...

    async def scrub(self) -> bool:
        """Leave nothing of what was removed in the files. False when another program holds the file open, so that it
        is not done yet."""
        ...

    def burials(self) -> Mapping[tuple[str, str, str], int]:
        """Dead letters since this process began, by destination, reason and the vendor's code. Never less than before,
        and of few codes. From memory."""
        ...

    def room(self) -> Room:
        """How full it is. From memory."""
        ...

    def notice(self) -> str | None:
        """What operations should know although all works (a damaged file was set aside), or None."""
        ...

    def trouble(self) -> Trouble | None:
        """Why nothing can be promised now (closed, failed, no room), or None. From memory or nearly so."""
        ...

    async def close(self) -> None:
        """Commit what waits, checkpoint, close. Safe to call twice; afterwards everything raises `Unavailable`."""
        ...
