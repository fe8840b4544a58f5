"""The default engine: one SQLite file, WAL, `synchronous=FULL`, one owning process, one writer thread with group
commit. It implements all of `tagserver.queue.api`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Self

from tagserver.queue.crash_suspects import Marks, marked
from tagserver.queue.errors import Full, Trouble, TroubleKind, Unavailable
from tagserver.queue.moves import Hear
from tagserver.queue.pauses import Pauses, Quotas
from tagserver.queue.sqlite.backpressure import Pressure, Space, empty_log, reuse_log
from tagserver.queue.sqlite.claims import LOOK_PAUSE, LOOKED, Asked, Claims, Priority, pending_piece
from tagserver.queue.sqlite.dead_letters import DeadLetterTable, SqliteDeadLetters
from tagserver.queue.sqlite.dead_search import Causes, DeadSearch
from tagserver.queue.sqlite.enqueue import Enqueue, size_of
from tagserver.queue.sqlite.held_copies import Asked as Waiting
from tagserver.queue.sqlite.held_copies import Ended, HeldCopies
from tagserver.queue.sqlite.maintenance import Housekeeping, close_queue
from tagserver.queue.sqlite.ownership import FileWatch, FolderLock, QueueLock
from tagserver.queue.sqlite.person_filter import PersonFilter
from tagserver.queue.sqlite.recovery import MARK
from tagserver.queue.sqlite.rows import PauseTable
from tagserver.queue.sqlite.startup import open_queue, require_local_disk
from tagserver.queue.sqlite.suppressions import ErasureWalk, SqliteSuppressions
from tagserver.queue.sqlite.writer import Writer
from tagserver.queue.values import Batch, Counts, DeadLettered, Delivery, HeldCopy, Receipt, Room, Row, Settlement
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")


class SqliteOutbox(SqliteDeadLetters, SqliteSuppressions):
    """An `Outbox` in one file. Made by `open`."""

    def __init__(
        self,
        path: Path,
        *,
        time: Time,
        max_size: int,
        share: int | None,
        min_free: int,
        keep_dead: float,
        on_fatal: Callable[[BaseException], None],
        commit_took: Callable[[float], None],
    ) -> None:
        self._path = path
        self._time = time
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
            opened = open_queue(path, max_size, time, marked(marks))
            undo.callback(opened.database.close)
            self._queue_lock.renew()
            self._marks = Marks(marks)
            self._files = FileWatch(path, locked, self._queue_lock.descriptor, time)
            undo.pop_all()
        self._database, self._counters, self._tombstones = opened.database, opened.counters, opened.tombstones
        self._notice = opened.notice
        self.pauses = Pauses(PauseTable(self._database, lambda work: self._writer.run(work)), time)
        """Which destinations somebody has stopped by hand."""
        self._keys = opened.keys
        self._person_filter = PersonFilter(
            empty=not any(one.pending or one.dead for one in self._counters.shown.values())
        )
        self._space = Space(path, max_size, min_free, time)
        self._space.ballast.owed = opened.lent
        self._space.measure(self._database)
        self._causes = Causes(self._database)
        self.quotas = Quotas(self._counters.volumes, self.pauses.spans, max_size, lambda: self._space.used, share)
        """What of the queue those may take that stand still by somebody's hand."""
        self._enqueue = Enqueue(
            self._keys, self._counters, self._person_filter, self._space, self.quotas, self._causes, time
        )
        self._held_copies = HeldCopies(self._enqueue, self._keys, self._counters, self._person_filter, time)
        self._claims = Claims(self._counters, Priority(), self._causes, time)
        self._dead_search = DeadSearch(self._causes)
        self._dead_letters = DeadLetterTable(self._counters, self._person_filter, self._dead_search, time)
        self._erasure = ErasureWalk(self._counters, self._claims, self._person_filter)
        housekeeping = Housekeeping(
            self._counters,
            self._keys,
            self._tombstones,
            self._dead_letters,
            self._causes,
            self._space,
            keep_dead=keep_dead,
            time=time,
        )
        self._writer = Writer(
            self._database,
            finish=self._finish,
            committed=self._group_ended,
            idle=housekeeping.slice,
            look=self._look,
            make_room=self._make_room,
            commit_took=commit_took,
            on_fatal=self._fatal,
            pressure=Pressure(time),
        )

    def _look(self, database: sqlite3.Connection) -> bool:
        self._files.look()
        if lost := self._files.log_lost:
            empty_log(database)
        return lost

    def _make_room(self, database: sqlite3.Connection) -> bool:
        gave = self._space.give_up_ballast()
        # With that room the log gets into the file, and is then written anew where it is: that needs no room at all.
        return reuse_log(database) or gave

    def _fatal(self, error: BaseException) -> None:
        # Of another queue that is there now nothing is known.
        if self._files.trouble() is None and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            with contextlib.suppress(OSError):
                Path(f"{self._path}{MARK}").touch(mode=0o600)
        self._on_fatal(error)

    def _finish(self, database: sqlite3.Connection) -> None:
        self._counters.write(database)
        self._space.measure(database)

    def _group_ended(self, ok: bool) -> None:
        self._claims.group_ended(ok)
        self._causes.group_ended(ok)
        self._counters.committed(ok)
        self._keys.group_ended(ok)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        time: Time,
        max_size: int = 8 << 30,
        share: int | None = None,
        min_free: int = 512 << 20,
        keep_dead: float = 14 * 86400.0,
        on_fatal: Callable[[BaseException], None] | None = None,
        commit_took: Callable[[float], None] = lambda seconds: None,
        any_disk: bool = False,
    ) -> Self:
        """Open or make the file. Sizes in bytes (`share`: what may wait for one that is stopped by hand, if not a
        quarter), `keep_dead` in seconds; `commit_took` hears how long each group commit took, from the writer's
        thread; `any_disk`: also on a network file system. Raises OutboxStartError."""
        if not any_disk:
            require_local_disk(path.parent)
        return cls(
            path,
            time=time,
            max_size=max_size,
            share=share,
            min_free=min_free,
            keep_dead=keep_dead,
            on_fatal=on_fatal or (lambda error: None),
            commit_took=commit_took,
        )

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """See `Queue.append`."""
        if self._closed:
            raise Unavailable("the server is closing")
        self._files.refuse()
        self._enqueue.refuse()
        size = size_of(deliveries)
        receipts: list[Receipt] = await self._writer.join(self._enqueue.append, (deliveries, size), size)
        if self._appended:
            for delivery, receipt in zip(deliveries, receipts, strict=True):
                if not receipt.duplicate and (waiting := self._appended.get(delivery.destination)) is not None:
                    waiting.set()
        return receipts

    async def remember(self, keys: Mapping[bytes, bytes], ttl: float) -> None:
        """See `Queue.remember`."""
        self._files.refuse()
        expires = self._time.now() + int(ttl * 1000)
        kept = [(key, expires, mark) for key, mark in keys.items()]
        await self._writer.run(lambda database: self._keys.remember(database, kept))

    async def known(self, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """See `Queue.known`."""
        self._files.refuse()
        found: Mapping[bytes, bytes] = await self._writer.join(self._keys.known_to, keys)
        return found

    async def hold(self, deliveries: Sequence[Delivery], due: int) -> Sequence[Receipt]:
        """See `HeldCopies.hold`."""
        if self._closed:
            raise Unavailable("the server is closing")
        self._files.refuse()
        self._enqueue.refuse()
        size = size_of(deliveries)
        receipts: list[Receipt] = await self._writer.join(self._held_copies.hold, Waiting(deliveries, due, size), size)
        return receipts

    async def due(self, at: int, limit: int) -> Sequence[HeldCopy]:
        """See `HeldCopies.due`."""
        self._files.refuse()
        found: list[HeldCopy] = await self._writer.run(lambda database: self._held_copies.due(database, at, limit))
        return found

    async def release(self, ids: Sequence[int], dead: Sequence[DeadLettered] = ()) -> None:
        """See `HeldCopies.release`."""
        self._files.refuse()
        for destination in {*await self._writer.join(self._held_copies.release, Ended(ids, dead))}:
            self._announce(destination)

    def _announce(self, destination: str) -> None:
        if (event := self._appended.get(destination)) is not None:
            event.set()

    async def claim(
        self, destination: str, *, max_items: int, max_bytes: int, newest: bool = False, untried: bool = False
    ) -> Batch | None:
        """See `Queue.claim`."""
        asked = Asked(destination, max_items, max_bytes, newest, untried)
        batch: Batch | None = await self._writer.join(self._claims.claim, asked)
        return batch

    def working(self, batch: Batch) -> AbstractContextManager[None]:
        """See `Queue.working`."""
        return self._marks.mark(batch.id)

    async def settle(self, batch: Batch, settlement: Settlement) -> None:
        """See `Queue.settle`."""
        await self._writer.join(self._claims.settle, (batch, settlement))

    async def wait(self, destination: str) -> None:
        """See `Queue.wait`."""
        event = self._appended.setdefault(destination, asyncio.Event())
        event.clear()
        if self.ready(destination) > self._claims.number(destination):
            return
        await event.wait()

    def ready(self, destination: str) -> int:
        """See `Queue.ready`."""
        counts = self._counters.shown.get(destination)
        return counts.pending - counts.waiting if counts else 0

    def counts(self) -> Mapping[str, Counts]:
        """See `Queue.counts`."""
        return self._counters.shown

    async def oldest(self, destination: str) -> int | None:
        """See `Queue.oldest`."""
        if not self.ready(destination):
            return None

        def work(database: sqlite3.Connection) -> int | None:
            query = "SELECT received FROM delivery WHERE destination = ? ORDER BY id LIMIT 1"
            found = database.execute(query, (destination,)).fetchone()
            return found[0] if found else None

        oldest: int | None = await self._writer.run(work)
        return oldest

    async def pending_rows(self, destination: str) -> AsyncIterator[Sequence[Row]]:
        """See `Queue.pending_rows`. Done piece by piece, between two groups of the writer."""
        after = 0
        while True:
            rows: list[Row] = await self._writer.aside(partial(pending_piece, destination=destination, after=after))
            if rows:
                yield rows
            if len(rows) < LOOKED:
                return
            after = rows[-1].id
            await asyncio.sleep(LOOK_PAUSE)

    def _announce_all(self) -> None:
        for destination in list(self._appended):
            self._announce(destination)

    def dead_lettered(self) -> Mapping[tuple[str, str, str], int]:
        """See `DeadLetters.dead_lettered`."""
        return self._counters.dead_lettered.shown

    def room(self) -> Room:
        """See `Maintenance.room`."""
        return Room(self._space.used, self._space.limit)

    def hear(self, moved: Hear) -> None:
        """See `Maintenance.hear`."""
        self._counters.moves.hear = moved

    def notice(self) -> str | None:
        """See `Maintenance.notice`."""
        return self._notice

    def trouble(self) -> Trouble | None:
        """See `Queue.trouble`."""
        if self._closed:
            return Trouble("closed", "the queue is closed")
        if (lost := self._files.trouble()) is not None:
            return Trouble("files_lost", lost)
        if (refusal := self._writer.refusal()) is not None:
            failed: TroubleKind = "storage_failed" if self._writer.fatal is not None else "disk_slow"
            return Trouble("crowded" if isinstance(refusal, Full) else failed, str(refusal))
        if (full := self._space.refusal()) is not None:
            return Trouble("disk_full" if self._space.scarce else "queue_full", full)
        return None

    async def close(self) -> None:
        """See `Maintenance.close`."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        if self._writer.fatal is None:
            self._counters.volumes.write_all(self._database)
            left = sum(counts.pending + counts.dead for counts in self._counters.shown.values())
            close_queue(self._database, self._path, self._files, self._space, left)
        else:
            _left_open.append(self._database)
        self._marks.close()
        self._queue_lock.release()
        self._lock.release()


_left_open: list[sqlite3.Connection] = []
"""Files whose storage has failed. To close them would checkpoint: a second sync, which may claim a success that is
none, and then the only sound copy (the `-wal`) would be cut. The process ends without it (`cli/serve.py`)."""
