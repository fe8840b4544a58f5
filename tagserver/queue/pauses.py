"""Which destinations the operator has stopped by hand, kept in the queue's own file: what waits and why it waits are
saved, restored and refused to an older program together, and a disk that is full has room for it as for a delivery.

A pause with a term counts by steady time while the process lives, so that a clock that is set neither shortens nor
lengthens it. Over a restart only the wall clock knows how much is left: never more than the whole term.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import msgspec

DRIFT = 5_000
"""Milliseconds that the wall clock may be off before the end of a pause is written anew."""

Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
"""Does a piece of work in the writer's thread, and returns once it is on disk."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A destination stands still by somebody's hand.

    `names`: all that the destination was called when it was paused, its present name first: a rename or a rollback
    does not set it free. `by`: a login name. `since`, `until`: ms since 1970 UTC; `until` None: until somebody resumes.
    `term`: ms for which it was asked.
    """

    destination: str
    names: tuple[str, ...]
    by: str
    note: str = ""
    since: int
    until: int | None = None
    term: int | None = None


class Pauses:
    """Read from any thread, changed by the event loop's. `clock`: ms, `steady`: seconds that never jump."""

    def __init__(
        self, database: sqlite3.Connection, run: Run, clock: Callable[[], int], steady: Callable[[], float]
    ) -> None:
        self._run = run
        self._clock = clock
        self._steady = steady
        self._all: Mapping[str, Pause] = {}
        self._ends: dict[str, float] = {}
        self._spans: Mapping[str, tuple[str, ...]] = {}
        query = "SELECT destination, names, by, note, since, until, term FROM pause"
        for record in database.execute(query):
            self._set(_read(record))

    def _set(self, pause: Pause) -> None:
        if pause.until is None:
            self._ends.pop(pause.destination, None)
        else:
            left = max(0, pause.until - self._clock())
            self._ends[pause.destination] = (
                self._steady() + min(left, left if pause.term is None else pause.term) / 1000
            )
        self._all = {**self._all, pause.destination: pause}

        self.span({})

    def _unset(self, destination: str) -> None:
        self._all = {name: pause for name, pause in self._all.items() if name != destination}
        self._ends.pop(destination, None)
        self.span({})

    def span(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        """The names under which what stands still is known now, each with all names of its destination; beside those
        that the pauses have themselves."""
        own = {name: pause.names for pause in self._all.values() for name in pause.names}
        self._spans = {**own, **groups}

    # ── what stands still

    def all(self) -> Mapping[str, Pause]:
        """Every pause that stands, by the name under which it was made."""
        return self._all

    def spans(self) -> Mapping[str, tuple[str, ...]]:
        """See `span`."""
        return self._spans

    def of(self, names: Collection[str]) -> Pause | None:
        """The pause of a destination that has, or had, one of these names; of several the one that lasts longest."""
        found = [pause for pause in self._all.values() if not set(names).isdisjoint(pause.names)]
        if len(found) < 2:
            return found[0] if found else None
        return max(found, key=lambda pause: self._ends.get(pause.destination, float("inf")))

    def until(self, pause: Pause) -> int | None:
        """When it ends, by the clock of this moment (ms); None: when somebody ends it."""
        end = self._ends.get(pause.destination)
        if end is None:
            return None
        at = self._clock() + round((end - self._steady()) * 1000)
        known = pause.until
        return known if known is not None and abs(known - at) < DRIFT else at

    def over(self) -> list[Pause]:
        """Those whose term has passed."""
        now = self._steady()
        return [self._all[name] for name, end in self._ends.items() if end <= now]

    def drifted(self) -> list[Pause]:
        """Those whose end has to be written anew, because the clock was set; with their new end."""
        moved = [msgspec.structs.replace(pause, until=self.until(pause)) for pause in self._all.values()]
        return [pause for pause in moved if pause.until != self._all[pause.destination].until]

    # ── what is changed

    async def put(self, pause: Pause) -> None:
        """It stands from this moment on, and is on disk when this returns; it takes the place of others of the same
        destination. Raises `OutboxError`; then all is as it was."""
        before, ends = self._all, dict(self._ends)
        others = [name for name, other in before.items() if not set(pause.names).isdisjoint(other.names)]
        for name in others:
            self._unset(name)
        self._set(pause)
        record = (
            *(pause.destination, msgspec.json.encode(pause.names).decode(), pause.by, pause.note),
            *(pause.since, pause.until, pause.term),
        )

        def work(database: sqlite3.Connection) -> None:
            database.executemany("DELETE FROM pause WHERE destination = ?", [(name,) for name in others])
            database.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?, ?, ?, ?, ?)", record)

        try:
            await self._run(work)
        except Exception:  # one who waits no more may have made it all the same: then it stands
            self._all, self._ends = before, ends
            self.span({})
            raise

    async def end(self, names: Collection[str]) -> list[Pause]:
        """End what stands for a destination of these names; what stood. Raises `OutboxError`; then it stands still."""
        gone = [pause for pause in self._all.values() if not set(names).isdisjoint(pause.names)]
        if gone:
            doomed = [(pause.destination,) for pause in gone]
            await self._run(lambda database: database.executemany("DELETE FROM pause WHERE destination = ?", doomed))
            for pause in gone:
                if self._all.get(pause.destination) is pause:
                    self._unset(pause.destination)
        return gone

    async def keep_time(self) -> None:
        """Write the ends anew that the clock has moved away from. Raises `OutboxError`."""
        moved, before = self.drifted(), self._all
        if moved:
            records = [(pause.until, pause.destination) for pause in moved]
            await self._run(
                lambda database: database.executemany("UPDATE pause SET until = ? WHERE destination = ?", records)
            )
            # Somebody may have given one another term or note meanwhile: that one stands.
            same = (one for one in moved if self._all.get(one.destination) is before[one.destination])
            self._all = {**self._all, **{pause.destination: pause for pause in same}}


def _read(record: tuple[Any, ...]) -> Pause:
    """A row of the table. One that cannot be read, of a file that was salvaged, is a pause without an end: somebody has
    to look."""
    destination, names, by, note, since, until, term = record
    try:
        known = {"destination": destination, "names": msgspec.json.decode(names), "by": by, "note": note}
        return msgspec.convert({**known, "since": since, "until": until, "term": term}, Pause)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        return Pause(destination=str(destination), names=(str(destination),), by="nobody knows", since=0)
