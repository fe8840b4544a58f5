"""The default engine: one SQLite file, WAL, `synchronous=FULL`, one owning process, one writer thread with group
commit. Its rooms: `rows`, `intake`, `flights`, `lanes`, `keys`, `letters`, `causes`, `tombstones`, `presence`,
`erasure`, `counters`, `volumes`, `pauses`, `shares`, `waiting`, `space`, `place`, `opening`, `salvage`, `care`,
`writer`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from tagserver.queue.backpressure import Pressure
from tagserver.queue.crash_suspects import Marks, marked
from tagserver.queue.outbox import (
    Batch,
    Counts,
    Delivery,
    Full,
    Receipt,
    Room,
    Settlement,
    Unavailable,
)
from tagserver.queue.pauses import Pauses
from tagserver.queue.presence import Presence
from tagserver.queue.retry import Chance
from tagserver.queue.sqlite.causes import Causes
from tagserver.queue.sqlite.claims import Flights
from tagserver.queue.sqlite.closing import close_queue
from tagserver.queue.sqlite.dead import SqliteDeadLetters
from tagserver.queue.sqlite.dead_letters import Letters
from tagserver.queue.sqlite.enqueue import Intake, size_of
from tagserver.queue.sqlite.erasure_walk import Erasure
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.lock import FolderLock, QueueLock
from tagserver.queue.sqlite.maintenance import Care, empty_log, reuse_log
from tagserver.queue.sqlite.opening import open_queue, require_local_disk
from tagserver.queue.sqlite.persons import SqlitePersons
from tagserver.queue.sqlite.place import Place
from tagserver.queue.sqlite.priority import Lanes
from tagserver.queue.sqlite.recovery import MARK
from tagserver.queue.sqlite.shares import Shares
from tagserver.queue.sqlite.space import Space
from tagserver.queue.sqlite.waiting import Waiting
from tagserver.queue.sqlite.writer import Writer
from tagserver.queue.trouble import Trouble, TroubleKind

log = logging.getLogger("tagserver.delivery")


class SqliteOutbox(SqliteDeadLetters, SqlitePersons):
    """An `Outbox` in one file. Made by `open`."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int],
        steady: Callable[[], float],
        max_size: int,
        share: int | None,
        min_free: int,
        keep_dead: float,
        on_fatal: Callable[[BaseException], None],
        commit_took: Callable[[float], None],
        chance: Chance,
        calm: Callable[[float], bool],
    ) -> None:
        self._path = path
        self._steady = steady
        self._closed = False
        self._appended: dict[str, asyncio.Event] = {}
        self._on_fatal = on_fatal
        locked = path.with_name(path.name + ".lock")
        marks = path.with_name(path.name + ".working")
        with contextlib.ExitStack() as undo:
            self._lock = FolderLock(locked)
            undo.callback(self._lock.release)
            self._queue_lock = QueueLock(path)
            undo.callback(self._queue_lock.release)
            opened = open_queue(path, max_size, clock, marked(marks))
            undo.callback(opened.database.close)
            self._queue_lock.renew()
            self._marks = Marks(marks)
            self._place = Place(path, locked, self._queue_lock.descriptor, steady)
            undo.pop_all()
        self._database, self._counters, self._tombstones = opened.database, opened.counters, opened.tombstones
        self._notice = opened.notice
        self.pauses = Pauses(self._database, lambda work: self._writer.run(work), clock, steady)
        """Which destinations somebody has stopped by hand."""
        self._keys = Keys(clock)
        self.waiting = Waiting(lambda work: self._writer.aside(work))
        """A look at what waits, without taking it."""
        self._presence = Presence(empty=not any(one.pending or one.dead for one in self._counters.shown.values()))
        self._space = Space(path, max_size, min_free, steady)
        self._space.ballast.owed = opened.lent
        self._space.measure(self._database)
        self._causes = Causes(self._database)
        self.shares = Shares(self._counters.volumes, self.pauses.spans, max_size, lambda: self._space.used, share)
        """What of the queue those may take that stand still by somebody's hand."""
        self._intake = Intake(
            self._keys, self._counters, self._presence, self._space, self.shares, self._causes, clock, chance
        )
        self._flights = Flights(self._counters, Lanes(), self._causes, clock)
        self._letters = Letters(self._counters, self._presence, self._causes, clock, steady)
        self._erasure = Erasure(self._counters, self._flights, self._presence)
        care = Care(
            self._counters,
            self._keys,
            self._tombstones,
            self._letters,
            self._causes,
            self._space,
            keep_dead=keep_dead,
            steady=steady,
            calm=calm,
        )
        self._writer = Writer(
            self._database,
            finish=self._finish,
            committed=self._group_ended,
            idle=care.slice,
            look=self._look,
            make_room=self._make_room,
            commit_took=commit_took,
            on_fatal=self._fatal,
            pressure=Pressure(steady, chance),
        )

    def _look(self, database: sqlite3.Connection) -> None:
        self._place.look()
        if self._place.log_lost:
            empty_log(database)

    def _make_room(self, database: sqlite3.Connection) -> bool:
        gave = self._space.give_up_ballast()
        # With that room the log gets into the file, and is then written anew where it lies: that needs no room at all.
        return reuse_log(database) or gave

    def _fatal(self, error: BaseException) -> None:
        # Of another queue that lies there now nothing is known.
        if self._place.trouble() is None and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            with contextlib.suppress(OSError):
                Path(f"{self._path}{MARK}").touch(mode=0o600)
        self._on_fatal(error)

    def _finish(self, database: sqlite3.Connection) -> None:
        self._counters.write(database)
        self._space.measure(database)

    def _group_ended(self, ok: bool) -> None:
        self._flights.group_ended(ok)
        self._causes.group_ended(ok)
        self._counters.committed(ok)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], int],
        steady: Callable[[], float] = time.monotonic,
        max_size: int = 8 << 30,
        share: int | None = None,
        min_free: int = 512 << 20,
        keep_dead: float = 14 * 86400.0,
        on_fatal: Callable[[BaseException], None] | None = None,
        commit_took: Callable[[float], None] = lambda seconds: None,
        chance: Chance | None = None,
        calm: Callable[[float], bool] = lambda seconds: True,
        any_disk: bool = False,
    ) -> Self:
        """Open or make the file. Sizes in bytes (`share`: what may wait for one that is stopped by hand, if not a
        quarter), `keep_dead` in seconds; `commit_took` hears how long each group
        commit took, from the writer's thread; `calm(seconds)` says whether the wall clock can be believed for so long;
        `any_disk`: also on a network file system. Raises OutboxStartError."""
        if not any_disk:
            require_local_disk(path.parent)
        return cls(
            path,
            clock=clock,
            steady=steady,
            max_size=max_size,
            share=share,
            min_free=min_free,
            keep_dead=keep_dead,
            on_fatal=on_fatal or (lambda error: None),
            commit_took=commit_took,
            chance=chance or random.Random(),  # noqa: S311 (jitter, no secret)
            calm=calm,
        )

    # ── taking in
    # ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """See `Outbox.append`."""
        if self._closed:
            raise Unavailable("the server is closing")
        self._place.refuse()
        self._intake.refuse()
        receipts: list[Receipt] = await self._writer.join(self._intake.append, deliveries, size_of(deliveries))
        both = zip(deliveries, receipts, strict=True)
        for destination in {delivery.destination for delivery, receipt in both if receipt.stored}:
            self._announce(destination)
        return receipts

    def _announce(self, destination: str) -> None:
        if (event := self._appended.get(destination)) is not None:
            event.set()

    # ── giving out
    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(
        self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False, untried: bool = False
    ) -> Batch | None:
        """See `Outbox.claim`."""
        batch: Batch | None = await self._writer.run(
            lambda database: self._flights.claim(database, destination, max_items, max_bytes, newest, untried)
        )
        return batch

    def working(self, batch: Batch) -> AbstractContextManager[None]:
        """See `Outbox.working`."""
        return self._marks.mark(batch.flight)

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """See `Outbox.settle`."""
        await self._writer.run(lambda database: self._flights.settle(database, batch, settlement))

    async def wait(self, destination: str) -> None:
        """See `Outbox.wait`."""
        event = self._appended.setdefault(destination, asyncio.Event())
        event.clear()
        if self.ready(destination) > self._flights.number(destination):
            return
        await event.wait()

    def ready(self, destination: str) -> int:
        """See `Outbox.ready`."""
        counts = self._counters.shown.get(destination)
        return counts.pending if counts else 0

    def counts(self) -> Mapping[str, Counts]:
        """See `Outbox.counts`."""
        return self._counters.shown

    async def oldest(self, destination: str) -> int | None:
        """See `Outbox.oldest`."""
        if not self.ready(destination):
            return None

        def work(database: sqlite3.Connection) -> int | None:
            query = "SELECT received FROM delivery WHERE destination = ? ORDER BY id LIMIT 1"
            found = database.execute(query, (destination,)).fetchone()
            return found[0] if found else None

        oldest: int | None = await self._writer.run(work)
        return oldest

    def _announce_all(self) -> None:
        for destination in list(self._appended):
            self._announce(destination)

    # ── care and end
    # ────────────────────────────────────────────────────────────────────────────────────────────────────

    def burials(self) -> Mapping[tuple[str, str, str], int]:
        """See `Outbox.burials`."""
        return self._counters.burials.shown

    def room(self) -> Room:
        """See `Outbox.room`."""
        return Room(self._space.used, self._space.limit)

    def notice(self) -> str | None:
        """See `Outbox.notice`."""
        return self._notice

    def trouble(self) -> Trouble | None:
        """See `Outbox.trouble`."""
        if self._closed:
            return Trouble("closed", "the queue is closed")
        if (lost := self._place.trouble()) is not None:
            return Trouble("files_lost", lost)
        if (refusal := self._writer.refusal()) is not None:
            failed: TroubleKind = "storage_failed" if self._writer.fatal is not None else "disk_slow"
            return Trouble("crowded" if isinstance(refusal, Full) else failed, str(refusal))
        if (full := self._space.refusal()) is not None:
            return Trouble("disk_full" if self._space.scarce else "queue_full", full)
        return None

    async def close(self) -> None:
        """See `Outbox.close`."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        if self._writer.fatal is None:
            self._counters.volumes.write_all(self._database)
            left = sum(counts.pending + counts.dead for counts in self._counters.shown.values())
            close_queue(self._database, self._path, self._place, self._space, left)
        else:
            _left_open.append(self._database)
        self._marks.close()
        self._queue_lock.release()
        self._lock.release()


_left_open: list[sqlite3.Connection] = []
"""Files whose storage has failed. To close them would checkpoint: a second sync, which may claim a success that is
none, and then the only sound copy (the `-wal`) would be cut. The process ends without it (`cli/serve.py`)."""
