"""Copies of orders that wait for another one, in the SQLite engine: a table of their own beside the queue, so that no
claim, and no question of how much there is to send, has to look past them.

They count as accepted and as pending from the commit that answers them. Nothing is remembered of their keys before they
are released: until then another copy is the first. What is released goes the way of what comes in, in one transaction
with the end of its wait: its keys are looked for, and it is erased, becomes a dead letter, or a row of the queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from tagserver.queue.copy_marks import unvouched
from tagserver.queue.moves import ANOTHER_COPY, UNTRUSTED_COPY, Move
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.enqueue import REPEAT, Enqueue, keys_of, receipt_of
from tagserver.queue.sqlite.keys import KEY, Keys
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import EMPTY, persons_of, purposes_of, purposes_text
from tagserver.queue.sqlite.schema import COLUMNS
from tagserver.queue.values import DeadLettered, Delivery, HeldCopy, Receipt, Trace
from tagserver.system.time import Time

HELD = "held"
"""The counter of those that wait; `pending` of the outside is those of the queue and these."""
_NAMES = ", ".join(COLUMNS)
_HOLD = f"INSERT INTO held_copy (due, key, more, {_NAMES}) VALUES ({', '.join('?' * (len(COLUMNS) + 3))})"  # noqa: S608 (our own names)
_READ = f"SELECT id, key, more, {_NAMES} FROM held_copy WHERE id = ?"  # noqa: S608 (our own names)
_DUE = (
    "SELECT id, event_id, destination, mode, tag, purposes, person, min(time, received) FROM held_copy WHERE due <= ? "
    "ORDER BY due, id LIMIT ?"
)
_More = tuple[tuple[bytes, float] | None, tuple[bytes, float] | None, bytes, bool]
_decode = msgspec.msgpack.Decoder(_More).decode


class Asked(NamedTuple):
    """What one request wants held: until when (ms), and the bytes that it takes."""

    deliveries: Sequence[Delivery]
    due: int
    size: int


class Ended(NamedTuple):
    """Which waits are over, by their ids, and of these those that become dead letters."""

    ids: Sequence[int]
    dead: Sequence[DeadLettered]


class HeldCopies:
    """Used inside the writer's transactions."""

    def __init__(
        self, enqueue: Enqueue, keys: Keys, counters: Counters, person_filter: PersonFilter, time: Time
    ) -> None:
        self._enqueue = enqueue
        self._keys = keys
        self._counters = counters
        self._person_filter = person_filter
        self._time = time

    def hold(self, database: sqlite3.Connection, asked: Sequence[Asked]) -> list[list[Receipt]]:
        """See `HeldCopies.hold` of the interface, for several requests. Raises Full."""
        self._enqueue.refuse(sum(one.size for one in asked))
        receipts: list[list[Receipt]] = []
        now = self._time.now()
        for deliveries, due, _ in asked:
            known = self._keys.marks(database, map(KEY, keys_of(deliveries, now)))
            answer: list[Receipt] = []
            for one in deliveries:
                receipt = receipt_of(one, known)
                if receipt.stored and self._waits(database, one):
                    receipt = REPEAT
                answer.append(receipt)
                if receipt.stored:
                    self._hold(database, one, due)
            receipts.append(answer)
        return receipts

    def _waits(self, database: sqlite3.Connection, one: Delivery) -> bool:
        """Whether it waits already: a platform that heard no answer comes again."""
        return database.execute("SELECT 1 FROM held_copy WHERE key = ?", (one.key,)).fetchone() is not None

    def _hold(self, database: sqlite3.Connection, one: Delivery, due: int) -> None:
        more = msgspec.msgpack.encode((one.order, one.once, one.mark, one.urgent))
        columns = (
            *(one.event_id, one.name, one.tag, one.destination, one.container, one.mode, purposes_text(one.purposes)),
            *(b"".join(one.person), one.group, one.time, one.received, one.expires, one.identity, EMPTY + one.body),
        )
        database.execute(_HOLD, (due, one.key, more, *columns))
        self._person_filter.add(one.person)
        self._counters.add(one.destination, "accepted", 1)
        self._counters.add(one.destination, HELD, 1)

    def due(self, database: sqlite3.Connection, at: int, limit: int) -> list[HeldCopy]:
        """See `HeldCopies.due`."""
        return [
            HeldCopy(one, event_id, to, mode, Trace(persons_of(person), tag, purposes_of(purposes), happened))
            for one, event_id, to, mode, tag, purposes, person, happened in database.execute(_DUE, (at, limit))
        ]

    def release(self, database: sqlite3.Connection, ended: Sequence[Ended]) -> list[list[str]]:
        """See `HeldCopies.release`: the destinations that have something new, for each who asked."""
        return [self._release(database, *one) for one in ended]

    def _release(self, database: sqlite3.Connection, ids: Sequence[int], dead: Sequence[DeadLettered]) -> list[str]:
        letters = {one.id: one for one in dead}
        going: list[Delivery] = []
        for one in ids:
            if (record := database.execute(_READ, (one,)).fetchone()) is None:
                continue  # erased meanwhile
            delivery = _delivery(record)
            database.execute("DELETE FROM held_copy WHERE id = ?", (one,))
            # It comes in once more, and is counted anew.
            self._counters.add(delivery.destination, "accepted", -1)
            self._counters.add(delivery.destination, HELD, -1)
            if (letter := letters.get(one)) is not None:
                self._enqueue.bury(database, [delivery], letter.reason, letter.detail)
            else:
                going.append(delivery)
        receipts = self._enqueue.append(database, [(going, 0)], lies_here=True)[0] if going else []
        for delivery, receipt in zip(going, receipts, strict=True):
            if not receipt.stored:
                self._counters.add(delivery.destination, "accepted", 1)
                self._counters.add(delivery.destination, "erased", 1)
                untrusted = receipt.differs and unvouched(receipt.first, delivery.mark)
                self._counters.moves.add(
                    Move(
                        *(delivery.event_id, delivery.tag, delivery.destination, delivery.person, delivery.received),
                        *("erased", UNTRUSTED_COPY if untrusted else ANOTHER_COPY),
                    )
                )
        return [one.destination for one, receipt in zip(going, receipts, strict=True) if receipt.stored]


def is_sound(more: Any) -> bool:
    """Whether what stands beside the columns of a delivery can be read."""
    try:
        _decode(more)
    except (msgspec.DecodeError, TypeError):
        return False
    return True


def _delivery(record: tuple[Any, ...]) -> Delivery:
    """The delivery that was held."""
    _, key, more, event_id, name, tag, to, container, mode, purposes, person, *facts = record
    group, time, received, expires, identity, body = facts
    order, once, mark, urgent = _decode(more)
    return Delivery(
        key=key,
        event_id=event_id,
        name=name,
        tag=tag,
        destination=to,
        container=container,
        mode=mode,
        purposes=purposes_of(purposes),
        person=persons_of(person),
        group=group,
        time=time,
        received=received,
        expires=expires,
        identity=identity,
        body=body,
        order=order,
        once=once,
        mark=mark,
        urgent=urgent,
    )
