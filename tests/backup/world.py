"""A data folder in use, its backups, and a clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagserver.backup.archive import Manifest
from tagserver.backup.journal import JournalFile, installation
from tagserver.backup.keeping import JournaledOutbox
from tagserver.backup.making import pack
from tagserver.backup.restoring import Done, restore
from tagserver.queue.data_folder import install_key
from tagserver.queue.sqlite.snapshot import copy_queue
from tagserver.queue.values import EVERYTHING, Tombstone
from tests.delivery.support import key
from tests.fake_time import FakeTime

ERIKA, FRANK = key("Erika"), key("Frank")


class Folder:
    """A data folder with an open queue; `journal` beside it, when one is kept."""

    def __init__(self, data: Path, clock: FakeTime) -> None:
        self.data = data
        self.clock = clock
        data.mkdir(exist_ok=True)
        self.key = install_key(data)
        self.outbox: JournaledOutbox

    async def open(self, journal: Path | None = None, **options: Any) -> Folder:
        """Open the queue."""
        self.outbox = await JournaledOutbox.open(self.data / "outbox.db", time=self.clock, min_free=0, **options)
        if journal is not None:
            kept = JournalFile(journal, installation(self.key), self.outbox.stones, self.data, self.clock)
            kept.patience = 60.0  # the machine of the tests may be slow
            self.outbox.journal = kept
            await kept.mark("start")
        return self

    async def close(self) -> None:
        """A clean end."""
        await self.outbox.close()
        if self.outbox.journal is not None:
            await self.outbox.journal.close()

    def backup(self, file: Path, *, force: bool = False) -> Manifest:
        """As the server and the command make it together."""
        copy = self.data / "outbox.db.snapshot-1"
        copy_queue(self.data / "outbox.db", copy)
        try:
            return pack(self.data, "outbox.db", copy, self.clock.now(), file, force=force)[0]
        finally:
            copy.unlink()

    def forget(self, persons: Sequence[bytes]) -> list[Tombstone]:
        """The tombstones of persons who ask now to be forgotten."""
        return [Tombstone(one, EVERYTHING, self.clock.now(), self.clock.now() + 1) for one in persons]


def restored(file: Path, data: Path, clock: FakeTime, journal: Path | None = None, **options: Any) -> Done:
    """As the command does it."""
    return restore(file, data, journal, clock, **options)
