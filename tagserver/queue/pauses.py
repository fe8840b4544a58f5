"""Destinations that the operator has paused by hand, and how much may wait for each of them meanwhile.

Pauses are kept in the queue's own storage: what waits and why it waits are saved, restored and refused to an older
program together, and a disk that is full has room for it as for a delivery. A pause with a term counts by monotonic
time while the process lives, so that a clock that is set neither shortens nor lengthens it. Over a restart only the
wall clock knows how much is left: never more than the whole term.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal, Protocol

import msgspec

from tagserver.queue.values import ROW_BYTES
from tagserver.system.text import size
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

DRIFT = 5_000
"""Milliseconds that the wall clock may be off before the end of a pause is written anew."""
QUARTER = 4
KEEP = 0.7
"""Of the queue's limit: up to there letters are kept that are beyond a share."""
FULL = "queue_full"
DETAIL = "its destination was paused, and had a quarter of the queue waiting"

Fate = Literal["waits", "dies", "is not kept"]


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


class PauseStore(Protocol):
    """Where an engine keeps pauses. What is awaited is durable when it returns, or raises `OutboxError`."""

    def stored(self) -> Iterable[Pause]:
        """Those that were kept when the engine was opened."""
        ...

    async def replace(self, gone: Collection[str], pause: Pause) -> None:
        """Keep a pause under its destination, and those of other destinations no more."""
        ...

    async def remove(self, gone: Collection[str]) -> None:
        """Keep the pauses of these destinations no more."""
        ...

    async def move_ends(self, ends: Mapping[str, int | None]) -> None:
        """Give pauses, by destination, another `until`."""
        ...


class Pauses:
    """Read from any thread, changed by the event loop's."""

    def __init__(self, store: PauseStore, time: Time) -> None:
        self._store = store
        self._time = time
        self._all: Mapping[str, Pause] = {}
        self._ends: dict[str, float] = {}
        self._spans: Mapping[str, tuple[str, ...]] = {}
        for pause in store.stored():
            self._set(pause)

    def _set(self, pause: Pause) -> None:
        if pause.until is None:
            self._ends.pop(pause.destination, None)
        else:
            left = max(0, pause.until - self._time.now())
            self._ends[pause.destination] = (
                self._time.monotonic() + min(left, left if pause.term is None else pause.term) / 1000
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
        at = self._time.now() + round((end - self._time.monotonic()) * 1000)
        known = pause.until
        return known if known is not None and abs(known - at) < DRIFT else at

    def over(self) -> list[Pause]:
        """Those whose term has passed."""
        now = self._time.monotonic()
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
        try:
            await self._store.replace(others, pause)
        except Exception:  # one who waits no more may have made it all the same: then it stands
            self._all, self._ends = before, ends
            self.span({})
            raise

    async def end(self, names: Collection[str]) -> list[Pause]:
        """End what stands for a destination of these names; what stood. Raises `OutboxError`; then it stands still."""
        gone = [pause for pause in self._all.values() if not set(names).isdisjoint(pause.names)]
        if gone:
            await self._store.remove([pause.destination for pause in gone])
            for pause in gone:
                if self._all.get(pause.destination) is pause:
                    self._unset(pause.destination)
        return gone

    async def keep_time(self) -> None:
        """Write the ends anew that the clock has moved away from. Raises `OutboxError`."""
        moved, before = self.drifted(), self._all
        if moved:
            await self._store.move_ends({pause.destination: pause.until for pause in moved})
            # Somebody may have given one another term or note meanwhile: that one stands.
            same = (one for one in moved if self._all.get(one.destination) is before[one.destination])
            self._all = {**self._all, **{pause.destination: pause for pause in same}}


class PendingBytes(Protocol):
    """How many bytes wait for destinations, payloads and about what the engine needs beside them."""

    def of(self, destination: str) -> int:
        """As of the last commit."""
        ...

    def now(self, destination: str) -> int:
        """With what the present transaction has changed."""
        ...


class Quotas:
    """`held`: the names under which destinations stand still by somebody's hand, each with all names of that one.
    `used`: bytes that the queue's file holds, of `max_size`; `limit`: another one than the quarter. `fate` is called by
    the writer's thread, inside its transactions; everything else by any."""

    def __init__(
        self,
        pending: PendingBytes,
        held: Callable[[], Mapping[str, tuple[str, ...]]],
        max_size: int,
        used: Callable[[], int],
        limit: int | None = None,
    ) -> None:
        self._pending = pending
        self._held = held
        self._max_size = max_size
        self._used = used
        self.limit = max_size // QUARTER if limit is None else limit
        """Bytes that may wait for one that is stopped."""
        self._said: dict[str, Fate] = {}

    def held(self) -> Mapping[str, tuple[str, ...]]:
        """Those to which the limit applies."""
        held = self._held()
        if self._said and not (self._said.keys() & held.keys()):
            self._said = {}
        return held

    def of(self, names: tuple[str, ...]) -> int:
        """Bytes that wait for a destination, under all of its names."""
        return sum(self._pending.of(name) for name in names)

    def have_room(self, more: Mapping[tuple[str, ...], int]) -> bool:
        """Whether all that are stopped keep so many bytes of new deliveries, and nobody has to be told: what `fate`
        would say of each delivery. Called as `fate` is."""
        for names, waiting in more.items():
            for name in names:
                waiting += self._pending.now(name)
            if waiting > self.limit or not self._said.keys().isdisjoint(names):
                return False
        return True

    def fate(self, destination: str, names: tuple[str, ...], payload: int, more: int) -> Fate:
        """What becomes of a new delivery with a payload of so many bytes, of one that is stopped; `more`: bytes that
        this transaction adds beside it."""
        waiting = sum(self._pending.now(name) for name in names) + more
        fate: Fate = "waits"
        if waiting + payload + ROW_BYTES > self.limit:
            fate = "dies" if self._used() <= KEEP * self._max_size else "is not kept"
        if fate != self._said.get(destination, "waits"):
            self._say(destination, fate)
        return fate

    def _say(self, destination: str, fate: Fate) -> None:
        waiting = f"is paused, and has {size(self.limit)} waiting"
        said = {
            "waits": "has room in its share of the queue again: new deliveries wait",
            "dies": f"{waiting}, all that it may: new deliveries for it are dead letters ({FULL}), which tagserver "
            "dead retry brings back; others go on",
            "is not kept": f"{waiting}, and the queue is {KEEP:.0%} full: new deliveries for it are counted as {FULL} "
            "and lost; others go on. Let it go on, or drop dead letters",
        }
        level = logging.INFO if fate == "waits" else logging.ERROR
        log.log(level, "destination %s %s", destination, said[fate], extra={"destination": destination})
        self._said = {**self._said, destination: fate}

    def overflow(self, name: str) -> Fate:
        """What became of the last new delivery of a destination that is stopped."""
        return self._said.get(name, "waits") if name in self._held() else "waits"
