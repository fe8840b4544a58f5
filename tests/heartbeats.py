"""A loop and the watchdog that looks at it, by a clock of the test."""

from __future__ import annotations

from tagserver.runtime.watchdog import BEAT, Stretches
from tagserver.system.machine import ThreadSample


class Loop:
    """A loop whose heartbeat comes when the test says so, and a watchdog that looks ten times a second, with what the
    machine says."""

    def __init__(self) -> None:
        self.now = self.beat_at = 100.0
        self.queued = self.worked = self.waited = 0.0
        self.said: list[str] = []
        self.blocked: list[str] = []
        self.starved = 0.0
        self._stretches = Stretches(self.said.append, self.blocked.append, self._starved)

    def _starved(self, seconds: float) -> None:
        self.starved += seconds

    def look(self, name: str | None = "nobody", place: str = "") -> None:
        """Of the watchdog; without a name the loop waits for something to do."""
        sample = ThreadSample(self.now, self.queued, self.worked, self.waited)
        self._stretches.look(sample, self.beat_at, lambda: None if name is None else (name, place))

    def runs(self, seconds: float) -> None:
        """Nobody holds it."""
        for _ in range(round(seconds / BEAT)):
            self.now += BEAT
            self.beats()

    def is_held(self, seconds: float, name: str, place: str = "x.py:1 in f", *, queued: float = 0.0) -> None:
        """By somebody, without a heartbeat; of each second so much in the queue for a processor."""
        for _ in range(round(seconds / BEAT)):
            self.now += BEAT
            self.queued += queued * BEAT
            self.worked += (1 - queued) * BEAT
            self.look(name, place)

    def is_not_seen(self, seconds: float, *, queued: float = 0, worked: float = 0, waited: float = 0) -> None:
        """Nor does the watchdog look; of each second so much was queued, worked, waited for."""
        self.now += seconds
        self.queued += queued * seconds
        self.worked += worked * seconds
        self.waited += waited * seconds
        self.look("a", "x.py:1 in f")

    def beats_unseen(self) -> None:
        """Just after the watchdog has looked."""
        self.now += 0.001
        self.beat_at = self.now

    def beats(self) -> None:
        """A heartbeat at last."""
        self.beat_at = self.now
        self.look()
