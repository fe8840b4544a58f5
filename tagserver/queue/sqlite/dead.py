"""What the SQLite engine does with dead letters, for those who wait for it on the event loop: in slices of the writer's
time, so that events are taken in and sent beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from tagserver.queue.dead import Account, Bound, Cause, Choice, DeadGroup, DeadLetter, Dropped, Place, Retried
from tagserver.queue.outbox import Full
from tagserver.queue.sqlite.causes import Causes
from tagserver.queue.sqlite.dead_letters import HOLD, Letters, Permits
from tagserver.queue.sqlite.writer import Writer

T = TypeVar("T")


class SqliteDeadLetters:
    """The `DeadLetters` of the engine, which inherits it and sets what is named here."""

    _writer: Writer
    _letters: Letters
    _causes: Causes
    _steady: Callable[[], float]

    def _announce_all(self) -> None:
        """Something may be ready for any destination."""
        raise NotImplementedError

    async def dead(self, choice: Choice, limit: int, after: Place | None = None) -> Sequence[DeadLetter]:
        """See `DeadLetters.dead`."""
        await self._settled()
        found: list[DeadLetter] = await self._writer.aside(
            lambda database: self._letters.look(database, choice, limit, after)
        )
        return found

    async def count_dead(self, choice: Choice, bound: Bound | None = None) -> int:
        """See `DeadLetters.count_dead`."""
        await self._settled()
        return sum(await self._pieces(lambda database: self._letters.counter(database, choice, bound)))

    async def dead_groups(self, choice: Choice) -> Sequence[DeadGroup]:
        """See `DeadLetters.dead_groups`."""
        await self._settled()
        found = await self._pieces(lambda database: self._letters.groups(database, choice))
        return [group for group in found if group is not None]

    async def causes(self) -> Collection[Cause]:
        """See `DeadLetters.causes`."""
        await self._settled()
        return list(self._causes.numbers)

    async def dead_bound(self) -> Bound:
        """See `DeadLetters.dead_bound`."""
        bound: Bound = await self._writer.aside(self._letters.bound)
        return bound

    async def retry_dead(
        self,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Place | None = None,
        *,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """See `DeadLetters.retry_dead`."""
        await self._settled()

        def work(database: sqlite3.Connection) -> Retried:
            return self._letters.retry(database, choice, accounts, limit, after, bound, permits, dry_run)

        done: Retried = await (self._writer.aside(work) if dry_run else self._writer.run(work))
        if done.moved and not dry_run:
            self._announce_all()
        return done

    async def drop_dead(
        self, choice: Choice, limit: int, after: Place | None = None, *, bound: Bound | None = None
    ) -> Dropped:
        """See `DeadLetters.drop_dead`."""
        await self._settled()
        done: Dropped = await self._writer.run(
            lambda database: self._letters.drop(database, choice, limit, after, bound)
        )
        return done

    async def _settled(self) -> None:
        """Letters that have no cause yet get theirs, or a choice by name would not find them."""
        with contextlib.suppress(Full):  # whoever wants to drop some to make room must not wait for room
            while await self._writer.run(self._causes.settle):
                pass

    async def _pieces(self, begin: Callable[[sqlite3.Connection], Iterator[T]]) -> list[T]:
        """Everything that a walk gives, which is done in slices between the writer's groups."""
        found: list[T] = []
        walk: Iterator[T] | None = None

        def some(database: sqlite3.Connection) -> bool:
            nonlocal walk
            walk = walk or begin(database)
            began = self._steady()
            for piece in walk:
                found.append(piece)
                if self._steady() - began > HOLD:
                    return True
            return False

        while await self._writer.aside(some):
            pass
        return found
