"""The thread that writes records: a few times a second it takes what is there, and writes it as one group.

A kill loses the last second; a store that cannot be written loses records, which are counted, and never an event.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

from tagserver.config.model import Container
from tagserver.delivery.attempts import Attempt
from tagserver.queue.moves import Move
from tagserver.queue.values import DeadLettered, Row
from tagserver.records.api import Group, Recording, RecordsError
from tagserver.records.container_text import container_text
from tagserver.records.forgotten import Forgotten
from tagserver.records.making import attempted, dead_lettered, moved, order_event
from tagserver.records.order_fates import OrderFates
from tagserver.records.refusals import Kind, Refusals
from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate
from tagserver.system.time import Time

log = logging.getLogger("tagserver.records")

EVERY = 0.2
"""Seconds between two groups."""
PAUSE = 0.001
"""Seconds between two groups that the event loop has the interpreter for itself."""
MOST_OF_A_GROUP = 400
"""Events that are written together, or a few more: a commit costs as much as a hundred of them."""
MOST = 20_000
"""Events and attempts that may wait; what is beyond is lost, and counted."""
MOST_MOVES = 100_000
"""The same of deliveries that were erased or put back: somebody may drop very many dead letters at once."""
MOST_LEFT_OUT = 1000
"""Of these, of persons who were forgotten."""
LOOK_EVERY = 3600.0
"""Seconds between two looks for records that are too old."""
FLUSH = 10.0
"""Seconds that somebody waits for what was told to be written."""

Made = Callable[[Sequence[EventRecord], Sequence[Attempted]], None]


class RecordWriter:
    """One for each data folder. Told of things by the event loop. `made` hears of each group once it is kept, in the
    thread."""

    def __init__(self, store: Recording, time: Time, *, made: Made, every: float = EVERY) -> None:
        self._store = store
        self._time = time
        self._every = every
        self._made = made
        self._events: deque[tuple[Container, list[EventRecord]]] = deque()
        self._put = self._taken = 0
        self._attempts: deque[tuple[str, Attempt | tuple[Sequence[Row], Sequence[DeadLettered], int]]] = deque()
        self._moves: deque[tuple[Move, int]] = deque()
        self._left_out: deque[Move] = deque(maxlen=MOST_LEFT_OUT)
        self._refusals = Refusals()
        self._containers: set[str] = set()
        self._orders = OrderFates()
        self._forgotten = Forgotten()
        self._complained = False
        self._looked = time.monotonic()
        self.lost = 0
        """Events and attempts that are not on record."""
        self.trouble: str | None = None
        """Why nothing can be written now."""
        self._counting = threading.Lock()
        self._stop = threading.Event()
        self._asked = threading.Event()
        self._flushes: deque[threading.Event] = deque()
        self._thread = threading.Thread(target=self._run, name="tagserver-records", daemon=True)

    def start(self, orders: Collection[str] = ()) -> None:
        """Begin. `orders`: the event_ids of events with orders that may still be on their way."""
        self._orders.follow(orders)
        self._thread.start()

    # ── called by the event loop

    @property
    def is_full(self) -> bool:
        """Whether no more events may wait."""
        return self._put - self._taken > MOST

    def lose(self, number: int) -> None:
        """So many events or attempts are not on record."""
        with self._counting:
            self.lost += number

    def events(self, container: Container, records: list[EventRecord]) -> None:
        """Records of events that were decided under a container."""
        self._put += len(records)
        self._events.append((container, records))

    def refused(self, reason: str, message: str, origin: str, at: int, client: str = "") -> None:
        """A whole request was refused. `at` in ms."""
        self._refusals.add(reason, message, origin, at, client)

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        """Requests to a vendor have ended."""
        if len(self._attempts) > MOST:
            self.lose(sum(len(one.rows) for one in attempts))
            return
        self._attempts.extend((destination, one) for one in attempts)

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered], at: int) -> None:
        """Deliveries have become dead letters. `at` in ms."""
        if len(self._attempts) > MOST:
            self.lose(len(dead))
            return
        self._attempts.append((destination, (rows, dead, at)))

    def moved(self, moves: Sequence[Move], at: int) -> None:
        """Deliveries were erased, given up on arrival or put back into the queue. `at` in ms. From any thread."""
        if len(self._moves) > MOST_MOVES:
            self.lose(len(moves))
            return
        self._moves.extend((one, at) for one in moves)

    def forget(self, persons: Collection[bytes], orders: Collection[str], at: int) -> None:
        """What becomes of what was received of these persons and orders until then (ms) is put on record no more."""
        self._forgotten.add(persons, orders, at)

    def left_out(self) -> list[Move]:
        """What was erased of persons who were forgotten, and is not on record; each once. After a `flush`."""
        return [self._left_out.popleft() for _ in range(len(self._left_out))]

    def flush(self) -> bool:
        """Wait until what was told so far is written, or is lost; False where that takes longer than `FLUSH`. Blocks
        for that long."""
        done = threading.Event()
        self._flushes.append(done)
        self._asked.set()
        return done.wait(FLUSH) if self._thread.is_alive() else True

    def close(self) -> None:
        """Write what is there, and end. Blocks for that long."""
        self._stop.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store.close()

    # ── the thread

    def _run(self) -> None:
        ended = False
        while not ended:
            self._asked.wait(self._every)
            self._asked.clear()
            ended = self._stop.is_set()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            while self._events or self._attempts or self._moves or self._refusals:
                self._write_next()
                if not ended:
                    self._stop.wait(PAUSE)
            self._mind_age()
            for one in flushes:
                one.set()

    def _mind_age(self) -> None:
        """What is too old leaves the file, also while nothing comes."""
        if self._time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = self._time.monotonic()
            with suppress(RecordsError):
                self._store.write(Group())

    def _write_next(self) -> None:
        """The next ones as one group. Whatever fails costs these alone, and the thread goes on."""
        group = _Group()
        try:
            self._take_events(group)
            self._take_attempts(group)
            self._take_moves(group)
            group.refused = self._refusals.take(self._time.now())
            self._write(group)
        except RecordsError as error:
            self._failed(group, str(error))
        except Exception as error:
            self._failed(group, f"a fault of tagserver ({type(error).__name__})", error)

    def _take_events(self, group: _Group) -> None:
        while self._events and len(group.events) < MOST_OF_A_GROUP:
            container, records = self._events.popleft()
            self._taken += len(records)
            group.events += records
            if container.version not in self._containers and container.version not in group.containers:
                group.containers[container.version] = container_text(container)
        group.orders = [order for one in group.events if (order := order_event(one)) is not None]
        self._orders.follow([one.event_id for one in group.orders])

    def _take_attempts(self, group: _Group) -> None:
        rows = 0
        while self._attempts and rows < 5 * MOST_OF_A_GROUP:
            destination, one = self._attempts.popleft()
            made = (
                attempted(destination, self._forgotten.left(one))
                if isinstance(one, Attempt)
                else dead_lettered(destination, one[2], self._forgotten.without(one[0]), one[1])
            )
            rows += len(made.rows)
            if made.rows:
                group.attempts.append(made)
                group.fates += self._orders.of(made)

    def _take_moves(self, group: _Group) -> None:
        """Behind the attempts: what has moved was tried before."""
        if self._attempts:
            return
        taken = [self._moves.popleft() for _ in range(min(len(self._moves), 5 * MOST_OF_A_GROUP))]
        for at, some in groupby(taken, key=itemgetter(1)):
            moves = [one for one, _ in some]
            left = self._forgotten.without(moves)
            if len(left) < len(moves):
                self._left_out.extend(set(moves).difference(left))
            for made in moved(left, at):
                group.attempts.append(made)
                group.fates += self._orders.of(made)

    def _write(self, group: _Group) -> None:
        """Raises RecordsError."""
        events = [*group.events, *(record for _, record in group.refused)]
        containers = list(group.containers.values())
        kept = self._store.write(Group(events, group.attempts, group.orders, group.fates, containers))
        self._containers.update(group.containers)
        kinds = (kind for kind, _ in group.refused)
        self._refusals.kept(zip(kinds, kept[len(group.events) :], strict=True))
        if self._complained:
            self._complained, self.trouble = False, None
            log.info("records are written again; %d events and attempts are not on record", self.lost)
        self._made(kept, group.attempts)

    def _failed(self, group: _Group, why: str, fault: Exception | None = None) -> None:
        self.lose(len(group.events) + sum(len(one.rows) for one in group.attempts))
        self.trouble = why
        if not self._complained:
            self._complained = True
            log.error("records cannot be written: %s; events are taken and delivered as ever", why, exc_info=fault)


class _Group:
    """What is written together. `refused`: with the kind that each is counted as. `containers` by their version."""

    __slots__ = ("attempts", "containers", "events", "fates", "orders", "refused")

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self.refused: list[tuple[Kind, EventRecord]] = []
        self.attempts: list[Attempted] = []
        self.orders: list[OrderEvent] = []
        self.fates: list[OrderFate] = []
        self.containers: dict[str, ContainerText] = {}
