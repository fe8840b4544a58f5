"""How we stand with a vendor: what its answers have taught us about when, how much and how fast to send.

It is kept as long as the destination's settings are the same, over reloads; with other settings it begins anew. Nothing
here disables a destination for good: whatever the vendor does, the deliveries are kept until they expire.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Literal

from tagserver.delivery.batch import Shipment
from tagserver.delivery.breaker import Breaker
from tagserver.delivery.budget import RetryBudget
from tagserver.delivery.limiter import Limiter
from tagserver.delivery.outcomes import Stop
from tagserver.queue.retry import Chance
from tagserver.queue.values import Batch

log = logging.getLogger("tagserver.delivery")

State = Literal["ok", "retrying", "open", "paused", "failing", "disabled"]

PROBE = 600.0
"""Seconds between probes of a paused destination."""
SELDOM = 3600.0
"""Seconds between two looks at a pause that no probe ends."""
PROBE_EVENTS = 10
"""Events in the one request that asks whether a vendor is back."""


class Standing:
    """Of one destination. `steady` gives seconds that never jump."""

    def __init__(self, name: str, steady: Callable[[], float], chance: Chance) -> None:
        self._name = name
        self._steady = steady
        self._breaker = Breaker(steady, chance)
        self._limiter = Limiter(steady, 1)
        self._budget = RetryBudget(steady)
        self._paused: str | None = None
        self._reason = ""
        self.stop: Stop | None = None
        """What has changed the state last; None while all is well."""
        self._probe_at = 0.0
        self._suspect = False
        self._undecided_at: float | None = None
        self._size: int | None = None
        self.proven = False
        """The vendor has just taken a probe: what it refuses now are bad events."""
        self.refusals: Counter[str] = Counter()
        """How often it has refused with a code since it last took something."""

    @property
    def state(self) -> tuple[State, str]:
        """The state, and why it is not ok."""
        if self._paused is not None:
            return "paused", self._paused
        state = self._breaker.state
        return state, "" if state == "ok" else self._reason

    # ── what may be sent

    @property
    def paused(self) -> bool:
        """Whether it stands still until somebody acts or a probe is taken."""
        return self._paused is not None

    @property
    def probing(self) -> bool:
        """Whether only one small request at a time may be sent."""
        return self.paused or self._breaker.open

    def wait(self) -> float:
        """Seconds until the next request may be made; 0 when now."""
        return max(0.0, self._breaker.wait(), min(SELDOM, self._probe_at - self._steady()) if self.paused else 0.0)

    def requests(self, most: int) -> int:
        """How many requests may be under way; `most`: the destination's limit."""
        self._limiter.cap = most
        return 1 if self.probing else self._limiter.limit

    def events(self, most: int) -> int:
        """How many events the next request may hold; `most`: the destination's limit."""
        full = min(self._size or most, most)
        if self.probing:
            return 1 if self.paused else min(full, PROBE_EVENTS)
        return full

    def may_repeat(self) -> bool:
        """Whether what was tried before may be sent now, or only what was not. While nobody knows what the answers of
        the vendor mean, a repeat is somebody's decision."""
        return self._undecided_at is None and (self.probing or self._budget.allows())

    def ask_now(self) -> None:
        """Somebody may have mended what it was paused for: probe at once, with anything."""
        self._probe_at = 0.0
        self._undecided_at = None

    def wait_no_longer(self) -> None:
        """Somebody wants it tried now, whatever was failing: a pause and a wait end, an open breaker still probes."""
        self.ask_now()
        self._breaker.cut_short()

    def clock_is_right(self) -> None:
        """Our clock was wrong, and is right now: what was refused for it may be taken. Where nobody knows what the
        answers mean, a repeat stays somebody's decision."""
        if self._undecided_at is None:
            self.wait_no_longer()

    # ── what is learned

    def claimed(self, batch: Batch) -> None:
        """A batch is about to be sent."""
        self._budget.sent(repeat=batch.rows[0].attempts > 0)

    def learn(
        self, shipment: Shipment, stop: Stop | None, most: int, *, began: float, took: float, crowded: bool
    ) -> None:
        """What became of a shipment that began at `began` and took `took` seconds. `most`: the destination's limit of
        events; `crowded`: as many requests were under way as may be."""
        self._count_refusals(shipment)
        self.stop = stop or self.stop
        if stop is not None and stop.kind == "undecided":
            self._pause_undecided(stop, again=shipment.repeats)
        elif self._undecided_at is not None and began < self._undecided_at:
            return  # under way since before the pause: it says nothing of what came then
        elif stop is not None and stop.kind in ("paused", "suspect"):
            self._pause(stop)
        elif stop is not None:
            self._wait_after(stop, began)
        elif shipment.tried:
            if shipment.delivered:
                self._limiter.answered(took, full=crowded)
            self._well(most, clean=not shipment.refused)

    def _count_refusals(self, shipment: Shipment) -> None:
        """What the vendor takes and refuses, over several batches: bad events, or a bad set-up?"""
        if shipment.delivered:
            self.refusals.clear()
            self.proven = self._suspect
            self._suspect = False
        elif shipment.refused:
            self.refusals.update(shipment.refused)
            self.proven = False

    def _pause(self, stop: Stop) -> None:
        """Stand still, with everything kept. A suspicion is looked into at once: one event of another time is tried,
        and if that one is taken, the refused ones are bad events after all."""
        first = stop.kind == "suspect" and not self._suspect
        self._suspect = stop.kind == "suspect"
        self._probe_at = self._steady() + (0.0 if first else PROBE)
        self._paused = stop.reason

    def _pause_undecided(self, stop: Stop, *, again: bool) -> None:
        """Stand still: the vendor may have all of it. What was not tried yet asks after a while whether its answers can
        be read again; `again`: these were repeats, and only somebody who acts ends it."""
        self._undecided_at = self._steady()
        self._suspect = False
        self._probe_at = float("inf") if again else self._undecided_at + PROBE
        self._paused = stop.reason

    def _wait_after(self, stop: Stop, began: float) -> None:
        self._reason = stop.reason
        self._limiter.overloaded()
        self._budget.failed()
        delay = self._breaker.failed(stop.asked, began, throttled=stop.kind == "throttled")
        log.debug("destination %s: %s; again in %.1f s", self._name, stop.reason, delay)

    def _well(self, most: int, *, clean: bool) -> None:
        if self._breaker.open:
            self._budget = RetryBudget(self._steady)  # an outage is over: what it held up is due at once
        if self.state[0] != "ok":
            self._limiter.restart()
        self._paused = self._undecided_at = self.stop = None
        self._breaker.succeeded()
        if not clean:
            self._size = max(1, (self._size or most) // 2)
        elif self._size is not None:
            self._size = None if self._size * 2 >= most else self._size * 2
