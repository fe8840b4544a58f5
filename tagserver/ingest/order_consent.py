"""What a visitor has refused with one copy of an order holds for the copies that know nothing of it.

A contract behind a key grants for all people of a source, and outweighs nobody's own word: a denial that came with any
copy of an order is remembered under the keyed hash of its id, and lies over the consent of every later copy, but for
the purposes that the visitor grants with that copy himself. His grant also ends what was remembered. What waits to be
sent of the order carries the same hash, and is erased by a tombstone as a browser's denial lays it.

One order is decided by one request at a time: what is known of it is asked, its events are decided, what is refused is
remembered, and what is to be sent is stored, before another request with a copy of it begins. Otherwise a copy could be
decided before a denial and stored behind it.

Anybody can post as a browser and name an order. What is believed of that costs the site a measurement under a contract,
and is limited: an address is believed one order a second. What is beyond is blocked like any other denial, and is not
remembered.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tagserver.consent.earlier import (
    bits_of,
    laid_over,
    left_of,
    packed,
    reaching_back,
    refused_by,
    unpacked,
)
from tagserver.consent.state import ConsentState
from tagserver.event.event import BROWSER, Event
from tagserver.event.order_ids import order_id
from tagserver.ingest.answer import Answer
from tagserver.ingest.observer import IngestObserver
from tagserver.pipeline.route import Routing
from tagserver.queue.api import Queue, Suppressions
from tagserver.queue.dedup import OrderKeys
from tagserver.queue.values import Tombstone
from tagserver.system.rate_limit import RateLimit, sender_of
from tagserver.system.time import Time

BELIEVED = 1.0
"""Denials a second, of one browser's address, that are remembered for the orders they name."""
AT_ONCE = 60.0
TURN = 10
"""Events that are decided again before others have their turn: see `ingest.TURN`."""

Decided = tuple[Answer | None, Routing | None, bool]
"""One event of a request: see `Line`. The last says whether it is to be stored."""


class Engine(Queue, Suppressions, Protocol):
    """What is asked of the queue."""


class Turn:
    """The orders of one request, which nobody else decides until `end`. `laid`: tombstones for what waits of them."""

    def __init__(self, turns: Turns, keys: Sequence[bytes]) -> None:
        self._turns = turns
        self._keys = keys
        self.laid: list[Tombstone] = []

    def end(self) -> None:
        """Others may."""
        self._turns.give_back(self._keys)


class Turns:
    """Who decides which order. Nothing is kept of an order that nobody decides."""

    def __init__(self) -> None:
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._users: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return len(self._locks)

    async def take(self, keys: Iterable[bytes]) -> Turn:
        """Wait until all of these are free. All who ask take them in one order, so that nobody waits in a circle."""
        taken: list[bytes] = []
        try:
            for key in sorted({*keys}):
                lock = self._locks.setdefault(key, asyncio.Lock())
                self._users[key] += 1
                try:
                    await lock.acquire()
                except BaseException:
                    self._leave(key)
                    raise
                taken.append(key)
        except BaseException:
            self.give_back(taken)
            raise
        return Turn(self, taken)

    def give_back(self, keys: Sequence[bytes]) -> None:
        """The next one's turn."""
        for key in keys:
            self._locks[key].release()
            self._leave(key)

    def _leave(self, key: bytes) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._locks[key]


class OrderConsent:
    """`install_key` (32 bytes of this installation) keys the hashes of orders."""

    def __init__(self, outbox: Engine, install_key: bytes, time: Time, observer: IngestObserver) -> None:
        self._outbox = outbox
        self._observer = observer
        self._keys = OrderKeys(install_key)
        self._limit = RateLimit(BELIEVED, time, burst=AT_ONCE)
        self.turns = Turns()

    async def begin(
        self,
        lines: list[Decided],
        again: Callable[[Event, ConsentState], Routing],
        counts: Callable[[Event], bool],
        keep: float,
    ) -> Turn | None:
        """Take the turn of all orders that a request names, and put in the place of its decisions those under what was
        refused earlier; what is refused now is on disk then. None where no order is named.

        `again` decides an event under another consent; `counts`: whether what an event says counts for others, which
        that of a preview does not; `keep`: seconds for which a denial is remembered. Raises OutboxError.
        """
        named = [(at, key) for at, line in enumerate(lines) if (key := self._key_of(line)) is not None]
        if not named:
            return None
        turn = await self.turns.take(key for _, key in named)
        try:
            known = await self._outbox.known([key for _, key in named])
            said = {key: unpacked(mark) for key, mark in known.items()}
            spoken: dict[bytes, int] = {}
            denials: list[tuple[bytes, Event, ConsentState]] = []
            number = 0
            for at, key in named:
                answer, routing, stored = lines[at]
                assert routing is not None
                event, consent, before = routing.event, routing.consent, said.get(key, 0)
                left = left_of(before, consent)
                if left and any(one.built is not None for one in routing.decisions):
                    lines[at] = answer, again(event, laid_over(consent, left)), stored
                    number += 1
                    if not number % TURN:
                        await asyncio.sleep(0)
                if not counts(event):
                    continue
                refused = self._believed(event, refused_by(consent) | _of_vendors(routing))
                if refused or left != before:
                    said[key] = spoken[key] = left | refused
                if refused:
                    denials.append((key, event, consent))
            if spoken:
                await self._outbox.remember({key: packed(refused) for key, refused in spoken.items()}, keep)
            turn.laid = self._tombstones(denials, said, Counter(key for _, key in named))
        except BaseException:
            turn.end()
            raise
        return turn

    def _key_of(self, line: Decided) -> bytes | None:
        _, routing, stored = line
        if routing is None or not stored:
            return None
        shop = routing.event.data.get("ecommerce")
        order = order_id(shop.get("transaction_id")) if shop else None
        return None if order is None else self._keys.said(order)

    def _believed(self, event: Event, refused: int) -> int:
        """What of a refusal is remembered."""
        if refused and event.source == BROWSER and self._limit.wait(sender_of(event.facts.ip), 1):
            self._observer.denial_not_remembered()
            return 0
        return refused

    def _tombstones(
        self,
        denials: Sequence[tuple[bytes, Event, ConsentState]],
        said: Mapping[bytes, int],
        copies: Mapping[bytes, int],
    ) -> list[Tombstone]:
        """Of the orders of which something may wait, here or among the events beside; not where the visitor has granted
        again behind the denial."""
        laid = []
        for key, event, consent in denials:
            if copies[key] > 1 or self._outbox.may_have([key]):
                received = event.received
                laid += [
                    Tombstone(key, purpose, received, received + 1)
                    for purpose in sorted(reaching_back(consent))
                    if said[key] & bits_of([purpose])
                ]
        return laid


def _of_vendors(routing: Routing) -> int:
    """A vendor that the visitor has not accepted is refused with all that it needs: what is remembered of an order
    knows no vendors, and those whom he has accepted have had this copy."""
    return bits_of(purpose for one in routing.decisions if one.reason == "vendor" for purpose in one.tag.needs.purposes)
