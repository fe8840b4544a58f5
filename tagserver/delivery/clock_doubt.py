"""Is the wall clock right? A machine without a clock of its own boots in 1970, or where it was switched off, and is set
minutes later; another one is years ahead. Nothing steps while the server runs, so nothing looks wrong.

Three witnesses are heard. Vendors say the time in each answer (`Date`): where most of those that were heard agree, they
alone count; a single one does not where the kernel says that a time service keeps its clock, for one vendor's fault is
not everybody's. Else the kernel. Else what this installation knows: when this program was written, and when the data
folder was written last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from statistics import median

from tagserver.system.text import readable_time, span

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


class ClockDoubt:
    """`clock`: ms since 1970, `steady`: seconds that never jump. `newest`: when the data folder was written last, by
    the clock of then, None when nobody knows. `kept`: the kernel's word on a time service, None where it has none.
    `why` may be read from any thread."""

    def __init__(
        self,
        clock: Callable[[], int],
        steady: Callable[[], float],
        newest: int | None,
        kept: Callable[[], bool | None],
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._newest = newest
        self._kept = kept
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[float, float]] = {}
        self.why: str | None = None
        """The sentence, None while the clock is believed."""
        self.look()

    def heard(self, witness: str, headers: Mapping[str, str]) -> None:
        """A vendor has answered, with these headers. Its answer may come from a cache, and be as old as that says."""
        now = self._steady()
        if now - self._heard.get(witness, (float("-inf"), 0.0))[0] < HEARD_EVERY:
            return
        try:
            said = parsedate_to_datetime(headers["date"]).astimezone(UTC).timestamp()
            said += min(max(0.0, float(headers.get("age", "0"))), 86400.0)
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        with self._lock:
            self._heard[witness] = now, self._clock() / 1000 - said
        self.look()

    def stepped(self) -> None:
        """The clock was set: what was heard was about the one before."""
        with self._lock:
            self._heard.clear()
        self.look()

    def received(self, sent: object) -> int:
        """What time it is, in ms, as well as that is known; `sent`: what a page says that it is. While the clock is
        doubted vendors are believed, else the page, where that can be: most know the time. All that it could gain is
        another date of its own event."""
        now = self._clock()
        if self.why is None:
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
            now = self._steady()
            skews = [skew for at, skew in self._heard.values() if now - at < HEARD_FOR]
        if not skews or (len(skews) == 1 and abs(skews[0]) > OFF and self._kept()):
            return None
        off = median(skews)
        return off if 2 * sum(abs(skew - off) <= OFF for skew in skews) > len(skews) else None

    def look(self) -> None:
        """Judge anew."""
        self.why = self._judged()

    def _judged(self) -> str | None:
        shows = f"this machine's clock shows {readable_time(self._clock())}"
        if (off := self._off()) is not None:
            if abs(off) <= OFF:
                return None
            return f"{shows}, {span(abs(off))} {'after' if off > 0 else 'before'} what vendors' answers say"
        if self._kept():
            return None
        if self._clock() < FLOOR:
            return f"{shows}, before this program was written"
        if self._newest is not None:
            since = (self._clock() - self._newest) / 1000
            if since < -OFF:
                return f"{shows}, and the data folder was written at {readable_time(self._newest)}"
            if since > AWAY:
                return f"{shows}, and the data folder was written last at {readable_time(self._newest)}"
        return None
