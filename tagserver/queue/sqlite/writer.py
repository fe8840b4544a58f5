"""The writer: one thread that owns the database, and commits whatever waits as one group.

There is no timer. While one commit is at the disk the next group gathers, so that latency is low under little load
and the rate grows with the load. Nobody is answered before the commit of their group.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import operator
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tagserver.queue.errors import Full, OutboxError, Unavailable
from tagserver.queue.sqlite.backpressure import Pressure
from tagserver.queue.sqlite.schema import is_full

GROUP_OPERATIONS = 256
GROUP_BYTES = 1 << 20
LOOK_EVERY = 1.0
"""Seconds between two looks at whether those who wait have waited too long."""
TRIES = 20
"""Times that room is made for one operation: it comes in pieces."""
ROUND = 0.4
"""Seconds of the longest sleep, and between two calls of `look`."""

_WORK = operator.attrgetter("work")

Work = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
"""Work inside a transaction: one result for each argument. Arguments that wait one behind another for the same work
are handed over together, so that many small appends become one statement."""


@dataclass(slots=True)
class Operation:
    """An argument for a piece of work, and who waits for its result. `size` in bytes of payload: only what takes
    something in has one, and can be refused."""

    work: Work
    argument: Any
    future: asyncio.Future[Any]
    size: int
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs operations in its own thread.

    All of these are called in that thread: `finish` inside the transaction of a group, as its last statements;
    `committed(ok)` after it, before anybody is answered, with False when nothing of it was done; `look` between two
    groups, and when none comes, now and then, and says whether to look again at once; `idle` is work for moments in
    which nothing waits, and says whether there is more of it; `make_room` is asked when the disk is full and says
    whether there is more room now. `on_fatal` is called on the event loop when the storage cannot be trusted any more.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        *,
        finish: Callable[[sqlite3.Connection], None],
        committed: Callable[[bool], None],
        idle: Callable[[sqlite3.Connection], bool],
        look: Callable[[sqlite3.Connection], bool],
        make_room: Callable[[sqlite3.Connection], bool],
        commit_took: Callable[[float], None],
        on_fatal: Callable[[BaseException], None],
        pressure: Pressure,
    ) -> None:
        self._database = database
        self._finish = finish
        self._committed = committed
        self._idle = idle
        self._look_around = look
        self._make_room = make_room
        self._commit_took = commit_took
        self._on_fatal = on_fatal
        self._pressure = pressure
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Operation] = deque()
        self._group: list[Operation] = []
        self._chores: deque[Operation] = deque()
        # Bytes that came and that were taken to the disk; each is written by one thread alone.
        self._came = 0
        self._taken = 0
        self._look: asyncio.TimerHandle | None = None
        self._wake = threading.Semaphore(0)
        self._asleep = threading.Event()
        self._closing = False
        self.fatal: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="tagserver-outbox", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """The result of `work`, once it is on disk. Raises as `join` does."""
        return await self.join(lambda database, _: [work(database)], None)

    async def aside(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """The result of `work`, done between two groups and outside of every transaction. Raises as `join` does."""
        if (refusal := self._out_of_service()) is not None:
            raise refusal
        future: asyncio.Future[Any] = self._loop.create_future()
        self._chores.append(Operation(lambda database, _: [work(database)], None, future, 0))
        if self._asleep.is_set():
            self._wake.release()
        return await future

    async def join(self, work: Work, argument: Any, size: int = 0) -> Any:
        """The result of `work` for `argument`, done together with others that wait for the same, once it is on disk.

        Raises Full, Unavailable, or what the work raised.
        """
        refusal = self.refusal() if size else self._out_of_service()
        if refusal is not None:
            raise refusal
        if size:
            self._came += size
            if self._look is None:
                self._look = self._loop.call_later(LOOK_EVERY, self._look_at_the_time)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(Operation(work, argument, future, size))
        if self._asleep.is_set():
            self._wake.release()
        return await future

    def refusal(self) -> OutboxError | None:
        """Why nothing is taken in now, or None."""
        return self._out_of_service() or self._pressure.refusal(len(self._waiting), self._came - self._taken)

    def _out_of_service(self) -> OutboxError | None:
        if self.fatal is not None:
            return Unavailable(f"the queue's storage has failed ({type(self.fatal).__name__})", 30)
        return Unavailable("the server is closing") if self._closing else None

    def _look_at_the_time(self) -> None:
        """Who waits for a disk that stands still is told to come again. What is at the disk may be stored all the
        same: then the repeat is a duplicate."""
        self._look = None
        if self._pressure.hopeless():
            for operation in (*self._group, *self._waiting.copy()):
                if operation.size and not operation.future.done():
                    operation.future.set_exception(self._pressure.unavailable("the disk did not answer in time"))
        if self._waiting or self._group:
            self._look = self._loop.call_later(LOOK_EVERY, self._look_at_the_time)

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._closing = True
        self._wake.release()
        await asyncio.to_thread(self._thread.join)
        if self._look is not None:
            self._look.cancel()

    def _run(self) -> None:
        look_at = float("-inf")
        while True:
            if (now := time.monotonic()) >= look_at and self.fatal is None:
                look_at = now if self._between(self._look_around) else now + ROUND
            if self._chores:
                self._do(self._chores.popleft())
            self._group = self._gather()
            if self._group:
                self._commit(self._group)
                self._group = []
                continue
            if self._closing:
                if self._waiting or self._chores:
                    continue  # added just before the end
                return
            if self.fatal is None and self._between(self._idle):
                continue
            self._asleep.set()
            # An operation may have been added just before: look once more before sleeping.
            if not self._waiting and not self._chores and not self._closing:
                self._wake.acquire(timeout=ROUND)
            self._asleep.clear()

    def _do(self, chore: Operation) -> None:
        if self.fatal is not None:
            chore.error = Unavailable("the queue's storage has failed", 30)
        else:
            try:
                (chore.result,) = chore.work(self._database, [None])
            except sqlite3.Error as error:
                chore.error = self._pressure.unavailable(self._out_of_use(error) or f"the queue cannot write: {error}")
        with contextlib.suppress(RuntimeError):  # the loop is gone
            self._loop.call_soon_threadsafe(_answer, [chore])

    def _between(self, work: Callable[[sqlite3.Connection], bool]) -> bool:
        """Our own work between two groups; whether there is more of it."""
        try:
            return work(self._database)
        except sqlite3.Error as error:
            self._roll_back()
            self._committed(False)
            if _is_fatal(error):
                self._die(error)
            return False

    def _gather(self) -> list[Operation]:
        group: list[Operation] = []
        size = 0
        while self._waiting and len(group) < GROUP_OPERATIONS and size < GROUP_BYTES:
            operation = self._waiting.popleft()
            self._taken += operation.size
            if operation.size and operation.future.done():
                continue  # its sender was told to come again
            size += operation.size
            group.append(operation)
        return group

    def _commit(self, group: list[Operation]) -> None:
        self._pressure.began()
        if self.fatal is not None:
            for operation in group:
                operation.error = Unavailable("the queue's storage has failed", 30)
        else:
            try:
                self._transaction(group)
            except Exception as error:
                self._roll_back()
                self._committed(False)
                if isinstance(error, sqlite3.Error) and (why := self._out_of_use(error)) is not None:
                    # Of the file, not of one of them: to try each again would be worse than useless.
                    for operation in group:
                        operation.error = self._pressure.unavailable(why)
                else:
                    # One of them is bad: alone, each stands for itself.
                    for operation in group:
                        self._alone(operation)
        self._pressure.ended()
        with contextlib.suppress(RuntimeError):  # the loop is gone: so is everybody who waited
            self._loop.call_soon_threadsafe(_answer, group)

    def _transaction(self, group: list[Operation]) -> None:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        for work, same in itertools.groupby(group, key=_WORK):
            operations = list(same)
            results = work(database, [operation.argument for operation in operations])
            for operation, result in zip(operations, results, strict=True):
                operation.result = result
        self._finish(database)
        began = time.monotonic()
        database.execute("COMMIT")
        self._commit_took(time.monotonic() - began)
        self._committed(True)

    def _alone(self, operation: Operation, tries: int = TRIES) -> None:
        if self.fatal is not None:
            operation.error = Unavailable("the queue's storage has failed", 30)
            return None
        try:
            self._transaction([operation])
        except sqlite3.Error as error:
            self._roll_back()
            self._committed(False)
            if is_full(error):
                # Taking in has to wait; what is delivered must be recorded.
                if self._make_room(self._database) and not operation.size and tries:
                    return self._alone(operation, tries - 1)
                operation.error = Full("the queue is full", 10)
                return None
            why = self._out_of_use(error) or f"the queue cannot write: {error}"
            operation.error = self._pressure.unavailable(why)
        except Exception as error:
            self._roll_back()
            self._committed(False)
            operation.error = error

    def _out_of_use(self, error: sqlite3.Error) -> str | None:
        """Why the file cannot be written for a while, or ever again; None when something else went wrong."""
        if _is_fatal(error):
            self._die(error)
            return f"the queue's storage has failed: {error}"
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return "another program has locked the queue's file"
        return None

    def _roll_back(self) -> None:
        # After some errors SQLite has rolled back by itself.
        if self._database.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")

    def _die(self, error: BaseException) -> None:
        """After a failed fsync the kernel may have dropped the pages: nothing more may be promised."""
        self.fatal = error
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_fatal, error)


def _is_fatal(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    if is_full(error) or code == sqlite3.SQLITE_IOERR_NOMEM:
        return False
    return code & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _answer(group: list[Operation]) -> None:
    for operation in group:
        if operation.future.done():
            continue
        if operation.error is not None:
            operation.future.set_exception(operation.error)
        else:
            operation.future.set_result(operation.result)
