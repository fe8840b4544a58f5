"""What a running server does for backups: a journal, copies of the queue, and no delivery after a restore until it may.

The server makes the copies for `tagserver backup` because it alone may open the queue; the command packs them because
it alone may know the place: a server under a unit or in a container cannot write there, and who has the admin token may
not choose files to be written."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tagserver.backup.hold import DeliveryHold
from tagserver.backup.journal import JournalFile, Line, installation, laid
from tagserver.backup.restoring import ASIDE, STAGE, unfinished
from tagserver.config.queue import QueueConfig
from tagserver.queue.api import Maintenance
from tagserver.queue.errors import OutboxStartError, Unavailable
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.recovery import DAMAGED
from tagserver.queue.sqlite.snapshot import ENDING, copy_queue, queues_in
from tagserver.queue.sqlite.startup import ALONE
from tagserver.queue.values import Tombstone
from tagserver.system.text import size
from tagserver.system.time import Time

AT_START = 0.5
"""Seconds that a start waits for the journal."""


class Keeping:
    """Made when the outbox is open: the data folder is ours then. `journal`: its file, or None."""

    def __init__(
        self,
        data: Path,
        outbox: JournaledOutbox,
        queue: QueueConfig,
        install_key: bytes,
        journal: Path | None,
        time: Time,
    ) -> None:
        clear(data, queue.file)
        shutil.rmtree(data / STAGE, ignore_errors=True)  # of a restore that was killed before it changed anything
        self._data = data
        self._queue = queue.file
        self._others = [path.name for path in queues_in(data) if path.name != queue.file]
        self.hold = DeliveryHold(data)
        self.snapshots = Snapshots(outbox, data, queue.file, queue.min_free, time)
        self.journal = outbox.journal = (
            None if journal is None else JournalFile(journal, installation(install_key), outbox.stones, data, time)
        )

    async def start(self) -> None:
        """Read the journal, add what it lacks, say that it is kept. One that takes long is not waited for, because
        whoever connects meanwhile would wait, too."""
        if self.journal is not None:
            self._starting = asyncio.create_task(self.journal.mark("start"), name="journal's begin")
            await asyncio.wait({self._starting}, timeout=AT_START)

    async def mind(self) -> None:
        """Keep the journal alive, and no copy that nobody packs, until cancelled."""
        if self.journal is None:
            await self.snapshots.mind()
        else:
            await asyncio.gather(self.snapshots.mind(), self.journal.mind())

    def lacking(self) -> str | None:
        """Why the journal lacks something, or None."""
        return None if self.journal is None else self.journal.trouble

    def elsewhere(self) -> str | None:
        """What to say of a queue that lies in the data folder and is not the one that is configured: what waits in it
        is not sent, and what persons took back is known to it alone. It was restored under its own name, or somebody
        has changed `queue.url`."""
        if not self._others:
            return None
        names = ", ".join(self._others)
        return (
            f"the data folder holds another queue ({names}): nothing of it is sent, and what was withdrawn in it is "
            "not known here; name it in queue.url, or move it out of the folder"
        )

    def copies(self) -> list[str]:
        """What lies in the data folder of an earlier time, by name: a queue that was set aside, what was there before a
        restore, a copy that waits to be packed. Who is forgotten is still in them."""
        beginnings = (f"{self._queue}{DAMAGED}", f"{self._queue}{ENDING}", ASIDE)
        with suppress(OSError):  # the folder is gone, and all copies with it
            return sorted(path.name for path in self._data.iterdir() if path.name.startswith(beginnings))
        return []

    async def close(self) -> None:
        """The journal's last line."""
        if self.journal is not None:
            await self.journal.close()

    async def snapshot(self) -> Snapshot:
        """A copy of the queue for a backup, and a line in the journal that reaches beyond it. Raises Unavailable."""
        made = await self.snapshots.make()
        if self.journal is not None:
            await self.journal.mark("backup")
        return made


def require_whole(data: Path) -> None:
    """Raises OutboxStartError for a folder in which a restore has begun to change something, and has not ended."""
    if (why := unfinished(data)) is not None:
        raise OutboxStartError(why)


# ── a queue beside which a journal is kept


class JournaledOutbox(SqliteOutbox):
    """A `SqliteOutbox` beside which a journal may be kept. What could not be stored in the queue is not in the journal
    either: its sender was told to come again."""

    journal: JournalFile | None = None

    def stones(self) -> Iterator[Line]:
        """All that is withdrawn now, as lines of a journal. From memory, in any thread."""
        for person, purpose, since, until, expires in self._tombstones.all():
            yield laid(since, [Tombstone(person, purpose, since, until)], expires)

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """See `Suppressions.withdraw`."""
        await super().withdraw(tombstones, ttl)
        if self.journal is not None and tombstones:
            await self.journal.withdrawn(tombstones, ttl)

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """See `Suppressions.lift`."""
        await super().lift(persons, purposes, at)
        if self.journal is not None:
            await self.journal.granted_again(persons, purposes, at)


# ── copies of the queue

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
    """One copy at a time; an older one that nobody has removed gives way to it."""

    def __init__(
        self,
        outbox: Maintenance,
        data: Path,
        queue: str,
        min_free: int,
        time: Time,
    ) -> None:
        self._outbox = outbox
        self._data = data
        self._queue = queue
        self._min_free = min_free
        self._time = time
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
            made_at = self._time.now()
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
            self._made = self._time.monotonic()
            return Snapshot(file, self._queue, made_at)

    def look(self) -> None:
        """Remove a copy whose command has not ended in time: it was killed, and nobody else would. What was forgotten
        must not lie there any longer than in a backup that somebody wants."""
        if self._time.monotonic() - self._made >= KEPT and not self._one_at_a_time.locked():
            clear(self._data, self._queue)
            self._made = float("inf")

    async def mind(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await self._time.sleep(LOOK_EVERY)
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
