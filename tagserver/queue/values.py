"""What goes into a queue and comes out of it, as values: deliveries, claims, what became of them, counts, and what a
person has withdrawn. They know no engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from tagserver.queue.copy_marks import is_long
from tagserver.queue.dedup import Differs, difference

DEDUP_TTL = 48 * 3600.0
"""Seconds in which a delivery's key is known: Meta's own window for counting equal events once."""

ROW_BYTES = 500
"""Bytes that a delivery needs beside its payload, about."""
URGENT_FROM = 1000
"""Pending deliveries of a destination, beyond which urgent ones are claimed first."""
BY_AGE_EVERY = 10
"""Of so many claims one goes by age alone all the same, so that nothing is starved."""
LOOK_AHEAD = 10_000
"""Ids that a claim looks through for more of one group."""
LONGEST_DETAIL = 500
"""Characters of a dead letter's detail that are kept."""
DeadReason = str
"""Why a delivery became a dead letter: one of `dead_letters.REASONS`."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event for one tag, built. No secret is in it, and of the person only what this vendor needs.

    `key`: 16 bytes, equal for deliveries that must be sent once (tag, vendor event name, event_id). `body`: the
    vendor's JSON. `time`, `expires`, `received` in ms since 1970 UTC. `purposes`: the consent purposes that were
    granted. `person`: keyed hashes, 16 bytes each, for erasure and withdrawal. `identity`: fingerprint of the
    destination's identity settings. `order`, `once`: further keys, that of the order of a purchase and that of
    once-per, each with the seconds in which another delivery of that key is none. Where the first is `key` again, that
    is known for so long. `mark`: what it says of order and value, eight bytes that tell neither (`OrderKeys.mark`),
    with what a copy of an order had (`copy_marks`) perhaps.
    `urgent`: goes first when many wait.
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
    that was stored says otherwise; `first`: its mark, where that says what it had (`copy_marks`)."""

    duplicate: Literal["", "event", "order", "once"] = ""
    differs: Differs = ""
    first: bytes = b""

    @classmethod
    def of(cls, duplicate: Literal["event", "order"], first: bytes, mark: bytes) -> Receipt:
        """Of a repeat: by which key it was known, with the mark of the first one, and its own."""
        return cls(duplicate, difference(first, mark), first if is_long(first) else b"")

    @property
    def stored(self) -> bool:
        """Whether it was new."""
        return not self.duplicate


class Row(msgspec.Struct, frozen=True, gc=False):
    """A delivery that is pending, as far as it is needed to send it: see `Delivery`, whose keys, mark and urgency are
    for storing it, and whose container and mode are for the record.

    `id` names it in this engine. `attempts` counts requests that reached the vendor or its network; `unknown_since`
    (ms) is the first attempt whose outcome nobody knows; `crashes` counts ends of the process while a plugin had it in
    hand, since it last came through.
    """

    id: int
    event_id: str
    name: str
    tag: str
    destination: str
    purposes: frozenset[str]
    person: tuple[bytes, ...]
    group: str | None
    time: int
    received: int
    expires: int | None
    identity: str
    body: bytes
    attempts: int = 0
    unknown_since: int | None = None
    crashes: int = 0


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Rows claimed for one request. The claim is durable, and `id` names it: at the next start it is known which rows
    were in flight."""

    id: int
    rows: tuple[Row, ...]


class DeadLettered(msgspec.Struct, frozen=True, gc=False):
    """A row that becomes a dead letter. `detail`: the vendor's code and a short, redacted excerpt; never a
    payload. `code`: the vendor's code alone, empty where no vendor has refused it."""

    id: int
    reason: DeadReason
    detail: str = ""
    code: str = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch; every row of it appears once, rows not named are released untouched.

    `delivered`: gone. `attempted`: back to ready, one attempt more. `unknown`: the same, and the vendor may have it
    already. `dead`: to the dead letters.
    """

    delivered: Sequence[int] = ()
    attempted: Sequence[int] = ()
    unknown: Sequence[int] = ()
    dead: Sequence[DeadLettered] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one destination over the data folder's life; `accepted == delivered + pending + dead + erased`.
    `waiting`: those of the pending ones that wait for another copy of their order, and are not to be sent yet."""

    accepted: int = 0
    delivered: int = 0
    pending: int = 0
    waiting: int = 0
    dead: int = 0
    erased: int = 0
    dead_by_reason: Mapping[str, int] = {}


EVERYTHING = "*"
"""The purpose of a tombstone of somebody who asked to be forgotten: nothing may be sent, whatever it is for."""


class Tombstone(msgspec.Struct, frozen=True, gc=False):
    """What a person has withdrawn: for `purpose` (a consent purpose, or EVERYTHING) nothing may be sent any more that
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


class HeldCopy(msgspec.Struct, frozen=True, gc=False):
    """A delivery that waits for another copy of its order, as far as it is needed to say whether it may be one. `id`:
    of a count of its own."""

    id: int
    event_id: str
    destination: str
    mode: Literal["send", "restrict"]
    trace: Trace


class Erased(msgspec.Struct, frozen=True, gc=False):
    """What a piece of a walk through the queue has erased, by destination. `in_flight`: rows it had to leave, because
    they were on their way to the vendor. `after`: where the next piece begins, None when it was the last."""

    queue: Mapping[str, int] = {}
    dead: Mapping[str, int] = {}
    in_flight: Mapping[str, int] = {}
    after: tuple[int, int] | None = None

    def plus(self, further: Erased) -> Erased:
        """Both, as a whole walk that has ended."""
        return Erased(
            Counter(self.queue) + Counter(further.queue),
            Counter(self.dead) + Counter(further.dead),
            Counter(self.in_flight) + Counter(further.in_flight),
        )


class Room(msgspec.Struct, frozen=True, gc=False):
    """Bytes that the queue holds, and may hold."""

    used: int
    limit: int
