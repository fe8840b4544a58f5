"""Who holds the event loop? A thread looks at a heartbeat, and when it stops names the plugin on the stack.

A plugin that blocks makes every answer late. It cannot be stopped from outside (Python has no way to), but it can be
named, so that operations take the right one out.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

log = logging.getLogger("tagserver.operations.watchdog")

BEAT = 0.1
LATE = 0.25
"""Seconds without a heartbeat that are too many."""
OURS = "tagserver"


class Watchdog:
    """Runs between `start` and `stop`.

    `packages`: top package of each plugin → its name. `lag(seconds)` hears of every beat on the loop; `blocked(name)`
    once for each long blocking, from the thread.
    """

    def __init__(
        self, packages: Mapping[str, str], *, lag: Callable[[float], None], blocked: Callable[[str], None]
    ) -> None:
        self._packages = packages
        self._lag = lag
        self._blocked = blocked
        self._beat_at = time.monotonic()
        self._stopped = threading.Event()
        self._loop_thread = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="tagserver-watchdog", daemon=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Called on the loop that is watched."""
        self._task = asyncio.create_task(self._beat(), name="watchdog heartbeat")
        self._thread.start()

    async def stop(self) -> None:
        """End the thread and the heartbeat."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._thread.join)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT
            await asyncio.sleep(BEAT)
            self._beat_at = time.monotonic()
            self._lag(max(0.0, loop.time() - due))

    def _watch(self) -> None:
        said_for = 0.0
        while not self._stopped.wait(BEAT):
            beat_at = self._beat_at
            late = time.monotonic() - beat_at - BEAT
            if late > LATE and beat_at != said_for:
                said_for = beat_at
                name, place = self._culprit(sys._current_frames().get(self._loop_thread))
                log.warning("the event loop has been held for %.0f ms by %s (%s)", late * 1000, name, place)
                self._blocked(name)

    def _culprit(self, frame: FrameType | None) -> tuple[str, str]:
        """The innermost plugin on the stack, or ourselves, and where it stands."""
        innermost = ""
        while frame is not None:
            place = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} in {frame.f_code.co_name}"
            innermost = innermost or place
            package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if package in self._packages:
                return self._packages[package], place
            frame = frame.f_back
        return OURS, innermost
