"""The queue of a server that keeps a journal: what persons take back is on both disks before it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tagserver.backup.journal import Line, laid
from tagserver.backup.journal_file import JournalFile
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import Tombstone


class JournaledOutbox(SqliteOutbox):
    """A `SqliteOutbox` beside which a journal may be kept. What could not be stored in the queue is not in the journal
    either: its sender was told to come again."""

    journal: JournalFile | None = None

    def stones(self) -> Iterator[Line]:
        """All that is taken back now, as lines of a journal. From memory, in any thread."""
        for person, purpose, since, until, expires in self._tombstones.all():
            yield laid(since, [Tombstone(person, purpose, since, until)], expires)

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """See `Suppressions.withdraw`."""
        await super().withdraw(tombstones, ttl)
        if self.journal is not None and tombstones:
            await self.journal.taken_back(tombstones, ttl)

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """See `Suppressions.lift`."""
        await super().lift(persons, purposes, at)
        if self.journal is not None:
            await self.journal.granted_again(persons, purposes, at)
