"""Copies of orders that wait for the page's: held in the queue from the answer on, released when their time is over.

A shop's webhook is often there before the page has sent its own copy, which alone knows the visitor and his word. With
`wait` the page's copy has that long to come: then it is the one that counts, and the other is erased. What the visitor
has refused with any copy meanwhile is known when the wait ends, and keeps back the one that waited. What he has
withdrawn as a person, an age that a vendor does not take, and a tag that is gone are judged where all deliveries are,
before they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagserver.config.model import Container
from tagserver.consent.earlier import gone_with, unpacked
from tagserver.delivery.send_policy import lost_purposes
from tagserver.ingest.order_consent import OrderConsent
from tagserver.queue.api import Intake
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import DeadLettered, HeldCopy
from tagserver.system.time import Time

PIECE = 100
"""Copies that are released at a time."""
LOOK_EVERY = 1.0


class WaitingCopies:
    """`container` gives what serves; `orders` knows what visitors have refused, and whose turn an order is."""

    def __init__(self, outbox: Intake, orders: OrderConsent, container: Callable[[], Container], time: Time) -> None:
        self._outbox = outbox
        self._orders = orders
        self._container = container
        self._time = time

    async def mind(self) -> None:
        """Release what is over, until cancelled. A queue that cannot write now is asked again."""
        while True:
            await self._time.sleep(LOOK_EVERY)
            if any(one.waiting for one in self._outbox.counts().values()):
                try:
                    await self.release()
                except OutboxError:
                    continue

    async def release(self) -> None:
        """End the wait of all whose time is over. Raises OutboxError; what is not released waits on."""
        now = self._time.now()
        while copies := await self._outbox.due(now, PIECE):
            # Nobody decides another copy of these orders between the question and the end.
            turn = await self._orders.turns.take(key for one in copies for key in one.trace.person)
            try:
                await self._outbox.release([one.id for one in copies], await self._refused(copies))
            finally:
                turn.end()

    async def _refused(self, copies: Sequence[HeldCopy]) -> list[DeadLettered]:
        """Those that may not be sent any more. Of the hashes that a copy carries only that of its order can be among
        what is remembered."""
        known = await self._outbox.known([key for one in copies for key in one.trace.person])
        if not known:
            return []
        container = self._container()
        dead = []
        for one in copies:
            refused = 0
            for key in one.trace.person:
                refused |= unpacked(known[key]) if key in known else 0
            if lost := _lost(one, gone_with(refused, restricted=one.mode == "restrict"), container):
                sentence = f"the visitor has refused {', '.join(sorted(lost))} with another copy of this order"
                dead.append(DeadLettered(one.id, "consent", sentence))
        return dead


def _lost(one: HeldCopy, gone: frozenset[str], container: Container) -> frozenset[str]:
    """What a copy relies on of some purposes."""
    return lost_purposes(one.trace, container, lambda persons, at: gone) if gone else gone
