"""What follows from a wrong clock, and from its end.

While it is doubted nothing is given up for its age and nothing is erased, and what browsers say of their own time is
not corrected by it. When it is right again, vendors are asked at once, also where a destination was paused because
everything of the wrong time was refused; and it is said how much died meanwhile, and how to bring that back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tagserver.delivery.clock_doubt import ClockDoubt
from tagserver.system.clock_monitor import CALM, EVERY, LONG_CALM, ClockSteps
from tagserver.system.text import span

log = logging.getLogger("tagserver.clock")

FAULT = 300.0
"""Seconds: a step of more than that ends a fault, or begins one."""
KEPT_AFTER = 3 * 86400.0
"""Seconds after a fault in which nothing is erased for its age: what died in it bears a wrong date, and somebody has to
look at it first."""
_OF_A_FAULT = ("expired", "rejected")

Burials = Mapping[tuple[str, str, str], int]
"""How many have died since the process began, by destination, reason and code."""


@dataclass(frozen=True, slots=True)
class _Fault:
    steady: float
    wall: int
    dead: Counter[tuple[str, str]]


class ClockWatch:
    """`clock`: ms since 1970, `steady`: seconds that never jump; `dead_lettered` as the outbox counts them. `mended` is
    called when the clock has become right, or was set by much. `doubt` and `calm` may be asked from any thread."""

    def __init__(
        self,
        steps: ClockSteps,
        doubt: ClockDoubt,
        clock: Callable[[], int],
        steady: Callable[[], float],
    ) -> None:
        self.steps = steps
        self.doubt = doubt
        self._clock = clock
        self._steady = steady
        self._burials: Callable[[], Burials] = dict
        self._mended: Callable[[], None] = lambda: None
        self._ended = float("-inf")
        self._total = steps.total
        self._fault = self._begun() if doubt.why is not None else None
        self._before: tuple[float, _Fault] | None = None

    def connect(self, dead_lettered: Callable[[], Burials], mended: Callable[[], None]) -> None:
        """Who is asked and told; from then on `watch` makes sense."""
        self._burials, self._mended = dead_lettered, mended

    def calm(self, seconds: float = CALM) -> bool:
        """Whether the clock is believed, and was not set by much for so long. For what cannot be undone (LONG_CALM),
        also whether a fault is some days ago."""
        if not self.steps.calm(seconds) or self.doubt.why is not None:
            return False
        return seconds < LONG_CALM or self._steady() - self._ended >= KEPT_AFTER

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """Notice a step, a doubt that begins, and its end."""
        self.steps.look()
        step, self._total = self.steps.total - self._total, self.steps.total
        if abs(step) > FAULT:
            self.doubt.stepped()
        else:
            self.doubt.look()
        if self.doubt.why is not None:
            self._fault = self._fault or self._begun()
        elif self._fault is not None:
            fault, self._fault = self._fault, None
            self._end(fault, doubted=True)
        elif abs(step) > FAULT:
            self._set_by(step)

    def _set_by(self, step: float) -> None:
        """Set by much, and nobody says that it is wrong. What it was set back from was a fault."""
        if self._before is not None and abs(self._before[0] + step) < FAULT:
            fault, self._before = self._before[1], None
            self._end(fault, doubted=False)
            return
        self._before = step, self._begun()
        self._mended()

    def _begun(self) -> _Fault:
        return _Fault(self._steady(), self._clock(), self._dead())

    def _dead(self) -> Counter[tuple[str, str]]:
        dead: Counter[tuple[str, str]] = Counter()
        for (destination, reason, _), number in self._burials().items():
            if reason in _OF_A_FAULT:
                dead[destination, reason] += number
        return dead

    def _end(self, fault: _Fault, *, doubted: bool) -> None:
        """`doubted`: that it is over is said as a change of state already; how much died is not."""
        self._ended = self._steady()
        lasted = self._ended - fault.steady
        dead = self._dead() - fault.dead
        said = f"the clock is right again after {span(lasted)}; all vendors are asked at once"
        if dead:
            some = ", ".join(f"{number} {reason} of {name}" for (name, reason), number in sorted(dead.items()))
            reasons = " ".join(f"--reason {reason}" for reason in sorted({reason for _, reason in dead}))
            since, until = _written(fault.wall), _written(fault.wall + round(lasted * 1000) + 60_000)
            said += (
                f". Meanwhile deliveries became dead letters ({some}), which bear the date of the wrong clock and are "
                f"kept for three days at least: tagserver dead retry {reasons} --since {since} --until {until}"
            )
        if dead or not doubted:
            log.warning("%s", said, extra={"count": dead.total(), "lasted_s": round(lasted, 1)})
        self._mended()


def _written(ms: int) -> str:
    """As `--since` takes it."""
    try:
        return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return "1970-01-01T00:00:00Z"
