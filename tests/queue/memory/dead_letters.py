"""Dead letters of the engine in memory: a sorted list, looked through for each question."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec

from tagserver.queue.dead_letters import (
    LARGEST_ID,
    RESTORED,
    Account,
    Bound,
    Cause,
    Choice,
    DeadGroup,
    DeadLetter,
    DeadLetterCounts,
    Dropped,
    Permits,
    Position,
    Retried,
)
from tagserver.queue.moves import DROPPED, Move
from tagserver.queue.retry import deadline
from tagserver.system.time import Time
from tests.queue.memory.rows import Side, Stored

_BEGINNING = Position(-LARGEST_ID, 0)
_END = Position(LARGEST_ID, LARGEST_ID)


class MemoryDeadLetters:
    """The `DeadLetters` of the engine, which inherits it and sets what is named here."""

    _sides: defaultdict[str, Side]
    _causes: dict[Cause, None]
    _came: defaultdict[str, asyncio.Event]
    _dead_lettered: DeadLetterCounts
    _time: Time
    _last_id: int

    def _check(self) -> None:
        """Raises Unavailable when it is closed."""
        raise NotImplementedError

    def _tell(self, moves: Sequence[Move]) -> None:
        """Tell whoever hears of moves."""
        raise NotImplementedError

    def _chosen(self, choice: Choice, low: Position = _BEGINNING, bound: Bound | None = None) -> list[Stored]:
        """The oldest death first, behind `low`."""
        end, last = (bound.end, bound.last) if bound else (_END, LARGEST_ID)
        return sorted(
            (
                one
                for side in self._sides.values()
                for one in side.dead
                if _meant(choice, one) and low < one.position <= end and one.id <= last
            ),
            key=lambda one: one.position,
        )

    async def dead(self, choice: Choice, limit: int, after: Position | None = None) -> Sequence[DeadLetter]:
        """See `DeadLetters.dead`."""
        self._check()
        newest_first = reversed(self._chosen(choice))
        return [one.letter() for one in newest_first if after is None or one.position < after][:limit]

    async def count_dead(self, choice: Choice, bound: Bound | None = None) -> int:
        """See `DeadLetters.count_dead`."""
        self._check()
        return len(self._chosen(choice, bound=bound))

    async def dead_groups(self, choice: Choice) -> Sequence[DeadGroup]:
        """See `DeadLetters.dead_groups`."""
        self._check()
        groups: dict[Cause, list[Stored]] = {}
        for one in self._chosen(choice):
            assert one.cause is not None
            groups.setdefault(one.cause, []).append(one)
        return [
            DeadGroup(cause, len(of), of[0].died, of[-1].died, of[-1].delivery.event_id)
            for cause, of in sorted(groups.items())
        ]

    async def causes(self) -> Collection[Cause]:
        """See `DeadLetters.causes`."""
        self._check()
        return list(self._causes)

    async def dead_bound(self) -> Bound:
        """See `DeadLetters.dead_bound`."""
        self._check()
        every = self._chosen(Choice())
        return Bound(every[-1].position if every else _BEGINNING, max((one.id for one in every), default=0))

    async def retry_dead(
        self,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Position | None = None,
        *,
        bound: Bound | None = None,
        permits: Permits | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """See `DeadLetters.retry_dead`."""
        self._check()
        now = self._time.now()
        looked = self._chosen(choice, after or _BEGINNING, bound)[:limit]
        moved: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        too_old = late = 0
        for one in looked:
            letter, to = one.letter(), one.delivery.destination
            account = accounts.get(to)
            repeat = account.repeat if account else None
            end = deadline(one.delivery.expires, one.unknown_since, repeat)
            if letter.reason == RESTORED and RESTORED not in choice.reasons:
                refused[RESTORED] += 1
            elif end is not None and end <= now:
                too_old += 1
            elif permits is not None and (no := permits(self._again(one, account).row(bare=True))) is not None:
                refused[no[0]] += 1
            else:
                late += repeat is not None and one.attempts > 0 and now - letter.received > repeat * 1000
                moved[to] += 1
                if not dry_run:
                    self._sides[to].dead.remove(one)
                    self._tell([one.moved("queue")])
                    self._last_id += 1
                    again = self._again(one, account)
                    again.id = self._last_id
                    self._sides[to].pending.append(again)
        for name in moved if not dry_run else ():
            self._came[name].set()
        return Retried(dict(moved), too_old, dict(refused), late, looked[-1].position if len(looked) == limit else None)

    @staticmethod
    def _again(one: Stored, account: Account | None) -> Stored:
        """As if never tried, for the account of now."""
        identity = one.delivery.identity if account is None else account.identity
        return Stored(one.id, msgspec.structs.replace(one.delivery, identity=identity), 0, one.unknown_since)

    async def drop_dead(
        self, choice: Choice, limit: int, after: Position | None = None, *, bound: Bound | None = None
    ) -> Dropped:
        """See `DeadLetters.drop_dead`."""
        self._check()
        gone = self._chosen(choice, after or _BEGINNING, bound)[:limit]
        for one in gone:
            side = self._sides[one.delivery.destination]
            side.dead.remove(one)
            side.erased += 1
        self._tell([one.moved("erased", DROPPED) for one in gone])
        return Dropped(len(gone), gone[-1].position if len(gone) == limit else None)

    def dead_lettered(self) -> Mapping[tuple[str, str, str], int]:
        """See `DeadLetters.dead_lettered`."""
        return self._dead_lettered.shown


def _meant(choice: Choice, one: Stored) -> bool:
    assert one.cause is not None
    return (
        choice.fits(one.cause)
        and (not choice.ids or one.id in choice.ids)
        and (not choice.event_ids or one.delivery.event_id in choice.event_ids)
        and (choice.since is None or one.died >= choice.since)
        and (choice.until is None or one.died < choice.until)
    )
