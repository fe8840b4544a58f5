"""What a running server holds for backups: the journal, copies of the queue, and whether it may deliver after a
restore."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tagserver.backup.hold import Hold
from tagserver.backup.journal import installation
from tagserver.backup.journal_file import JournalFile
from tagserver.backup.journaled import JournaledOutbox
from tagserver.backup.restoring import ASIDE, STAGE, unfinished
from tagserver.backup.snapshots import Snapshot, Snapshots, clear
from tagserver.config.queue import QueueConfig
from tagserver.queue.errors import OutboxStartError
from tagserver.queue.sqlite.recovery import DAMAGED
from tagserver.queue.sqlite.snapshot import ENDING, queues_in

AT_START = 0.5
"""Seconds that a start waits for the journal."""


class Keeping:
    """Made when the outbox is open: the data folder is ours then. `journal`: its file, or None. `clock`: ms; `calm`:
    whether it is believed."""

    def __init__(
        self,
        data: Path,
        outbox: JournaledOutbox,
        queue: QueueConfig,
        install_key: bytes,
        journal: Path | None,
        clock: Callable[[], int],
        calm: Callable[[], bool] = lambda: True,
    ) -> None:
        clear(data, queue.file)
        shutil.rmtree(data / STAGE, ignore_errors=True)  # of a restore that was killed before it changed anything
        self._data = data
        self._queue = queue.file
        self._others = [path.name for path in queues_in(data) if path.name != queue.file]
        self.hold = Hold(data)
        self.snapshots = Snapshots(outbox, data, queue.file, queue.min_free, clock)
        self.journal = outbox.journal = (
            None
            if journal is None
            else JournalFile(journal, installation(install_key), outbox.stones, data, clock, calm)
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
            f"the data folder holds another queue ({names}): nothing of it is sent, and what was taken back in it is "
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
