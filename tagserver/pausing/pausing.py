"""The operator's hand on one destination of a running server: stopped, nothing is sent to it; all is kept and queued
until it may go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from tagserver.container.model import Container
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.outbox import Outbox, OutboxError
from tagserver.delivery.pauses import Pause, Pauses
from tagserver.pausing.names import names_of
from tagserver.pausing.words import line, reason

log = logging.getLogger("tagserver.delivery")

LOOK_EVERY = 1.0
"""Seconds between two looks at whether a term has passed."""
TIME_EVERY = 60
"""Of so many looks, one compares the clocks."""
Note = Callable[..., None]
"""Puts something on record: kind and facts."""


class Pausing:
    """Of one runtime. `clock` in ms; `dispatcher`: the workers, None before there are any."""

    def __init__(
        self,
        pauses: Pauses,
        outbox: Outbox,
        container: Callable[[], Container],
        dispatcher: Callable[[], Dispatcher | None],
        note: Note,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        log: logging.Logger = log,
    ) -> None:
        self._pauses = pauses
        self._outbox = outbox
        self._container = container
        self._dispatcher = dispatcher
        self._note = note
        self._clock = clock
        self._sleep = sleep
        self._log = log
        self._turn = asyncio.Lock()
        self._complained = False

    # ── what stands still

    def names(self, name: str) -> list[str]:
        """All names of a destination. Raises Unknown."""
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
        return None if pause is None else reason(pause, self._pauses.until(pause))

    def shown(self, name: str) -> dict[str, Any] | None:
        """The pause of a destination for machines: `by`, `since`, `until` and `note`; times in ms."""
        pause = self.of(name)
        return None if pause is None else self._shown(pause)

    def _shown(self, pause: Pause) -> dict[str, Any]:
        return {"by": pause.by, "since": pause.since, "until": self._pauses.until(pause), "note": pause.note}

    # ── what is done

    async def pause(self, name: str, *, by: str, note: str = "", seconds: float | None = None) -> dict[str, Any]:
        """Stop a destination, from this moment on; `seconds`: for so long. A pause that stands gets another
        term and note. Raises
        Unknown, and `OutboxError` when it cannot be put on disk; then nothing has changed."""
        async with self._turn:
            names, before = self.names(name), self.of(name)
            now = self._clock()
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
            await self._pauses.put(pause)
            self._look_again(names)
            self._log.warning(
                "destination %s is %s; everything is kept", names[0], reason(pause, pause.until), extra=_about(names[0])
            )
            self._note("paused", destination=names[0], by=pause.by, until=pause.until, note=pause.note)
            return {"destination": names[0], "pause": self._shown(pause), "replaced": replaced}

    async def resume(self, name: str, *, by: str) -> dict[str, Any]:
        """Let a destination go on, and have its vendor asked at once, also one that nobody has stopped by hand. Raises
        Unknown, and `OutboxError` when that cannot be put on disk; then it stands still as before."""
        async with self._turn:
            names, before = self.names(name), self.of(name)
            was = None if before is None else self._shown(before)
            await self._end(names, line(by))
            dispatcher = self._dispatcher()
            if dispatcher is not None:
                for one in names:
                    dispatcher.wait_no_longer(one)
            return {"destination": names[0], "was": was}

    async def _end(self, names: Collection[str], by: str) -> None:
        for gone in await self._pauses.end(names):
            self._log.warning(
                "destination %s goes on: resumed by %s", gone.destination, by, extra=_about(gone.destination)
            )
            self._note("resumed", destination=gone.destination, by=by)
            self._look_again(gone.names)

    def _look_again(self, names: Collection[str]) -> None:
        dispatcher = self._dispatcher()
        if dispatcher is not None:
            dispatcher.look_again(names)

    # ── time

    async def mind(self) -> None:
        """End what was stopped for a time, until cancelled."""
        turns = 0
        while True:
            await self.end_the_over(compare=turns % TIME_EVERY == 0)
            await self._sleep(LOOK_EVERY)
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


def _about(destination: str) -> dict[str, str]:
    return {"destination": destination}
