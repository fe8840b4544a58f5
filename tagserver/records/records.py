"""The records of a running server: store, recorder, reader and those who watch, put together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tagserver.config.records import RecordsConfig
from tagserver.queue.moves import Move
from tagserver.records.absent import NoRecords
from tagserver.records.api import Group, Kept, RecordsError, RecordStore
from tagserver.records.live import Live
from tagserver.records.making import id_text, moved
from tagserver.records.order_fates import MOST
from tagserver.records.reader import RecordReader
from tagserver.records.recorder import Recorder
from tagserver.records.values import Attempted, EventRecord
from tagserver.system.time import Time

log = logging.getLogger("tagserver.records")
T = TypeVar("T")
READERS = 2
"""Questions that are answered at a time. Those that look far take seconds, and packed requests to `/collect` wait for a
thread, too: not for one of these."""
ORDERS_FOLLOWED = 8 * 86_400_000
"""Milliseconds back to which deliveries of orders may still be on their way when the server starts."""


class Records:
    """One for each data folder. `store` is what an engine has opened."""

    def __init__(self, store: RecordStore, config: RecordsConfig, install_key: bytes, time: Time) -> None:
        self.store = store
        self.config = config
        self.live = Live()
        self.reader = RecordReader(store)
        self.recorder = Recorder(store, install_key, time, level=config.level, made=self._made)
        self._readers = ThreadPoolExecutor(READERS, "tagserver-reading")
        self._time = time
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to write."""
        self._loop = asyncio.get_running_loop()
        since = self._time.now() - ORDERS_FOLLOWED
        orders: Collection[str] = ()
        try:
            orders = await asyncio.to_thread(
                lambda: deque((one.event_id for one in self.store.orders(since=since)), maxlen=MOST)
            )
        except RecordsError as error:
            log.error("which orders are still on their way cannot be read, and their ends are not kept: %s", error)
        self.recorder.start(orders, self._loop.call_soon)

    def configured(self, config: RecordsConfig) -> None:
        """The settings were read again."""
        if config != self.config:
            self.config = config
            self.recorder.level = config.level
            self.store.limit(config.keep, config.max_size)

    async def read(self, ask: Callable[[RecordReader], T]) -> T:
        """What the reader answers, asked in a worker thread of its own. Raises RecordsError."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, ask, self.reader)

    async def flush(self) -> bool:
        """Wait until what has come so far is written, or is lost; False where that takes too long."""
        self.recorder.catch_up()
        return await asyncio.to_thread(self.recorder.flush)

    async def erase(self, persons: Collection[bytes], orders: Collection[str]) -> int | None:
        """Erase what is kept of persons and orders: how many records; None where it could not be done, which is in the
        log. What was decided before is written first."""
        known = {id_text(order.strip()) for order in orders}
        self.recorder.forget(persons, known)
        written = await self.flush()
        try:
            erased = await asyncio.to_thread(self.store.erase, persons, known)
            await asyncio.to_thread(self._tell_of_the_rest, self.recorder.left_out())
        except RecordsError as error:
            log.error("records could not be erased: %s", error)
            return None
        if not written:
            log.error("records were erased before all that was decided was written: erase once more")
        return erased if written else None

    def _tell_of_the_rest(self, erased: Sequence[Move]) -> None:
        """A record that tells of no person is not found by theirs, and stays: it must not say that something which was
        erased is on its way."""
        left = [one for one in erased if self.store.of_event(id_text(one.event_id))]
        if left:
            self.store.write(Group(attempts=moved(left, self._time.now())))

    async def close(self) -> None:
        """Write what is there, and end."""
        self.live.end()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.recorder.catch_up()
        await asyncio.to_thread(self.recorder.close)

    @property
    def notice(self) -> str | None:
        """What operations should know. With level `off` nothing: then nothing is to be written."""
        if self.config.level == "off":
            return None
        trouble = self.store.why if isinstance(self.store, NoRecords) else self.recorder.trouble
        return None if trouble is None else f"records cannot be written: {trouble}"

    async def shown(self) -> dict[str, Any]:
        """What `status.json` says; `since` in ms. Of a file that cannot be read, why (`notice`), and nothing else."""
        notice = self.notice
        try:
            kept = await asyncio.to_thread(self.store.kept)
        except RecordsError as error:
            kept, notice = Kept(0, None, 0, self.config.max_size), notice or str(error)
        return {
            "level": self.config.level,
            "events": kept.events,
            "since": kept.since,
            "bytes": kept.bytes,
            "limit": kept.limit,
            "keep_s": self.config.keep,
            "lost": self.recorder.lost,
            "viewers": self.live.viewers,
            "notice": notice,
        }

    def _made(self, records: Sequence[EventRecord], attempts: Sequence[Attempted]) -> None:
        """In the thread that writes."""
        if self.live.watched and self._loop is not None:
            self._loop.call_soon_threadsafe(self.live.tell, records, attempts)
