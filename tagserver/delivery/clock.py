"""Is the wall clock right, and what follows where it is not.

A machine without a clock of its own boots in 1970, or where it was switched off, and is set minutes later; another one
is years ahead. Nothing jumps while the server runs, so nothing looks wrong.

Three witnesses are heard. Vendors say the time in each answer (`Date`): where most of those that were heard agree, they
alone count; a single one does not where the kernel says that a time service keeps its clock, for one vendor's fault is
not everybody's. Else the kernel. Else what this installation knows: when this program was written, and when the data
folder was written last.

While the clock is doubted nothing is given up for its age and nothing is erased, and what browsers say of their own
time is not corrected by it. When it is right again, vendors are asked at once, also where a destination was paused
because everything of the wrong time was refused; and it is said how much died meanwhile, and how to bring that back.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from statistics import median

from tagserver.delivery.observer import DeliveryObserver
from tagserver.system.text import readable_time, span
from tagserver.system.time import Time

log = logging.getLogger("tagserver.clock")

EVERY = 1.0
"""Seconds between two looks at the clock."""
FAULT = 300.0
"""Seconds: a jump of more than that ends a fault, or begins one."""
FLOOR = 1_767_225_600_000
"""2026-01-01 in ms: before this program was written no clock was right."""
OFF = 300.0
"""Seconds that the clock may be off. Vendors refuse events of the future; minutes are nothing to them."""
AWAY = 400 * 86400.0
"""Seconds since the data folder was written last that nobody believes without another witness."""
HEARD_EVERY = 30.0
"""Seconds in which one vendor is heard once."""
HEARD_FOR = 3600.0
"""Seconds for which a word counts."""
_OF_A_FAULT = ("expired", "rejected")

DeadLettered = Mapping[tuple[str, str, str], int]
"""How many have died since the process began, by destination, reason and code."""


class ClockDoubt:
    """Sets `wrong` of the time that it judges. `newest`: when the data folder was written last, by the clock of then,
    None when nobody knows. `kept`: the kernel's word on a time service, None where it has none."""

    def __init__(self, time: Time, newest: int | None, kept: Callable[[], bool | None]) -> None:
        self._time = time
        self._newest = newest
        self._kept = kept
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[float, float]] = {}
        self.look()

    def heard(self, witness: str, headers: Mapping[str, str]) -> None:
        """A vendor has answered, with these headers. Its answer may come from a cache, and be as old as that says."""
        now = self._time.monotonic()
        if now - self._heard.get(witness, (float("-inf"), 0.0))[0] < HEARD_EVERY:
            return
        try:
            said = parsedate_to_datetime(headers["date"]).astimezone(UTC).timestamp()
            said += min(max(0.0, float(headers.get("age", "0"))), 86400.0)
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        with self._lock:
            self._heard[witness] = now, self._time.now() / 1000 - said
        self.look()

    def jumped(self) -> None:
        """The clock was set: what was heard was about the one before."""
        with self._lock:
            self._heard.clear()
        self.look()

    def received(self, sent: object) -> int:
        """What time it is, in ms, as well as that is known; `sent`: what a page says that it is. While the clock is
        doubted vendors are believed, else the page, where that can be: most know the time. All that it could gain is
        another date of its own event."""
        now = self._time.now()
        if self._time.wrong is None:
            return now
        if (off := self._off()) is not None:
            return now - round(off * 1000)
        low = max(FLOOR, self._newest or 0)
        if isinstance(sent, int | float) and low <= sent <= low + 1000 * AWAY:
            return int(sent)
        return now

    def _off(self) -> float | None:
        """By how many seconds the clock is ahead of what most vendors say; None where none was heard lately, or where
        no more than half agree."""
        with self._lock:
            now = self._time.monotonic()
            skews = [skew for at, skew in self._heard.values() if now - at < HEARD_FOR]
        if not skews or (len(skews) == 1 and abs(skews[0]) > OFF and self._kept()):
            return None
        off = median(skews)
        return off if 2 * sum(abs(skew - off) <= OFF for skew in skews) > len(skews) else None

    def look(self) -> None:
        """Judge anew."""
        self._time.wrong = self._judged()

    def _judged(self) -> str | None:
        shows = f"this machine's clock shows {readable_time(self._time.now())}"
        if (off := self._off()) is not None:
            if abs(off) <= OFF:
                return None
            return f"{shows}, {span(abs(off))} {'after' if off > 0 else 'before'} what vendors' answers say"
        if self._kept():
            return None
        if self._time.now() < FLOOR:
            return f"{shows}, before this program was written"
        if self._newest is not None:
            since = (self._time.now() - self._newest) / 1000
            if since < -OFF:
                return f"{shows}, and the data folder was written at {readable_time(self._newest)}"
            if since > AWAY:
                return f"{shows}, and the data folder was written last at {readable_time(self._newest)}"
        return None


@dataclass(frozen=True, slots=True)
class _Fault:
    began: float
    wall: int
    dead: Counter[tuple[str, str]]


class ClockWatch:
    """Notices what becomes of the clock. `dead_lettered`: how many have died, as the outbox counts them. `mended` is
    called when the clock has become right, or was set by much."""

    def __init__(
        self,
        time: Time,
        doubt: ClockDoubt,
        *,
        dead_lettered: Callable[[], DeadLettered],
        mended: Callable[[], None],
        observer: DeliveryObserver,
    ) -> None:
        self._time = time
        self._doubt = doubt
        self._dead_lettered = dead_lettered
        self._mended = mended
        self._observer = observer
        self._jumps = 0
        self._jumped = 0.0
        self._fault = self._begun() if time.wrong is not None else None
        self._before: tuple[float, _Fault] | None = None

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            self.look()
            await self._time.sleep(EVERY)

    def look(self) -> None:
        """Notice a jump, a doubt that begins, and its end."""
        self._time.look()
        if self._time.jumps > self._jumps:
            self._observer.clock_jumped(self._time.jumps - self._jumps)
            self._jumps = self._time.jumps
        jump, self._jumped = self._time.jumped - self._jumped, self._time.jumped
        if abs(jump) > FAULT:
            self._doubt.jumped()
        else:
            self._doubt.look()
        if self._time.wrong is not None:
            self._fault = self._fault or self._begun()
        elif self._fault is not None:
            fault, self._fault = self._fault, None
            self._end(fault, doubted=True)
        elif abs(jump) > FAULT:
            self._set_by(jump)

    def _set_by(self, jump: float) -> None:
        """Set by much, and nobody says that it is wrong. What it was set back from was a fault."""
        if self._before is not None and abs(self._before[0] + jump) < FAULT:
            fault, self._before = self._before[1], None
            self._end(fault, doubted=False)
            return
        self._before = jump, self._begun()
        self._mended()

    def _begun(self) -> _Fault:
        return _Fault(self._time.monotonic(), self._time.now(), self._dead())

    def _dead(self) -> Counter[tuple[str, str]]:
        dead: Counter[tuple[str, str]] = Counter()
        for (destination, reason, _), number in self._dead_lettered().items():
            if reason in _OF_A_FAULT:
                dead[destination, reason] += number
        return dead

    def _end(self, fault: _Fault, *, doubted: bool) -> None:
        """`doubted`: that it is over is said as a change of state already; how much died is not."""
        self._time.mended_at = self._time.monotonic()
        lasted = self._time.mended_at - fault.began
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
