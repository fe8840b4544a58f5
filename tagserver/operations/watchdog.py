"""Who holds the event loop? A thread looks at a heartbeat, and while there is none at the stack: which plugin it is in,
and how often.

A plugin that blocks makes every answer late. It cannot be stopped from outside (Python has no way to), but it can be
named, with the whole time that it took, so that operations take the right one out.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from tagserver.operations.culprit import Culprit

log = logging.getLogger("tagserver.operations.watchdog")

BEAT = 0.1
LATE = 0.25
"""Seconds without a heartbeat that are too many."""
LONG = 1.0
"""Seconds after which it is said that somebody holds the loop, and not only that somebody did: it may never end."""
SOON = 0.05
"""Seconds by which a heartbeat may be late without anybody's fault."""

Named = tuple[str, str]
"""Who, and the line in which it stands."""


class Stretches:
    """The times without a heartbeat, one after another. `said(text)` hears of each that was too long; `blocked(name)`
    once for each of them."""

    def __init__(self, said: Callable[[str], None], blocked: Callable[[str], None]) -> None:
        self._said, self._blocked = said, blocked
        self._since = 0.0
        self._seen: Counter[Named] = Counter()
        self._told = False

    def look(self, now: float, beat_at: float, culprit: Callable[[], Named]) -> None:
        """Called ten times a second, with the last heartbeat; seconds of a clock that never goes back."""
        if beat_at != self._since:
            if self._seen and (took := beat_at - self._since - BEAT) > LATE:
                name, place = self._tell()
                self._said(f"the event loop has been held for {took * 1000:.0f} ms by {name} ({place})")
            self._since, self._told = beat_at, False
            self._seen.clear()
        late = now - beat_at - BEAT
        if late > SOON:
            self._seen[culprit()] += 1
        if late > LONG and not self._told:
            name, place = self._tell()
            self._said(f"the event loop has been held for {late * 1000:.0f} ms by {name} ({place}), and still is")

    def _tell(self) -> Named:
        """Who was seen most, and where most often; counted once."""
        names: Counter[str] = Counter()
        for (one, _), times in self._seen.items():
            names[one] += times
        ((name, _),) = names.most_common(1)
        if not self._told:
            self._blocked(name)
        self._told = True
        return max((named for named in self._seen if named[0] == name), key=self._seen.__getitem__)


class Watchdog:
    """Runs between `start` and `stop`.

    `packages`: modules of plugins → their names, see `Culprit`. `lag(seconds)` hears of every beat on the loop;
    `blocked(name)` once for each long blocking, from the thread.
    """

    def __init__(
        self, packages: Mapping[str, str], *, lag: Callable[[float], None], blocked: Callable[[str], None]
    ) -> None:
        self._culprit = Culprit(packages)
        self._lag = lag
        self._stretches = Stretches(log.warning, blocked)
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
        while not self._stopped.wait(BEAT):
            self._stretches.look(time.monotonic(), self._beat_at, self._on_the_loop)

    def _on_the_loop(self) -> Named:
        return self._culprit.of(sys._current_frames().get(self._loop_thread))
