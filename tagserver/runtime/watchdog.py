"""Who holds the event loop? A thread looks at a heartbeat, and while there is none at the stack: which plugin it is in,
and how often.

A plugin that blocks makes every answer late. It cannot be stopped from outside (Python has no way to), but it can be
named, with the whole time that it took, so that operations take the right one out. A loop that is late because the
machine was busy, or suspended, is no plugin's doing, and is counted by itself: see `ThreadSampler`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import FrameType

from tagserver.plugin.fault import UNKNOWN, Culprit
from tagserver.system.machine import Lateness, ThreadSample, ThreadSampler

log = logging.getLogger("tagserver.runtime.watchdog")

BEAT = 0.1
LATE = 0.25
"""Seconds without a heartbeat that are too many."""
LONG = 1.0
"""Seconds after which it is said that somebody holds the loop, and not only that somebody did: it may never end."""
QUIET = 60.0
"""Seconds between two lines about a busy machine."""
SOON = 0.05
"""Seconds by which a heartbeat may be late without anybody's fault."""

Named = tuple[str, str]
"""Who, and the line in which it stands."""


class Stretches:
    """The times without a heartbeat, one after another. `said(text)` hears of each that was too long; `blocked(name)`
    once for each that somebody held; `starved(seconds)` of what was the machine's doing, which is nobody's fault."""

    def __init__(
        self, said: Callable[[str], None], blocked: Callable[[str], None], starved: Callable[[float], None]
    ) -> None:
        self._said, self._blocked, self._starved = said, blocked, starved
        self._since = 0.0
        self._seen: Counter[Named] = Counter()
        self._told = False
        self._lateness = Lateness(BEAT)
        self._quiet_until = float("-inf")

    def look(self, sample: ThreadSample, beat_at: float, culprit: Callable[[], Named | None]) -> None:
        """Called ten times a second, with the last heartbeat; seconds of a clock that never goes back. `culprit` gives
        None when nobody holds the loop just now."""
        self._lateness.add(sample)
        if beat_at != self._since:
            if self._since:
                self._ended(beat_at - self._since - BEAT, sample.now)
            self._since, self._told = beat_at, False
            self._seen.clear()
            self._lateness.begin(sample.now - beat_at)
        late = sample.now - beat_at - BEAT
        if late > SOON and (named := culprit()) is not None:
            self._seen[named] += 1
        held = late - self._lateness.starved(late)
        if held > LONG and self._seen and not self._told:
            name, place = self._tell()
            self._said(f"the event loop has been held for {held * 1000:.0f} ms by {name} ({place}), and still is")

    def _ended(self, took: float, now: float) -> None:
        """A stretch is over that was late by so much."""
        if took <= SOON:
            return
        starved = self._lateness.starved(took)
        held = took - starved
        self._starved(starved)
        machine = f"{starved * 1000:.0f} ms the machine was busy with something else or stood still"
        if held > LATE:
            name, place = self._tell() if self._seen else self._unseen()
            beside = f"; for {machine}" if starved > SOON else ""
            self._said(f"the event loop has been held for {held * 1000:.0f} ms by {name} ({place}){beside}")
        elif starved > LATE and now >= self._quiet_until:
            self._quiet_until = now + QUIET
            self._said(
                f"the event loop was late by {took * 1000:.0f} ms, for no plugin's fault: {machine}. If that goes on, "
                "give this server more processor (a container's CPU limit counts), or the machine less to do"
            )

    def _unseen(self) -> Named:
        """A call kept the interpreter to its end, so that nobody could look who makes it."""
        self._blocked(UNKNOWN)
        return UNKNOWN, "a call that lets no other thread run"

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
    `blocked(name)` once for each long blocking, and `starved(seconds)` of the time that the machine did not give, both
    from the thread.
    """

    def __init__(
        self,
        packages: Mapping[str, str],
        *,
        lag: Callable[[float], None],
        blocked: Callable[[str], None],
        starved: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._culprit = Culprit(packages)
        self._lag = lag
        self._stretches = Stretches(log.warning, blocked, starved)
        self._sampler = ThreadSampler()
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
        ended = False
        while not ended:
            ended = self._stopped.wait(BEAT)  # once more at the end: what was just over is told, too
            self._stretches.look(self._sampler.sample(), self._beat_at, self._on_the_loop)

    def _on_the_loop(self) -> Named | None:
        frame = sys._current_frames().get(self._loop_thread)
        return None if waits(frame) else self._culprit.of(frame)


def waits(frame: FrameType | None) -> bool:
    """Whether a loop in this frame asks the system for something to do, as it does between the end of a call and the
    heartbeat that is overdue: asyncio's in its selector, uvloop's in no frame of its own."""
    if frame is not None and frame.f_globals.get("__name__") == "selectors":
        frame = frame.f_back  # a plugin that selects has another caller
    if frame is None:
        return False
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) in _LOOPS


_LOOPS = {("asyncio.base_events", "_run_once"), ("asyncio.runners", "run")}
