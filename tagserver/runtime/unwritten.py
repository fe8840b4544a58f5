"""Small files beside the queue: one that cannot be written, on a full disk say, keeps nobody from serving. It is said,
shown in readiness, and tried again until it is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tagserver.system.files import os_fault
from tagserver.system.time import Time

log = logging.getLogger("tagserver")

EVERY = 5.0
"""Seconds between two tries: with room on the disk again all is there within ten."""
Write = Callable[[], None]
"""Writes something whole, or raises OSError."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    write: Write
    meanwhile: str
    why: str

    def __str__(self) -> str:
        return f"{self.why}: {self.meanwhile}"


class Unwritten:
    """What could not be written yet, by name. For the event loop's thread."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._waiting: dict[str, _Waiting] = {}

    def attempt(self, name: str, write: Write, meanwhile: str) -> bool:
        """Write something now, or as soon as that is possible; whether it is there. `meanwhile`: what is so until
        then, as the end of a sentence."""
        self._waiting.pop(name, None)
        try:
            write()
        except OSError as error:
            self._waiting[name] = waiting = _Waiting(write, meanwhile, os_fault(error))
            log.error("the %s cannot be written: %s. It is tried again every %.0f s", name, waiting, EVERY)
            return False
        return True

    def drop(self, name: str) -> None:
        """It is not wanted any more."""
        self._waiting.pop(name, None)

    def notices(self) -> dict[str, str]:
        """A sentence for each that waits, by a name for machines."""
        said = {name: f"the {name} could not be written: {one}" for name, one in self._waiting.items()}
        return {f"unwritten {name}": sentence for name, sentence in said.items()}

    async def try_again(self) -> None:
        """Write what waits, off the event loop."""
        for name, waiting in list(self._waiting.items()):
            try:
                await asyncio.to_thread(waiting.write)
            except OSError:
                continue
            if self._waiting.get(name) is waiting:
                del self._waiting[name]
                log.info("the %s is written now", name)

    async def mind(self, besides: Callable[[], Awaitable[None]]) -> None:
        """Try again and again, until cancelled; `besides`: what else waits for room."""
        while True:
            await self._time.sleep(EVERY)
            await self.try_again()
            await besides()
