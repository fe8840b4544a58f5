"""Records are made and written by a thread of their own: the event loop does no more than to append to a list.

A few times a second the thread takes what is there, in small pieces, so that it never holds up the loop, and writes it
as one group. A kill loses the last second; a store that cannot be written loses records, which are counted, and never
an event.
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
from tagserver.config.records import Level
from tagserver.delivery.attempts import Attempt
from tagserver.ingest.observer import Line
from tagserver.queue.moves import Move
from tagserver.queue.values import DeadLettered, Row
from tagserver.records.api import Group, Recording, RecordsError
from tagserver.records.budget import Budget
from tagserver.records.container_text import container_text
from tagserver.records.forgotten import Forgotten
from tagserver.records.making import RecordMaker, attempted, dead_lettered, moved, order_event
from tagserver.records.order_fates import OrderFates
from tagserver.records.refusals import Kind, Refusals
from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate
from tagserver.system.time import Time

log = logging.getLogger("tagserver.records")

EVERY = 0.2
"""Seconds between two groups."""
PIECE = 100
"""Events that are made into records before others have the interpreter again, and the seconds that they have it."""
PAUSE = 0.001
MOST_OF_A_GROUP = 400
"""Events that are written together: a commit costs as much as a hundred of them."""
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


class Recorder:
    """One for each data folder. `store` is written by this thread alone. `made` hears of each group once it is kept, in
    the thread."""

    def __init__(
        self, store: Recording, install_key: bytes, time: Time, *, level: Level, made: Made, every: float = EVERY
    ) -> None:
        self.level = level
        self._store = store
        self._time = time
        self._every = every
        self._made = made
        self._maker = RecordMaker(install_key)
        self._budget = Budget(time)
        self._waiting: deque[tuple[Container, Sequence[Line], int]] = deque()
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
        """Begin. `orders`: the event_ids of the newest events with orders, which may still be on their way."""
        self._orders.follow(orders)
        self._thread.start()

    # ── called by the event loop

    def settled(self, container: Container, lines: Sequence[Line]) -> None:
        """The events of a request were answered."""
        if self.level == "off":
            return
        if self._put - self._taken > MOST:
            self._lose(len(lines))
            return
        self._put += len(lines)
        self._waiting.append((container, lines, self._time.now()))

    def refused(self, reason: str, message: str, origin: str | None) -> None:
        """A whole request was refused."""
        if self.level != "off":
            self._refusals.add(reason, message, origin or "", self._time.now())

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        """Requests to a vendor have ended."""
        if self.level == "off":
            return
        if len(self._attempts) > MOST:
            self._lose(sum(len(one.rows) for one in attempts))
            return
        self._attempts.extend((destination, one) for one in attempts)

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """Deliveries have become dead letters."""
        if self.level == "off":
            return
        if len(self._attempts) > MOST:
            self._lose(len(dead))
            return
        self._attempts.append((destination, (rows, dead, self._time.now())))

    def moved(self, moves: Sequence[Move]) -> None:
        """Deliveries were erased, given up on arrival or put back into the queue. From any thread."""
        if self.level == "off":
            return
        if len(self._moves) > MOST_MOVES:
            self._lose(len(moves))
            return
        at = self._time.now()
        self._moves.extend((one, at) for one in moves)

    def forget(self, persons: Collection[bytes], orders: Collection[str]) -> None:
        """What was received of these persons and orders so far is put on record no more, whatever becomes of it."""
        self._forgotten.add(persons, orders, self._time.now())

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

    def _lose(self, number: int) -> None:
        with self._counting:
            self.lost += number

    # ── the thread

    def _run(self) -> None:
        ended = False
        while not ended:
            self._asked.wait(self._every)
            self._asked.clear()
            ended = self._stop.is_set()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            while self._waiting or self._attempts or self._moves or self._refusals:
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
            self._fill(group)
            self._write(group)
        except RecordsError as error:
            self._failed(group, str(error))
        except Exception as error:
            self._failed(group, f"a fault of tagserver ({type(error).__name__})", error)

    def _fill(self, group: _Group) -> None:
        """Take the next ones out."""
        breath = PIECE
        while self._waiting and len(group.events) < MOST_OF_A_GROUP:
            container, lines, received = self._waiting.popleft()
            self._taken += len(lines)
            if container.version not in self._containers:
                group.containers.append(container_text(container))
            for line in lines:
                self._add(group, container, line, received)
            if len(group.events) >= breath and not self._stop.is_set():
                self._stop.wait(PAUSE)
                breath = len(group.events) + PIECE
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
        self._fill_moves(group)
        group.refused = self._refusals.take(self._time.now())

    def _fill_moves(self, group: _Group) -> None:
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

    def _add(self, group: _Group, container: Container, line: Line, received: int) -> None:
        try:
            full = self.level == "full" or (line[1] is not None and line[1].event.facts.session)
            if full and self._budget.allows:
                with self._budget.use():
                    record = self._maker.record(container, line, received, "full")
            else:
                record = self._maker.record(container, line, received, "summary")
        except Exception:
            # Of a plugin's variable, mostly, that is asked once more for a sentence. The event is not touched by it.
            self._lose(1)
            log.warning("an event cannot be put on record", exc_info=True)
            return
        if record is None:
            return
        group.events.append(record)
        if (order := order_event(record)) is not None:
            group.orders.append(order)
            self._orders.follow((order.event_id,))

    def _write(self, group: _Group) -> None:
        """Raises RecordsError."""
        events = [*group.events, *(record for _, record in group.refused)]
        kept = self._store.write(Group(events, group.attempts, group.orders, group.fates, group.containers))
        self._containers.update(one.version for one in group.containers)
        kinds = (kind for kind, _ in group.refused)
        self._refusals.kept(zip(kinds, kept[len(group.events) :], strict=True))
        if self._complained:
            self._complained, self.trouble = False, None
            log.info("records are written again; %d events and attempts are not on record", self.lost)
        self._made(kept, group.attempts)

    def _failed(self, group: _Group, why: str, fault: Exception | None = None) -> None:
        self._lose(len(group.events) + sum(len(one.rows) for one in group.attempts))
        self.trouble = why
        if not self._complained:
            self._complained = True
            log.error("records cannot be written: %s; events are taken and delivered as ever", why, exc_info=fault)


class _Group:
    """What is written together. `refused`: with the kind that each is counted as."""

    __slots__ = ("attempts", "containers", "events", "fates", "orders", "refused")

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self.refused: list[tuple[Kind, EventRecord]] = []
        self.attempts: list[Attempted] = []
        self.orders: list[OrderEvent] = []
        self.fates: list[OrderFate] = []
        self.containers: list[ContainerText] = []
