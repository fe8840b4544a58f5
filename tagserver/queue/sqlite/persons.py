"""What the SQLite engine keeps of persons and repeats: keys of what was sent, tombstones of what was taken back, and
how everything of one person is found and erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagserver.queue.outbox import Erased, Tombstone, Trace
from tagserver.queue.presence import Presence
from tagserver.queue.sqlite.erasure_walk import Erasure
from tagserver.queue.sqlite.keys import Keys
from tagserver.queue.sqlite.maintenance import VACUUM_PAGES, empty_log, shrink
from tagserver.queue.sqlite.place import Place
from tagserver.queue.sqlite.tombstones import Tombstones
from tagserver.queue.sqlite.writer import Writer


class SqlitePersons:
    """This part of an `Outbox`; the engine inherits it and sets what is named here."""

    _writer: Writer
    _place: Place
    _keys: Keys
    _tombstones: Tombstones
    _presence: Presence
    _erasure: Erasure

    async def remember(self, keys: Sequence[bytes], ttl: float) -> None:
        """See `Outbox.remember`."""
        self._place.refuse()
        kept = dict.fromkeys(keys, (ttl, b""))
        await self._writer.run(lambda database: self._keys.remember(database, kept))

    async def known(self, keys: Sequence[bytes]) -> frozenset[bytes]:
        """See `Outbox.known`."""
        found: frozenset[bytes] = await self._writer.run(lambda database: self._keys.known(database, keys))
        return found

    async def forget_keys(self, keys: Sequence[bytes]) -> int:
        """See `Outbox.forget_keys`."""
        number: int = await self._writer.run(lambda database: self._keys.forget(database, keys))
        return number

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """See `Outbox.withdraw`."""
        self._place.refuse()
        await self._writer.run(lambda database: self._tombstones.write(database, tombstones, ttl))

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """See `Outbox.lift`."""
        self._place.refuse()
        await self._writer.run(lambda database: self._tombstones.lift(database, persons, purposes, at))

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """See `Outbox.withdrawn`."""
        return self._tombstones.withdrawn(persons, at)

    def tombstones(self) -> int:
        """See `Outbox.tombstones`."""
        return len(self._tombstones)

    def may_have(self, persons: Sequence[bytes]) -> bool:
        """See `Outbox.may_have`."""
        return self._presence.may_have(persons)

    async def erase(self, doomed: Callable[[Trace], bool], after: tuple[int, int] = (0, 0)) -> Erased:
        """See `Outbox.erase`."""
        erased: Erased = await self._writer.run(lambda database: self._erasure.piece(database, doomed, after))
        return erased

    async def scrub(self) -> bool:
        """See `Outbox.scrub`. Free pages keep their text until they are used again, and the log what was written
        before: so the file is cut to what it holds, and the log is emptied."""
        free = await self._writer.run(shrink)
        for _ in range(free // VACUUM_PAGES):  # no more: a busy queue makes new ones all the time
            await self._writer.run(shrink)
        emptied: bool = await self._writer.aside(empty_log)
        return emptied
