"""What a durable queue promises, in five small protocols: who needs one of them takes that one and no more.

`Queue`: deliveries come in, are claimed, and it is recorded what became of them. `HeldCopies`: what waits for another
copy of its order before it is one of them. `DeadLetters`: those that were given
up, for who looks after them. `Suppressions`: what a person has withdrawn, and erasure. `Maintenance`: room, notices,
and the end. An engine implements all five, because they share its transactions: `Outbox`. The default engine is
`tagserver.queue.sqlite`; another one takes its place by passing the same contract tests (`tests/queue/contract`).

All times are in ms since 1970 UTC, and come from the clock that the engine was given, unless a docstring says
otherwise. Methods that are not `async` answer from memory, as of the last commit, and may be called from any thread.
Every coroutine that reads or writes raises `Unavailable` when the engine is closed or its storage fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from tagserver.queue.dead_letters import (
    Account,
    Bound,
    Cause,
    Choice,
    DeadGroup,
    DeadLetter,
    Dropped,
    Permits,
    Position,
    Retried,
)
from tagserver.queue.errors import Trouble
from tagserver.queue.moves import Hear
from tagserver.queue.values import (
    Batch,
    Counts,
    DeadLettered,
    Delivery,
    Erased,
    HeldCopy,
    Receipt,
    Room,
    Row,
    Settlement,
    Tombstone,
    Trace,
)


class Queue(Protocol):
    """Deliveries from the answer `accepted` until the vendor has them, or they are dead letters."""

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Store all of one request, or none; return once they are durable. One receipt for each, in their order. A
        delivery whose key, order or once-per key is known is a duplicate and is not stored; keys are remembered of what
        is stored, and of nothing else: what a duplicate would have brought may come again.

        Raises `Full` or `Unavailable`; then nothing is stored. A cancelled caller may have been stored.
        """
        ...

    async def remember(self, keys: Mapping[bytes, bytes], ttl: float) -> None:
        """Keep keys of 16 bytes with their marks for `ttl` seconds, in the place of what was kept of them before.
        Durable before it returns. They are among those of deliveries: who makes them hashes what they are for, too."""
        ...

    async def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Those of the keys that are kept and not past their time, each with its mark. What was remembered before this
        is asked is seen."""
        ...

    async def claim(
        self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False, untried: bool = False
    ) -> Batch | None:
        """Ready deliveries of one destination and one group, the oldest first (`newest`: the reverse, for a probe;
        `untried`: only those without an attempt), and urgent ones first in most claims while many wait; None when there
        is none. Never more than `max_items`, nor than `max_bytes` of payload unless one row alone has more. Rows of a
        batch that is not settled are not claimed again in this process; after a restart they are ready at once."""
        ...

    def working(self, batch: Batch) -> AbstractContextManager[None]:
        """For a `with` around each part of a plugin's work on a batch, one after the other: should the process end
        inside, its rows count a crash, and are claimed in smaller company from then on. No I/O to speak of."""
        ...

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """Record what became of a batch, in one transaction with the counters. Settling twice changes nothing."""
        ...

    async def wait(self, destination: str) -> None:
        """Return when there may be something to claim for `destination`: at once if so, else on the next append."""
        ...

    def ready(self, destination: str) -> int:
        """How many deliveries are pending for a destination, those in flight included."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """The counters of every destination ever seen."""
        ...

    async def oldest(self, destination: str) -> int | None:
        """When the oldest pending delivery was received, or None."""
        ...

    def pending_rows(self, destination: str) -> AsyncIterator[Sequence[Row]]:
        """All pending rows of a destination, the oldest first, in pieces and with empty payloads; none of them is
        claimed. What is appended or settled meanwhile may be in it or not."""
        ...

    def trouble(self) -> Trouble | None:
        """Why nothing can be promised now (closed, failed, no room), or None."""
        ...


class HeldCopies(Protocol):
    """Copies of orders that wait for another one, before they are deliveries like all others. They count as accepted
    and pending from the answer on; nobody claims them."""

    async def hold(self, deliveries: Sequence[Delivery], due: int) -> Sequence[Receipt]:
        """As `Queue.append`, but they wait until `due` (ms), and nothing is remembered of their keys before: another
        copy that comes until then is the first. One that waits already, by its own key, is a duplicate."""
        ...

    async def due(self, at: int, limit: int) -> Sequence[HeldCopy]:
        """Those whose wait is over at `at` (ms), the longest over first."""
        ...

    async def release(self, ids: Sequence[int], dead: Sequence[DeadLettered] = ()) -> None:
        """End the wait of these, wherever there is room or not: what is known by now is erased, what is among `dead`
        becomes a dead letter, all else is appended. Those that are gone are passed over."""
        ...


class DeadLetters(Protocol):
    """Nothing here holds the engine up for more than some milliseconds at a time, however many letters there are."""

    async def dead(self, choice: Choice, limit: int, after: Position | None = None) -> Sequence[DeadLetter]:
        """The newest letters of a choice by the time at which they died; older than `after`, when it is given."""
        ...

    async def count_dead(self, choice: Choice, bound: Bound | None = None) -> int:
        """How many letters a choice has, in all or within a bound."""
        ...

    async def dead_groups(self, choice: Choice) -> Sequence[DeadGroup]:
        """The letters of a choice by cause, in the order of the causes."""
        ...

    async def causes(self) -> Collection[Cause]:
        """Every cause that letters have, or have had in this data folder."""
        ...

    async def dead_bound(self) -> Bound:
        """The bound of a run that begins now."""
        ...

    async def retry_dead(
        self,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Position | None = None,
        *,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """Put letters back into the queue, as if never tried, for the account that is configured now. At most `limit`
        are looked at, the oldest death first, from behind `after` on. `permits` says of a `Row` (without its payload)
        why it may not be sent; it is called in another thread. `dry_run`: the same answer, and nothing is changed."""
        ...

    async def drop_dead(
        self, choice: Choice, limit: int, after: Position | None = None, *, bound: Bound | None = None
    ) -> Dropped:
        """Remove letters; they count as erased."""
        ...

    def dead_lettered(self) -> Mapping[tuple[str, str, str], int]:
        """How many deliveries have died since this process began, by destination, reason and the vendor's code. Never
        less than before, and of few codes."""
        ...


class Suppressions(Protocol):
    """What may not be sent any more, and what must be removed."""

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """Write tombstones that are kept for `ttl` seconds. Durable before it returns; what is queued already is erased
        by `erase`."""
        ...

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """The persons have granted purposes again at `at`: what happens from then on is free, if that is later than the
        withdrawal. Durable before it returns."""
        ...

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """The purposes that one of the persons has withdrawn for what happened at `at`."""
        ...

    def tombstones(self) -> int:
        """How many keyed hashes have tombstones."""
        ...

    def may_have(self, persons: Sequence[bytes]) -> bool:
        """False when nothing of these persons can be pending or among the dead letters."""
        ...

    async def erase(self, doomed: Callable[[Trace], bool], why: str, after: tuple[int, int] = (0, 0)) -> Erased:
        """One piece of a walk through queue and dead letters: rows that are `doomed` are removed and count as erased,
        but for those in flight. `doomed` is called in another thread; `why`: of `moves.ERASED_FOR`. See `erase_all`."""
        ...

    async def forget_keys(self, keys: Sequence[bytes]) -> int:
        """Remove keys of duplicates; how many there were."""
        ...

    async def scrub(self) -> bool:
        """Leave nothing of what was removed in the storage. False when somebody else holds it open, so that it is not
        done yet."""
        ...


class Maintenance(Protocol):
    """The storage as operations see it."""

    def room(self) -> Room:
        """How full it is."""
        ...

    def hear(self, moved: Hear) -> None:
        """From now on `moved` is told, once it is on disk and in another thread, of each delivery that is erased, given
        up on arrival or put back into the queue; what was settled it is not told of. It must neither wait nor
        raise."""
        ...

    def notice(self) -> str | None:
        """What operations should know although all works (a damaged file was set aside), or None."""
        ...

    async def close(self) -> None:
        """Commit what waits and let go of the storage. Safe to call twice; afterwards every coroutine raises
        `Unavailable`."""
        ...


class Intake(Queue, HeldCopies, Protocol):
    """What takes deliveries in, at once and later."""


class Outbox(Intake, DeadLetters, Suppressions, Maintenance, Protocol):
    """A whole engine, for who puts a server together and for who shows all of it."""


async def erase_all(suppressions: Suppressions, doomed: Callable[[Trace], bool], why: str) -> Erased:
    """A whole walk, piece by piece; what was erased in all. `why` as for `Suppressions.erase`."""
    erased = Erased()
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        piece = await suppressions.erase(doomed, why, after)
        erased = erased.plus(piece)
        after = piece.after
    return erased
