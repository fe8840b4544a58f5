"""What the event loop does for the records: of each event it makes what is kept, right after the event was answered.

By then all that it reads is still at hand. Later, in a thread, it would take longer, for other events would have pushed
it out of the processor's cache; and what waits to be written takes a tenth of the memory that the event takes. To write
it is left to the thread.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence

from tagserver.config.model import Container
from tagserver.config.records import Level
from tagserver.delivery.attempts import Attempt
from tagserver.ingest.observer import Line
from tagserver.queue.moves import Move
from tagserver.queue.values import DeadLettered, Row
from tagserver.records.api import Recording
from tagserver.records.budget import Budget
from tagserver.records.making import RecordMaker
from tagserver.records.values import EventRecord
from tagserver.records.writer import EVERY, Made, RecordWriter
from tagserver.system.time import Time

log = logging.getLogger("tagserver.records")


Soon = Callable[[Callable[[], object]], object]


def _at_once(do: Callable[[], object]) -> None:
    do()


class Recorder:
    """One for each data folder. `store` is written by a thread of its own alone. `made` hears of each group once it is
    kept, in that thread."""

    def __init__(
        self, store: Recording, install_key: bytes, time: Time, *, level: Level, made: Made, every: float = EVERY
    ) -> None:
        self.level = level
        self._time = time
        self._maker = RecordMaker(install_key)
        self._budget = Budget(time)
        self._soon: Soon = _at_once
        self._settled: deque[tuple[Container, Sequence[Line], int]] = deque()
        self._writer = RecordWriter(store, time, made=made, every=every)

    @property
    def lost(self) -> int:
        """Events and attempts that are not on record."""
        return self._writer.lost

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written now."""
        return self._writer.trouble

    def start(self, orders: Collection[str] = (), soon: Soon = _at_once) -> None:
        """Begin. `orders`: the event_ids of the newest events with orders, which may still be on their way. `soon`: has
        something done once what is being done is over, as `call_soon` of an event loop."""
        self._soon = soon
        self._writer.start(orders)

    def settled(self, container: Container, lines: Sequence[Line]) -> None:
        """What was decided of the events of a request has come to pass."""
        if self.level == "off":
            return
        self._settled.append((container, lines, self._time.now()))
        if len(self._settled) == 1:
            self._soon(self.catch_up)

    def catch_up(self) -> None:
        """Make the records of all that has settled. Whoever wants to have everything written calls it before `flush`
        or `close`, on the event loop."""
        while self._settled:
            container, lines, received = self._settled.popleft()
            if self._writer.is_full:
                self._writer.lose(len(lines))
                continue
            made = [record for line in lines if (record := self._record(container, line, received)) is not None]
            if made:
                self._writer.events(container, made)

    def _record(self, container: Container, line: Line, received: int) -> EventRecord | None:
        try:
            full = self.level == "full" or (line[1] is not None and line[1].event.facts.session)
            if full and self._budget.allows:
                with self._budget.use():
                    return self._maker.record(container, line, received, "full")
            return self._maker.record(container, line, received, "summary")
        except Exception:
            # Of a plugin's variable, mostly, that is asked once more for a sentence. The event is not touched by it.
            self._writer.lose(1)
            log.warning("an event cannot be put on record", exc_info=True)
            return None

    def refused(self, reason: str, message: str, origin: str | None, client: str = "") -> None:
        """A whole request was refused."""
        if self.level != "off":
            self._writer.refused(reason, message, origin or "", self._time.now(), client)

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        """Requests to a vendor have ended."""
        if self.level != "off":
            self._writer.attempted(destination, attempts)

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """Deliveries have become dead letters."""
        if self.level != "off":
            self._writer.dead_lettered(destination, rows, dead, self._time.now())

    def moved(self, moves: Sequence[Move]) -> None:
        """Deliveries were erased, given up on arrival or put back into the queue. From any thread."""
        if self.level != "off":
            self._writer.moved(moves, self._time.now())

    def forget(self, persons: Collection[bytes], orders: Collection[str]) -> None:
        """What becomes of what was received of these persons and orders so far is put on record no more."""
        self._writer.forget(persons, orders, self._time.now())

    def left_out(self) -> list[Move]:
        """What was erased of persons who were forgotten, and is not on record; each once. After a `flush`."""
        return self._writer.left_out()

    def flush(self) -> bool:
        """Wait until what was told so far is written, or is lost; False where that takes too long. Blocks for that
        long."""
        return self._writer.flush()

    def close(self) -> None:
        """Write what is there, and end. Blocks for that long."""
        self._writer.close()
