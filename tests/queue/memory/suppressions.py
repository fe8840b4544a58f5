"""Suppressions of the engine in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from tagserver.queue.moves import Move
from tagserver.queue.values import (
    Delivery,
    Erased,
    Tombstone,
    Trace,
)
from tagserver.system.time import Time
from tests.queue.memory.rows import Side, Stone, Stored


class MemorySuppressions:
    """The `Suppressions` of the engine, which inherits it and sets what is named here."""

    _held: list[Stored]
    _sides: defaultdict[str, Side]
    _known: dict[bytes, tuple[int, bytes]]
    _in_flight: dict[int, list[Stored]]
    _stones: dict[bytes, list[Stone]]
    _time: Time

    def _check(self) -> None:
        """Raises Unavailable when it is closed."""
        raise NotImplementedError

    def _tell(self, moves: Sequence[Move]) -> None:
        """Tell whoever hears of moves."""
        raise NotImplementedError

    async def withdraw(self, tombstones: Sequence[Tombstone], ttl: float) -> None:
        """See `Suppressions.withdraw`."""
        self._check()
        now = self._time.now()
        for one in tombstones:
            reach = one.until if one.until < Tombstone.STANDING else now
            made = Stone(one.purpose, one.since, one.until, max(now + int(ttl * 1000), reach))
            stones = self._stones.setdefault(one.person, [])
            for before in [stone for stone in stones if stone.purpose == one.purpose]:
                made.since, made.until = max(made.since, before.since), max(made.until, before.until)
                made.expires = max(made.expires, before.expires)
                stones.remove(before)
            stones.append(made)

    async def lift(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """See `Suppressions.lift`."""
        self._check()
        for stone in (stone for person in persons for stone in self._stones.get(person, ())):
            if stone.purpose in purposes and stone.since < at < stone.until:
                stone.until = at

    def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
        """See `Suppressions.withdrawn`."""
        stones = (stone for person in persons for stone in self._stones.get(person, ()))
        return frozenset(stone.purpose for stone in stones if at < stone.until and self._time.now() < stone.expires)

    def tombstones(self) -> int:
        """See `Suppressions.tombstones`."""
        return len(self._stones)

    def may_have(self, persons: Sequence[bytes]) -> bool:
        """See `Suppressions.may_have`."""
        stored = (*self._held, *(one for side in self._sides.values() for one in (*side.pending, *side.dead)))
        return any(not set(persons).isdisjoint(one.delivery.person) for one in stored)

    async def erase(self, doomed: Callable[[Trace], bool], why: str, after: tuple[int, int] = (0, 0)) -> Erased:
        """See `Suppressions.erase`: all of it at once."""
        self._check()
        flying = {one.id for rows in self._in_flight.values() for one in rows}
        queue: Counter[str] = Counter()
        dead: Counter[str] = Counter()
        left: Counter[str] = Counter()
        held = [one for one in self._held if doomed(trace_of(one.delivery))]
        self._held = [one for one in self._held if one not in held]
        self._tell([one.moved("erased", why) for one in held])
        for name, side in self._sides.items():
            meant = [one for one in side.pending if doomed(trace_of(one.delivery))]
            gone = {one.id for one in meant if one.id not in flying}
            letters = {one.id for one in side.dead if doomed(trace_of(one.delivery))}
            self._tell(
                [
                    one.moved("erased", why)
                    for one in (*side.pending, *side.dead)
                    if one.id in (letters if one.cause else gone)
                ]
            )
            side.pending = [one for one in side.pending if one.id not in gone]
            side.dead = [one for one in side.dead if one.id not in letters]
            waited = sum(one.delivery.destination == name for one in held)
            side.erased += waited + len(gone) + len(letters)
            queue[name], dead[name], left[name] = waited + len(gone), len(letters), len(meant) - len(gone)
        return Erased(+queue, +dead, +left)

    async def forget_keys(self, keys: Sequence[bytes]) -> int:
        """See `Suppressions.forget_keys`."""
        self._check()
        return sum(self._known.pop(key, None) is not None for key in keys)

    async def scrub(self) -> bool:
        """See `Suppressions.scrub`: there is nothing else."""
        self._check()
        return True


def trace_of(one: Delivery) -> Trace:
    """What it tells about its person."""
    return Trace(one.person, one.tag, one.purposes, min(one.time, one.received))
