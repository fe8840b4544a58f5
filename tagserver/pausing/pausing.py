"""The operator's hand on one destination of a running server: stopped, nothing is sent to it; all is kept and queued
until it may go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from tagserver.config.model import Container
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.send_policy import permits
from tagserver.logs.logs import redacted
from tagserver.pausing.outlook import Outlook, Rates, outlook
from tagserver.queue.api import Outbox
from tagserver.queue.errors import Full, OutboxError
from tagserver.queue.pauses import FULL, Pause, Pauses, Quotas
from tagserver.system.text import parse_duration, printable, readable_time
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

LOOK_EVERY = 1.0
"""Seconds between two looks at whether a term has passed."""
TIME_EVERY = 60
"""Of so many looks, one compares the clocks."""
USUAL = 1500
"""Bytes of a delivery, where none waits to be measured."""
Note = Callable[..., None]
"""Puts something on record: kind and facts."""


class Engine(Outbox, Protocol):
    """A queue that knows who stands still by somebody's hand."""

    pauses: Pauses
    quotas: Quotas


class Pausing:
    """Of one runtime. `dispatcher`: the workers, None before there are any."""

    def __init__(
        self,
        outbox: Engine,
        container: Callable[[], Container],
        dispatcher: Callable[[], Dispatcher | None],
        note: Note,
        time: Time,
        log: logging.Logger = log,
    ) -> None:
        self._pauses = outbox.pauses
        self._quotas = outbox.quotas
        self._outbox = outbox
        self._container = container
        self._dispatcher = dispatcher
        self._note = note
        self._time = time
        self._rates = Rates(outbox.counts, time)
        self._time = time
        self._log = log
        self._turn = asyncio.Lock()
        self._complained = False

    # ── what stands still

    def names(self, name: str) -> list[str]:
        """All names of a destination. Raises UnknownDestination."""
        return names_of(name, self._container(), self._outbox.counts(), self._pauses.all())

    def of(self, name: str) -> Pause | None:
        """The pause under which a destination stands, whichever of its names is given."""
        if not self._pauses.all():
            return None
        destination = self._container().destination(name)
        return self._pauses.of([name] if destination is None else [name, destination.name, *destination.aliases])

    def held(self, name: str) -> str | None:
        """Why a destination stands still by somebody's hand, or None."""
        pause = self.of(name)
        if pause is None:
            return None
        why = reason(pause, self._pauses.until(pause))
        return f"{why}; {_OVERFLOWS[how]} ({FULL})" if (how := self._quotas.overflow(name)) in _OVERFLOWS else why

    def overflows(self, name: str) -> bool:
        """Whether new deliveries of a destination die, because it has stood still for so long."""
        return self._quotas.overflow(name) != "waits"

    def bytes(self, name: str) -> int:
        """What waits under a name."""
        return self._quotas.of((name,))

    def shown(self, name: str) -> dict[str, Any] | None:
        """The pause of a destination for machines: `by`, `since`, `until` and `note`; times in ms."""
        pause = self.of(name)
        return None if pause is None else self._shown(pause)

    def _shown(self, pause: Pause) -> dict[str, Any]:
        return {"by": pause.by, "since": pause.since, "until": self._pauses.until(pause), "note": pause.note}

    def reconfigured(self) -> None:
        """Destinations may have other names now: what is known of their pauses goes along."""
        groups: dict[str, tuple[str, ...]] = {}
        if self._pauses.all():
            for destination in self._container().destinations.values():
                names = (destination.name, *destination.aliases)
                if (pause := self._pauses.of(names)) is not None:
                    group = tuple(dict.fromkeys((*names, *pause.names)))
                    groups.update(dict.fromkeys(group, group))
        self._pauses.span(groups)

    # ── what is done

    async def pause(self, name: str, *, by: str, note: str = "", seconds: float | None = None) -> dict[str, Any]:
        """Stop a destination, from this moment on; `seconds`: for so long. A pause that stands gets another term
        and note. Raises UnknownDestination, and `OutboxError` when it cannot be put on disk; then nothing has
        changed."""
        async with self._turn:
            names, before = self.names(name), self.of(name)
            now = self._time.now()
            term = None if seconds is None else round(seconds * 1000)
            pause = Pause(
                destination=names[0],
                names=tuple(names),
                by=line(by),
                note=line(note),
                since=now if before is None else before.since,
                until=None if term is None else now + term,
                term=term,
            )
            replaced = None if before is None else self._shown(before)
            try:
                await self._pauses.put(pause)
            finally:  # what stood before stands with all its names again, too
                self.reconfigured()
            self._look_again(names)
            self._note("paused", destination=names[0], by=pause.by, until=pause.until, note=pause.note)
        done = await self.foreseen(name)
        return {"destination": names[0], "pause": self._shown(pause), "replaced": replaced, **done}

    async def foreseen(self, name: str) -> dict[str, Any]:
        """What becomes of what waits for a destination while it is stopped: `share`, and `outlook` if that can be read.
        Raises UnknownDestination."""
        names, pause = self.names(name), self.of(name)
        found: dict[str, Any] = {"share": self._share(names)}
        with suppress(OutboxError):  # it stands all the same
            found["outlook"] = (await self._outlook(names, until=None if pause is None else pause.until)).as_dict()
        return found

    async def before_resuming(self, name: str) -> dict[str, Any]:
        """What `resume` would find: the pause that stands, and what would become of what waits. Raises
        UnknownDestination, `OutboxError`."""
        names, before = self.names(name), self.of(name)
        seen = await self._outlook(names, permitted=True)
        was = None if before is None else self._shown(before)
        return {"destination": names[0], "was": was, "besides": self._besides(name), "outlook": seen.as_dict()}

    async def _outlook(self, names: list[str], *, until: int | None = None, permitted: bool = False) -> Outlook:
        destination = self._container().destination(names[0])
        container, withdrawn = self._container(), self._outbox.withdrawn
        return await outlook(
            self._outbox,
            names,
            self._time,
            until=until,
            repeat=None if destination is None else destination.plugin.limits.repeat,
            permits=lambda row: permits(row, container, withdrawn) if permitted and destination is not None else None,
        )

    def _share(self, names: list[str]) -> dict[str, Any]:
        """`limit` and `used` in bytes; `full_in_s`: when it is full, as fast as deliveries have come lately; None where
        nobody knows."""
        used = self._quotas.of(tuple(names))
        waiting = sum(self._outbox.ready(name) for name in names)
        rate = self._rates.of(names)
        fill = (rate or 0.0) * (used / waiting if waiting else USUAL)
        left = max(0, self._quotas.limit - used)
        return {
            "limit": self._quotas.limit,
            "used": used,
            "per_s": rate,
            "full_in_s": round(left / fill) if fill > 0 else None,
        }

    async def resume(self, name: str, *, by: str) -> dict[str, Any]:
        """Let a destination go on, and have its vendor asked at once, also one that nobody has stopped by hand. Raises
        UnknownDestination, and `OutboxError` when that cannot be put on disk; then it stands still as before."""
        async with self._turn:
            names, before = self.names(name), self.of(name)
            was = None if before is None else self._shown(before)
            await self._end(names, line(by))
            dispatcher = self._dispatcher()
            if dispatcher is not None:
                for one in names:
                    dispatcher.wait_no_longer(one)
            return {"destination": names[0], "was": was, "besides": self._besides(name)}

    def _besides(self, name: str) -> str | None:
        """Why a destination stands still whether or not somebody has stopped it; None where it does not, or nobody
        knows."""
        destination = self._container().destination(name)
        return "it is not configured any more" if destination is None else destination.paused

    async def _end(self, names: Collection[str], by: str) -> None:
        for gone in await self._pauses.end(names):
            # That it goes on is a change of state, which is said as such; by whom, the audit has.
            self._log.debug("destination %s goes on: resumed by %s", gone.destination, by)
            self._note("resumed", destination=gone.destination, by=by)
            self._look_again(gone.names)
        self.reconfigured()

    def _look_again(self, names: Collection[str]) -> None:
        dispatcher = self._dispatcher()
        if dispatcher is not None:
            dispatcher.look_again(names)

    # ── time

    async def mind(self) -> None:
        """End what was stopped for a time, until cancelled."""
        turns = 0
        while True:
            if turns % TIME_EVERY == 0:
                self._rates.note()
            await self.end_the_over(compare=turns % TIME_EVERY == 0)
            await self._time.sleep(LOOK_EVERY)
            turns += 1

    async def end_the_over(self, *, compare: bool = False) -> None:
        """End those whose term has passed. `compare`: also write the ends anew that the clock has moved away from."""
        try:
            for pause in self._pauses.over():
                async with self._turn:
                    if self._pauses.all().get(pause.destination) is pause:
                        await self._end(pause.names, "the end of its term")
            if compare:
                await self._pauses.keep_time()
            self._complained = False
        except OutboxError as error:
            if not self._complained:
                self._log.error(
                    "the end of a pause cannot be recorded: %s; it is tried again, and the pause stands", error
                )
            self._complained = True


