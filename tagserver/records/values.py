"""What is kept of an event and of its deliveries, as values. They know no engine, no page and no sentence.

Nothing personal and no secret is in any of them: who makes them has masked what they hold (`records.masking`). Order
number, value and currency are pseudonymous, and are kept on purpose.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tagserver.queue.values import LONGEST_DETAIL

Status = Literal["accepted", "duplicate", "held", "rejected", "refused"]
"""What was answered. `refused`: the whole request, before any event of it was read."""

AttemptOutcome = Literal["delivered", "retry", "throttled", "rejected", "paused", "split", "unknown"]
SENDS = frozenset({"send", "restrict"})
"""The decisions of tags that send."""
DRY = "dry"
"""In the place of a key: the delivery was not made, for the event was only previewed."""
LONGEST_MESSAGE = LONGEST_DETAIL
"""Characters of a vendor's answer that are kept."""


class FailingCondition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The condition that kept a tag, without its values. `number`: from 1 among the trigger's conditions, 0 for the
    event's name; `path`: its left side as written."""

    trigger: str
    number: int
    path: str


class TagDecision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one tag did. `consent`: the gate's verdict. `detail`: a sentence without values of the event. `failing`: for
    those that no trigger fired, and for exceptions. Many events share one.
    """

    tag: str
    destination: str
    consent: str | None
    decision: str
    reason: str
    detail: str = ""
    failing: FailingCondition | None = None


class Problem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was wrong with an event or a request: where, a code, a sentence without values."""

    path: str
    code: str
    message: str


class FullTag(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What level `full` knows of a tag besides. `detail`: with both operands, masked."""

    tag: str
    detail: str
    omitted: tuple[tuple[str, str], ...] = ()


class Full(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What level `full` keeps besides, masked by shape: what the server knew of the request, the event, what was said
    of consent, and the details of all tags."""

    request: dict[str, Any]
    event: dict[str, Any] | None
    consent: dict[str, Any] | None
    tags: tuple[FullTag, ...] = ()


class EventRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event, or one refused request.

    `number` is given by the store, and counts up. `event_id` and `name` are None where nobody could read them.
    `received` in ms since 1970 UTC. `version`: the container that decided. `persons`: keyed hashes of 16 bytes, none
    where consent denies analytics and ads. `repeated`: the tags whose delivery was a duplicate, as (tag, by which key
    it was known), or `DRY`. Of refused requests: `reason`, `origin`, and `count` of equal ones within a minute.
    `session`: the preview session it belongs to, empty for none; `dry`: nothing of it was stored for delivery.
    """

    number: int
    received: int
    event_id: str | None
    name: str | None
    source: str
    client: str
    status: Status
    version: str
    tags: tuple[TagDecision, ...] = ()
    problems: tuple[Problem, ...] = ()
    order: str | None = None
    value: float | None = None
    currency: str | None = None
    persons: tuple[bytes, ...] = ()
    repeated: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    origin: str = ""
    count: int = 1
    session: str = ""
    dry: bool = False
    full: Full | None = None


class Attempted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Deliveries that went to a vendor in one request, or found their end without one.

    `at` (ms) is when it ended, `ms` how long it took; `status` is None without an answer. `rows`: (event_id, tag) of
    each; `outcomes`: for each of them, or one for all. Of what changed its place without a request, `ms` is 0.
    """

    destination: str
    at: int
    ms: int
    status: int | None
    rows: tuple[tuple[str, str], ...]
    outcomes: tuple[RowOutcome, ...]


class RowOutcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of a delivery. `outcome` is empty where nothing was sent. `dead`: the reason of the dead letter that it
    became, else empty. `message`: the vendor's words or ours, masked. `moved`, where nothing was sent: `erased`, for
    `reason` (of `moves.ERASED_FOR`), `dead` being that of the dead letter that it was; or `queue`, where a dead letter
    was put back."""

    outcome: AttemptOutcome | Literal[""]
    reason: str = ""
    message: str = ""
    dead: str = ""
    moved: Literal["", "erased", "queue"] = ""


class OrderEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event with an order's number, at all of its destinations: outlives the record. `at`: when it was received, ms;
    `tags` as in the record."""

    order: str
    event_id: str
    at: int
    status: Status
    value: float | None
    currency: str | None
    source: str
    tags: tuple[TagDecision, ...]
    persons: tuple[bytes, ...] = ()


class OrderFate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a delivery of an event with an order ended: `delivered`, `dead` with the dead letter's reason, or `erased`
    with why; `pending` where a dead letter was put back. `at` in ms. The order is found by way of its
    `OrderEvent`."""

    event_id: str
    destination: str
    tag: str
    fate: Literal["delivered", "dead", "erased", "pending"]
    reason: str
    at: int


class TriggerText(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A trigger as people read it: its names of events (empty: every one), its conditions as (left side, rest)."""

    name: str
    events: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]


class TagText(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tag as people read it, where it is written, and its triggers and exceptions."""

    name: str
    destination: str
    file: str
    line: int
    triggers: tuple[TriggerText, ...]
    exceptions: tuple[TriggerText, ...] = ()


class ContainerText(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a container means, in words: enough to make sentences for decisions under it when its files are gone."""

    version: str
    tags: tuple[TagText, ...]


class Share(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A snapshot of records for somebody without a login: `content` is the JSON of RECORDs, masked. Times in ms."""

    id: str
    made: int
    expires: int
    by: str
    event_id: str
    content: bytes
