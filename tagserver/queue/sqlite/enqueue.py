"""Taking deliveries in: all of one request, or none, and of equal ones the first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from tagserver.queue.copy_marks import is_long
from tagserver.queue.errors import Full
from tagserver.queue.moves import Move, Place
from tagserver.queue.pauses import DETAIL, FULL, Fate, Quotas
from tagserver.queue.sqlite.backpressure import Space, jittered_retry_after
from tagserver.queue.sqlite.claims import Priority
from tagserver.queue.sqlite.counters import Counters
from tagserver.queue.sqlite.dead_search import Causes
from tagserver.queue.sqlite.keys import KEY, Keys, Known
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.rows import BURY, insert
from tagserver.queue.values import DEDUP_TTL, ROW_BYTES, Delivery, Receipt
from tagserver.system.time import Time

STORED = Receipt()
REPEAT = Receipt("event")
Request = tuple[Sequence[Delivery], int]
"""All deliveries of a request, and the bytes that they will take."""


def size_of(deliveries: Sequence[Delivery]) -> int:
    """Bytes that they will take."""
    return sum([len(delivery.body) for delivery in deliveries]) + ROW_BYTES * len(deliveries)


class Enqueue:
    """Used inside the writer's transactions, but for `refuse`."""

    def __init__(
        self,
        keys: Keys,
        counters: Counters,
        person_filter: PersonFilter,
        space: Space,
        quotas: Quotas,
        causes: Causes,
        time: Time,
    ) -> None:
        self._keys = keys
        self._counters = counters
        self._person_filter = person_filter
        self._space = space
        self._quotas = quotas
        self._causes = causes
        self._time = time

    def refuse(self, size: int = 0) -> None:
        """Raises Full when there is no room, for nothing more or for nothing of `size` bytes."""
        if (why := self._space.refusal(size)) is not None:
            raise Full(why, jittered_retry_after(1.0, self._time))

    def append(
        self, database: sqlite3.Connection, requests: Sequence[Request], *, lies_here: bool = False
    ) -> list[list[Receipt]]:
        """All the deliveries of several requests, as few statements: each costs a change of hands with the loop.
        `lies_here`: they lie in this file already, and are taken whether there is room or not."""
        size, every = 0, list[Delivery]()
        for deliveries, bytes_of_it in requests:
            every += deliveries
            size += bytes_of_it
        if not lies_here:
            self.refuse(size)
        now = self._time.now()
        paused = self._quotas.held()
        # Mostly all are new and have room. Then no key can be taken twice, and there is nothing to judge.
        if not (paused and self._crowded(every, paused)) and self._keys.add(database, keys_of(every, now)):
            self._store(database, every)
            return [[STORED] * len(deliveries) for deliveries, _ in requests]
        return self._judge(
            database, requests, _Judged(now, self._keys.marks(database, map(KEY, keys_of(every, now)))), paused
        )

    def _crowded(self, deliveries: Sequence[Delivery], paused: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether one of those that are paused may be beyond its share with all of these."""
        more: dict[tuple[str, ...], int] = {}
        for one in deliveries:
            if (names := paused.get(one.destination)) is not None:
                more[names] = more.get(names, 0) + len(one.body) + ROW_BYTES
        return not self._quotas.have_room(more)

    def _judge(
        self,
        database: sqlite3.Connection,
        requests: Sequence[Request],
        judged: _Judged,
        paused: Mapping[str, tuple[str, ...]],
    ) -> list[list[Receipt]]:
        """The same one by one: by the keys that are known, and by the room that a paused destination has."""
        receipts: list[list[Receipt]] = []
        for deliveries, _ in requests:
            answer: list[Receipt] = []
            for delivery in deliveries:
                receipt = receipt_of(delivery, judged.known)
                answer.append(receipt)
                if receipt is STORED:
                    names = paused.get(delivery.destination)
                    judged.add(delivery, "waits" if names is None else self._fate(delivery, names, judged))
            receipts.append(answer)
        self._keys.remember(database, judged.keys)
        if judged.waiting:
            self._store(database, judged.waiting)
        if judged.doomed:
            self.bury(database, judged.doomed, FULL, DETAIL)
        for delivery in judged.lost:
            self._counters.add(delivery.destination, "accepted", 1)
            self._counters.add(delivery.destination, "erased", 1)
            self._counters.dead_lettered.add(delivery.destination, FULL, "")
            self._counters.moves.add(_moved(delivery, "erased", FULL))
        return receipts

    def _fate(self, delivery: Delivery, names: tuple[str, ...], judged: _Judged) -> Fate:
        """What becomes of a delivery whose destination, with these names, is paused."""
        more = sum(judged.taken[name] for name in names)
        return self._quotas.fate(delivery.destination, names, len(delivery.body), more)

    def _store(self, database: sqlite3.Connection, deliveries: Sequence[Delivery]) -> None:
        """Those that wait."""
        sizes: dict[str, list[int]] = {}
        persons: list[bytes] = []
        urgent: list[tuple[str, int]] = []
        for one, delivery in enumerate(deliveries, insert(database, deliveries)):
            destination = delivery.destination
            if (each := sizes.get(destination)) is None:
                each = sizes[destination] = []
            each.append(len(delivery.body))
            persons += delivery.person
            if delivery.urgent:
                urgent.append((destination, one))
        self._person_filter.add(persons)
        if urgent:
            Priority.add(database, urgent)
        for destination, each in sizes.items():
            self._counters.add(destination, "accepted", len(each))
            self._counters.wait(destination, len(each), sum(each))

    def bury(self, database: sqlite3.Connection, deliveries: Sequence[Delivery], reason: str, detail: str) -> None:
        """Those that never wait to be sent, such as those beyond a quota. Their ids are of the same row of numbers as
        everybody's."""
        now, first = self._time.now(), insert(database, deliveries)
        for one, delivery in enumerate(deliveries, first):
            cause = self._causes.number(delivery.destination, delivery.tag, reason, "")
            database.execute(BURY, (reason, detail, now, cause, one))
            self._person_filter.add(delivery.person)
            self._counters.add(delivery.destination, "accepted", 1)
            self._counters.dead(delivery.destination, reason)
            self._counters.moves.add(_moved(delivery, "dead", reason))
        database.execute("DELETE FROM delivery WHERE id BETWEEN ? AND ?", (first, first + len(deliveries) - 1))


class _Judged:
    """What one transaction stores. `known`: the keys that are known, which those of the group are added to; `taken`:
    the bytes that wait more, by destination."""

    def __init__(self, now: int, known: dict[bytes, bytes]) -> None:
        self._now = now
        self.known = known
        self.keys: list[Known] = []
        self.waiting: list[Delivery] = []
        self.doomed: list[Delivery] = []
        self.taken: Counter[str] = Counter()
        self.lost: list[Delivery] = []

    def add(self, delivery: Delivery, fate: Fate) -> None:
        """One that is new."""
        if fate == "is not kept":
            self.lost.append(delivery)
            return  # nothing of it is remembered: it may come again
        keys = keys_of([delivery], self._now)
        self.keys += keys
        self.known.update({key: mark for key, _, mark in keys})
        if fate == "dies":
            self.doomed.append(delivery)
        else:
            self.waiting.append(delivery)
            self.taken[delivery.destination] += len(delivery.body) + ROW_BYTES


def _moved(one: Delivery, to: Place, reason: str) -> Move:
    return Move(one.event_id, one.tag, one.destination, one.person, one.received, to, reason)


def keys_of(deliveries: Sequence[Delivery], now: int) -> list[Known]:
    """The keys of deliveries that come `now` (ms)."""
    expires = now + int(DEDUP_TTL * 1000)
    keys: list[Known] = []
    for one in deliveries:
        if (order := one.order) is None:
            keys.append((one.key, expires, one.mark))
        elif order[0] == one.key:  # known by its event_id alone, for longer
            keys.append((one.key, now + int(order[1] * 1000), one.mark))
        else:
            keys += (one.key, expires, one.mark), (order[0], now + int(order[1] * 1000), one.mark)
        if (once := one.once) is not None:
            keys.append((once[0], now + int(once[1] * 1000), one.mark))
    return keys


def receipt_of(delivery: Delivery, known: Mapping[bytes, bytes]) -> Receipt:
    """What becomes of a delivery by the keys that are known, with their marks."""
    if (first := known.get(delivery.key)) is not None:
        return REPEAT if first == delivery.mark and not is_long(first) else Receipt.of("event", first, delivery.mark)
    if delivery.order is not None and (first := known.get(delivery.order[0])) is not None:
        return Receipt.of("order", first, delivery.mark)
    if delivery.once is not None and delivery.once[0] in known:
        return Receipt("once")
    return STORED