_OVERFLOWS = {
    "dies": "as much waits as may: new deliveries become dead letters",
    "is not kept": "as much waits as may, and the queue is filling: new deliveries are lost",
}


# ── which destination is meant

SHOWN = 20
"""Names that a sentence lists."""


class UnknownDestination(Exception):
    """There is no destination of this name; the sentence lists those that there are."""


def names_of(name: str, container: Container | None, queued: Iterable[str], pauses: Mapping[str, Pause]) -> list[str]:
    """All names of a destination, the present one first. `queued`: destinations that the queue has ever seen; one that
    is not configured any more can be stopped, too, for the day on which it comes back. Raises UnknownDestination."""
    destination = container.destination(name) if container is not None else None
    if destination is not None:
        return [destination.name, *destination.aliases]
    queued = list(queued)
    if name in queued or any(name in pause.names for pause in pauses.values()):
        return [name]
    known = sorted({*(container.destinations if container is not None else ()), *queued, *pauses})
    listed = ", ".join(known[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    raise UnknownDestination(
        f'there is no destination "{name[:100]}"; there are: {listed}'
        if known
        else f'there is no destination "{name[:100]}", nor any other'
    )


# ── how a pause reads

LONGEST_NOTE = 500
"""Characters of a note: it stands in each line that shows the state."""
LONGEST_TERM = 366 * 86400
"""Seconds of a term."""


def term_in(text: str) -> int:
    """The seconds of a term that somebody has typed, such as `2h`. Raises ValueError with a sentence."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= LONGEST_TERM:
        raise ValueError(f"{text[:40]!r} is no time to pause for: write 30m, 2h, 1h30m or 3d (366d at most)")
    return seconds


def reason(pause: Pause, until: int | None) -> str:
    """Why a destination stands still: by whom, since when, until when, and why."""
    end = "until somebody resumes it" if until is None else f"until {readable_time(until)}"
    note = f": {pause.note}" if pause.note else ""
    return f"paused by {pause.by} since {readable_time(pause.since)}, {end}{note}"


def unwritten(error: OutboxError) -> str:
    """What to say where neither a pause nor its end could be written."""
    todo = "; make room on the disk of the data folder" if isinstance(error, Full) else ""
    return f"nothing was changed, because it could not be written: {error}{todo}"


def line(text: str) -> str:
    """What somebody has typed, as it may stand in states, logs and pages: one line, without contacts and secrets."""
    return " ".join(printable(redacted(" ".join(text.split()))).split())
