"""Copies of the queue that a running server makes in its data folder, for `tagserver backup` to pack.

The server makes them because it alone may open the queue; the command packs them because it alone may know the place: a
server under a unit or in a container cannot write there, and who has the admin token may not choose files to be
written.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from tagserver.queue.api import Maintenance
from tagserver.queue.errors import Unavailable
from tagserver.queue.sqlite.snapshot import ENDING, copy_queue
from tagserver.queue.sqlite.startup import ALONE
from tagserver.system.amounts import size

KEPT = 3600.0
"""Seconds that a copy lies there at most: as long as a command is given to pack it."""
LOOK_EVERY = 60.0


class Snapshot(msgspec.Struct, frozen=True):
    """A copy: `file` in the data folder, of the queue's file `queue`, made at `time` (ms). Whoever has packed it
    removes it."""

    file: str
    queue: str
    time: int


class Snapshots:
    """One copy at a time; an older one that nobody has removed gives way to it. `steady`: seconds that never jump."""

    def __init__(
        self,
        outbox: Maintenance,
        data: Path,
        queue: str,
        min_free: int,
        clock: Callable[[], int],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._data = data
        self._queue = queue
        self._min_free = min_free
        self._clock = clock
        self._steady = steady
        self._one_at_a_time = asyncio.Lock()
        self._made = float("inf")
        """When the last copy was made, until it is looked for."""

    async def make(self) -> Snapshot:
        """Make one, aside from everything else that the server does. Raises Unavailable with a sentence."""
        if self._one_at_a_time.locked():
            raise Unavailable("another backup is being made: wait for it")
        async with self._one_at_a_time:
            clear(self._data, self._queue)
            self._require_room()
            made_at = self._clock()
            file = f"{self._queue}{ENDING}{secrets.token_hex(8)}"
            try:
                await asyncio.to_thread(copy_queue, self._data / self._queue, self._data / file)
            except OSError as error:
                why = error.strerror or str(error)
                if self._outbox.notice() == ALONE:
                    why = (
                        "it was opened on a full disk, and nothing else can read it; make room, restart, and try again"
                    )
                raise Unavailable(
                    f"the queue cannot be copied: {why}; the server goes on, nothing is left of it"
                ) from None
            self._made = self._steady()
            return Snapshot(file, self._queue, made_at)

    def look(self) -> None:
        """Remove a copy whose command has not ended in time: it was killed, and nobody else would. What was forgotten
        must not lie there any longer than in a backup that somebody wants."""
        if self._steady() - self._made >= KEPT and not self._one_at_a_time.locked():
            clear(self._data, self._queue)
            self._made = float("inf")

    async def mind(self, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        """Look now and then, until cancelled."""
        while True:
            await sleep(LOOK_EVERY)
            self.look()

    def _require_room(self) -> None:
        needed = self._outbox.room().used
        try:
            free = shutil.disk_usage(self._data).free
        except OSError:
            return
        if free < needed + self._min_free:
            raise Unavailable(
                f"the copy needs {size(needed)} on the disk of the data folder, {size(self._min_free)} of it "
                f"are kept free, and {size(free)} are left: make room, or stop the server and run this again"
            )


def clear(data: Path, queue: str) -> None:
    """Remove copies that nobody has packed."""
    for left in data.glob(f"{queue}{ENDING}*"):
        with contextlib.suppress(OSError):
            left.unlink()
