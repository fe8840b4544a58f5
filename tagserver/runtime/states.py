"""The log's line for every change of state: of each destination, of the server's readiness, of what degrades it.

Whoever may have changed a state asks for a look (a worker once a batch, a reload, a request that was refused), so that
none is missed for being short; once a second all are looked at, for what changes with time alone. What is said, and
what would flood, is decided in `operations.changes`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tagserver.delivery.dead_lines import DeadLines
from tagserver.logs.changes import NONE, Change, Changes, Seen
from tagserver.publishing.publisher import Publisher
from tagserver.queue.api import Outbox
from tagserver.runtime.refused_requests import RefusedRequests
from tagserver.runtime.status import Status
from tagserver.system.text import size, span
from tagserver.system.time import Time

log = logging.getLogger("tagserver.state")

EVERY = 1.0
"""Seconds between two looks at everything."""
READY = "ready"
OVER = "over"
_LEVELS = {"ok": logging.INFO, "paused": logging.ERROR, "failing": logging.ERROR}
_CONSEQUENCES = {
    "storage_failed": "the server ends, and what was accepted is there at the next start",
    "closed": "nothing is taken in (503)",
    "disk_slow": "events get 503 and may be sent again; what waits is delivered as fast as that can be recorded",
}
THE_END = "the server ends"
WAITED_FOR = f"{THE_END}; connections wait for the next process"
HANDED_OVER = "the next program takes its place; connections wait for it"
_SHEDDING = "events get 503 and may be sent again; what waits is delivered"
_STUCK = "events get 503 and may be sent again; what waits is kept, and not sent before that can be recorded"


class States:
    """`free`: bytes that the disk has left, None where that is not known."""

    def __init__(
        self,
        status: Status,
        publisher: Publisher,
        outbox: Outbox,
        time: Time,
        *,
        free: Callable[[], int | None],
    ) -> None:
        self._status = status
        self._publisher = publisher
        self._outbox = outbox
        self._time = time
        self._free = free
        self._destinations = Changes("ok")
        self._server = Changes(READY)
        self._conditions = Changes(OVER)
        self._reasons: dict[str, str] = {}
        self._ready = True
        self.end = THE_END
        """What becomes of the server when it is draining, for the log."""
        self.refused_requests = RefusedRequests(time)
        self.dead_lines = DeadLines(time)

    async def watch(self) -> None:
        """Look at everything once a second, until cancelled."""
        while True:
            self.look_around()
            await asyncio.sleep(EVERY)

    def look_around(self) -> None:
        """One look at everything."""
        configured = self._publisher.now.container.destinations
        waiting = (name for name, counts in self._outbox.counts().items() if counts.pending)
        for name in dict.fromkeys((*configured, *waiting, *self._destinations.names)):
            self.look(name)
            if name not in configured and not self._pending(name):
                self._destinations.forget(name)
        self.look_at_server()
        now = self._time.monotonic()
        for name, change in self._destinations.settle(now):
            self._say_destination(name, change)
        for _, change in self._server.settle(now):
            self._say_server(change)
        for name, change in self._conditions.settle(now):
            self._say_condition(name, change)
        self.refused_requests.look()
        self.dead_lines.look()

    def close(self) -> None:
        """Say what has not been said."""
        self.look_at_server()
        self.refused_requests.close()
        self.dead_lines.close()

    # ── destinations

    def look(self, destination: str) -> bool:
        """Its state may have changed. Whether a line says so."""
        change = self._destinations.look(destination, self._seen(destination), self._time.monotonic())
        if change is not None:
            self._say_destination(destination, change)
        return change is not None

    def _seen(self, name: str) -> Seen:
        state, reason = self._status.state(name)
        if state == "ok":
            return Seen(state)
        stop = self._status.stop(name, state)
        mark = "" if state != "paused" else stop.code or stop.kind if stop is not None else reason or ""
        if stop is None:
            return Seen(state, self._placed(name, reason or ""), mark)
        return Seen(state, reason or "", mark, stop.status, stop.code, stop.said)

    def _placed(self, name: str, reason: str) -> str:
        """With the place in the files that pauses it, if they do."""
        for one in self._publisher.now.container.problems:
            if one.severity == "pause" and one.destination == name:
                return f"{reason} ({one.place.file}:{one.place.line})"
        return reason

    def _pending(self, name: str) -> int:
        counts = self._outbox.counts().get(name)
        return counts.pending if counts else 0

    def _say_destination(self, name: str, change: Change) -> None:
        seen, previous, waiting = change.seen, change.previous.state, self._pending(name)
        if seen.state == "ok":
            said = f"destination {name} is ok again after {span(change.lasted)} (it was {previous})"
            said += f"; {_some(waiting)} waited" if waiting else ""
        else:
            again = " still, for another reason" if previous == seen.state and not change.unsaid else ""
            said = f"destination {name} is {seen.state}{again}: {seen.reason}"
            if self._status.held(name):
                said = f"destination {name} is {seen.reason}"  # which begins with the state
            if seen.said and seen.said not in seen.reason:
                said += f'; it says: "{seen.said}"'
            kept = "; everything is kept" if seen.state == "paused" else ""
            said += f"; {_some(waiting)} {'waits' if waiting == 1 else 'wait'}{kept}" if waiting else kept
        fields = {"destination": name, "waiting": waiting, **_fields(change)}
        level = logging.WARNING if self._status.held(name) else _LEVELS.get(seen.state, logging.WARNING)
        log.log(level, "%s%s", said, _unsaid(change), extra=fields)

    # ── the server

    def refused(self) -> None:
        """A request was turned away because nothing can be promised: that may be over within a second."""
        if self._ready:
            self.look_at_server()

    def failing_began(self, kind: str, name: str) -> bool:
        """A plugin has begun to fail. Whether a line of ours says so."""
        return self.look(name) if kind == "destination" else self.look_at_server()

    def look_at_server(self) -> bool:
        """Readiness, or what degrades the server, may have changed. Whether a line says so of the latter."""
        now = self._time.monotonic()
        self._ready, shown = self._status.readiness()
        trouble = self._outbox.trouble() if not self._ready else None
        seen = Seen(READY)
        if shown["status"] == "draining":
            seen = Seen("draining")
        elif trouble is not None:
            seen = Seen(trouble.kind, str(trouble))
        if (change := self._server.look("server", seen, now)) is not None:
            self._say_server(change)
        said = False
        found = self._found(shown)
        for name in {*found, *self._conditions.names}:
            begun = name in found
            self._reasons[name] = found.get(name) or self._reasons.get(name, "")
            if (change := self._conditions.look(name, Seen("begun" if begun else OVER), now)) is not None:
                self._say_condition(name, change)
                said = said or begun
            if not begun:
                self._conditions_over(name)
        return said

    def _conditions_over(self, name: str) -> None:
        """Names of variables come and go; what is over and was said is not kept."""
        if name.startswith("variable ") and name not in self._publisher.now.container.variables:
            self._conditions.forget(name)
            self._reasons.pop(name, None)

    def _found(self, shown: dict[str, Any]) -> dict[str, str]:
        """What degrades the server now."""
        now = self._publisher.now
        found = self._status.conditions()
        if number := len(now.refused or now.wrong):
            some = "1 problem" if number == 1 else f"{number} problems"
            found["files"] = f"the files of today have {some}: version {now.serving.number} serves on"
        for one in shown.get("failing", ()):
            if "variable" in one:
                found[f"variable {one['variable']}"] = f"variable {one['variable']}: {one['reason']}"
        return found

    def _say_server(self, change: Change) -> None:
        seen = change.seen
        fields = _fields(change)
        room, free = self._outbox.room(), self._free()
        fields["queue_mib"] = room.used >> 20
        if free is not None:
            fields["free_mib"] = free >> 20
        if seen.state == READY:
            numbers = f"the queue holds {size(room.used)} of {size(room.limit)}"
            numbers += f", the disk has {size(free)} left" if free is not None else ""
            said = f"the server is ready again after {span(change.lasted)} ({change.previous.state} is over): {numbers}"
            log.info("%s%s", said, _unsaid(change), extra=fields)
            return
        why = f"{seen.reason}; " if seen.reason else ""
        ends = seen.state == "draining"
        said = f"the server is not ready ({seen.state}): {why}"
        said += self.end if ends else _CONSEQUENCES.get(seen.state) or self._goes_on()
        level = logging.INFO if ends else logging.ERROR
        log.log(level, "%s%s", said, _unsaid(change), extra=fields)

    def _goes_on(self) -> str:
        """What becomes of events meanwhile, and of what waits: nothing is sent of which no record could be kept."""
        return _STUCK if self._status.unrecorded else _SHEDDING

    def _say_condition(self, name: str, change: Change) -> None:
        reason = self._reasons.get(name, "")
        fields = {"condition": name, **_fields(change), "reason": reason}
        if change.seen.state == OVER:
            said = f"this is over after {span(change.lasted)}: {reason}"
            log.info("%s%s", said, _unsaid(change), extra=fields)
        else:
            level = logging.ERROR if name == "files" or name.startswith("variable ") else logging.WARNING
            log.log(level, "the server is degraded: %s%s", reason, _unsaid(change), extra=fields)


def _fields(change: Change) -> dict[str, Any]:
    seen = change.seen
    fields: dict[str, Any] = {"state": seen.state, "previous": change.previous.state}
    fields |= {name: value for name in ("reason", "status", "code", "said") if (value := getattr(seen, name))}
    if change.previous.state != NONE:
        fields["lasted_s"] = round(change.lasted, 1)
    if change.unsaid:
        fields["unsaid"] = change.unsaid
    return fields


def _unsaid(change: Change) -> str:
    return f"; {change.unsaid} more changes since the last line" if change.unsaid else ""


def _some(number: int) -> str:
    return "1 delivery" if number == 1 else f"{number} deliveries"
