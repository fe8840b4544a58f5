"""The health of one destination: what its answers say of it, and so when and how much may be sent to it.

Failures of the way (no connection, time-outs, 5xx) delay the destination, never the single delivery. After enough of
them a breaker opens: from then on one small request probes at each turn, until one succeeds. Being throttled (429)
delays too, but says that the vendor lives, and never opens the breaker. What a vendor refuses altogether pauses the
destination until somebody acts or a probe is taken. Nothing is given up here: whatever the vendor does, the deliveries
are kept until they expire.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from typing import Literal

from tagserver.delivery.batch import BatchSender
from tagserver.delivery.outcomes import Stop
from tagserver.delivery.throttle import Limiter, RetryBudget
from tagserver.queue.retry import backoff
from tagserver.queue.values import Batch
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

State = Literal["ok", "retrying", "open", "paused", "failing", "disabled"]

IN_A_ROW = 5
"""So many failures in a row open the breaker; so does half of at least `OF` requests within `WINDOW` seconds."""
OF = 20
WINDOW = 60.0
CUTS_EVERY = 1.0
"""Seconds between two waits that are cut short: a site that publishes with every edit does not hammer a vendor that is
down."""


class Breaker:
    """Of one destination."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._failures = 0
        self._failing_since = 0.0
        self._failed_at = float("-inf")
        self._recent: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._until = 0.0
        self._cut_at = float("-inf")
        self.open = False

    @property
    def state(self) -> Literal["ok", "retrying", "open"]:
        """`retrying` while it waits after a failure; `open` while only probes are sent."""
        return "open" if self.open else "retrying" if self._failures else "ok"

    def wait(self) -> float:
        """Seconds until the next request may be made; 0 when now."""
        return max(0.0, self._until - self._time.monotonic())

    def succeeded(self) -> None:
        """The vendor answered sensibly: everything is due at once."""
        if self.open:
            self._recent.clear()
        self.open = False
        self._failures = 0
        self._until = 0.0
        self._recent.append((self._time.monotonic(), True))

    def failed(self, asked: float | None, began: float, *, throttled: bool = False) -> float:
        """A request that began at `began` failed; `asked` seconds by the vendor (Retry-After). The wait that follows,
        in seconds.

        Requests that were under way together fail together: they count as one.
        """
        now = self._time.monotonic()
        if self._failures == 0:
            self._failing_since = now
        if began >= self._failed_at:
            self._failures += 1
        self._failed_at = now
        if not throttled:
            self._recent.append((now, False))
            self.open = self.open or self._failures >= IN_A_ROW or self._half_failed(now)
        delay = backoff(self._failures, now - self._failing_since, self._time, asked)
        self._until = max(self._until, now + delay)
        return delay

    def cut_short(self) -> None:
        """Somebody wants it tried now: the next request may be made at once. What was learned stays: an open breaker
        still probes first, and another failure waits longer than the one before."""
        now = self._time.monotonic()
        if now - self._cut_at >= CUTS_EVERY:
            self._cut_at = now
            self._until = 0.0

    def _half_failed(self, now: float) -> bool:
        while self._recent and now - self._recent[0][0] > WINDOW:
            self._recent.popleft()
        bad = sum(not ok for _, ok in self._recent)
        return len(self._recent) >= OF and bad * 2 >= len(self._recent)


PROBE = 600.0
"""Seconds between probes of a paused destination."""
SELDOM = 3600.0
"""Seconds between two looks at a pause that no probe ends."""
PROBE_EVENTS = 10
"""Events in the one request that asks whether a vendor is back."""


class DestinationHealth:
    """Of one destination, since its settings were changed last."""

    def __init__(self, name: str, time: Time) -> None:
        self._name = name
        self._time = time
        self._breaker = Breaker(time)
        self._limiter = Limiter(time, 1)
        self._budget = RetryBudget(time)
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
        return self._paused is not None or self._breaker.open

    def wait(self) -> float:
        """Seconds until the next request may be made; 0 when now."""
        wait = self._breaker.wait()
        if self._paused is not None:
            wait = max(wait, min(SELDOM, self._probe_at - self._time.monotonic()))
        return wait

    def requests(self, most: int) -> int:
        """How many requests may be under way; `most`: the destination's limit."""
        self._limiter.cap = most
        return 1 if self.probing else self._limiter.limit

    def events(self, most: int) -> int:
        """How many events the next request may hold; `most`: the destination's limit."""
        full = min(self._size or most, most)
        if self._paused is not None:
            return 1
        return min(full, PROBE_EVENTS) if self._breaker.open else full

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
        self, sender: BatchSender, stop: Stop | None, most: int, *, began: float, took: float, crowded: bool
    ) -> None:
        """What became of a batch that was sent at `began` within `took` seconds. `most`: the destination's limit of
        events; `crowded`: as many requests were under way as may be."""
        self._count_refusals(sender)
        self.stop = stop or self.stop
        if stop is not None and stop.kind == "undecided":
            self._pause_undecided(stop, again=sender.repeats)
        elif self._undecided_at is not None and began < self._undecided_at:
            return  # under way since before the pause: it says nothing of what came then
        elif stop is not None and stop.kind in ("paused", "suspect"):
            self._pause(stop)
        elif stop is not None:
            self._wait_after(stop, began)
        elif sender.tried:
            if sender.delivered:
                self._limiter.answered(took, full=crowded)
            self._well(most, clean=not sender.refused)

    def _count_refusals(self, sender: BatchSender) -> None:
        """What the vendor takes and refuses, over several batches: bad events, or a bad set-up?"""
        if sender.delivered:
            self.refusals.clear()
            self.proven = self._suspect
            self._suspect = False
        elif sender.refused:
            self.refusals.update(sender.refused)
            self.proven = False

    def _pause(self, stop: Stop) -> None:
        """Stand still, with everything kept. A suspicion is looked into at once: one event of another time is tried,
        and if that one is taken, the refused ones are bad events after all."""
        first = stop.kind == "suspect" and not self._suspect
        self._suspect = stop.kind == "suspect"
        self._probe_at = self._time.monotonic() + (0.0 if first else PROBE)
        self._paused = stop.reason

    def _pause_undecided(self, stop: Stop, *, again: bool) -> None:
        """Stand still: the vendor may have all of it. What was not tried yet asks after a while whether its answers can
        be read again; `again`: these were repeats, and only somebody who acts ends it."""
        self._undecided_at = self._time.monotonic()
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
            self._budget = RetryBudget(self._time)  # an outage is over: what it held up is due at once
        if self._paused is not None or self._breaker.state != "ok":
            self._limiter.restart()
        self._paused = self._undecided_at = self.stop = None
        self._breaker.succeeded()
        if not clean:
            self._size = max(1, (self._size or most) // 2)
        elif self._size is not None:
            self._size = None if self._size * 2 >= most else self._size * 2
