"""Which plugins fail now, how, and for how much of what they get: for the log, for states, for readiness.

A plugin that fails for an event is isolated: the tag has no payload, the variable no value, the delivery is a dead
letter. Nobody would see it. So each failure is counted here against what the plugin has done right since.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from tagserver.pipeline.route import SKIPS, Routing
from tagserver.system.time import Time

log = logging.getLogger("tagserver.plugins")

RECENT = 20
"""Of its last so many events one must have failed, for a plugin to be failing."""
FORGOTTEN = 900.0
"""Seconds without another failure after which it is not failing any more, however few events come."""
SAID_EVERY = 60.0
"""Seconds between two lines of the log about one way in which a plugin fails; what fails in between is counted."""
WAYS = 4
"""Ways of failing of one plugin that are logged in that time: requests may have a say in what a sentence holds."""


class _Failing:
    """One plugin at one place. `how`: the last failure, as a sentence without an event's data; `unit`: what counts."""

    __slots__ = ("_said", "_unit", "at", "how", "recent")

    def __init__(self, unit: str = "event") -> None:
        self._unit = unit
        self.recent: deque[bool] = deque(maxlen=RECENT)
        self.how = ""
        self.at = 0.0
        self._said: dict[str, tuple[float, int]] = {}  # the sentence → when it was logged, and how often not since

    def failed(self, how: str, number: int, now: float) -> str | None:
        """It has failed for so many events; what to write into the log now, if anything."""
        self.how, self.at = how, now
        self.recent.extend([False] * min(number, RECENT))
        said_at, unsaid = self._said.pop(how, (float("-inf"), 0))
        if now - said_at < SAID_EVERY:
            self._said[how] = said_at, unsaid + number
            return None
        self._said = {one: said for one, said in self._said.items() if now - said[0] < SAID_EVERY}
        if len(self._said) >= WAYS:
            return None
        self._said[how] = now, 0
        more = unsaid + number - 1
        return how + (f" … and {more} more" if more else "")

    def lasts(self, now: float) -> bool:
        """Whether it is failing still."""
        return now - self.at < FORGOTTEN and not all(self.recent)

    @property
    def sentence(self) -> str:
        """How it fails, and how often."""
        bad, of = self.recent.count(False), len(self.recent)
        return f"{self.how} ({f'{bad} of the last {of} {self._unit}s' if of > 1 else f'the last {self._unit}'})"


class Failing:
    """Kept for each destination, variable and inbound client that has failed, when it builds and when it sends.
    `began(kind, name)` hears when one begins to fail, and says whether the log has a line about it."""

    def __init__(self, time: Time, began: Callable[[str, str], bool] = lambda kind, name: False) -> None:
        self._time = time
        self._began = began
        self._building: dict[str, _Failing] = {}
        self._sending: dict[str, _Failing] = {}
        self._variables: dict[str, _Failing] = {}
        self._sinks: dict[str, _Failing] = {}
        self._clients: dict[str, _Failing] = {}

    def routed(self, routings: Iterable[Routing]) -> None:
        """Some events went through the container: what was built of them, and what their variables gave."""
        for routing in routings:
            for decision in routing.decisions:
                if decision.decision == "error":
                    self._failed("destination", self._building, decision.tag.destination.name, decision.detail)
                elif self._building and (decision.built is not None or decision.reason in SKIPS):
                    self._did_well(self._building, decision.tag.destination.name)
            faults = routing.scope.faults
            if faults:
                for name, cause in faults.items():
                    self._failed("variable", self._variables, name, f"it fails with {cause}, and has no value")
            for name in self._variables:
                if name not in faults:
                    self._did_well(self._variables, name)  # or nobody has asked for it, which is as good

    def sent(self, destination: str, delivered: int, failures: Sequence[str]) -> None:
        """A batch was sent: so many were delivered; and how the plugin failed, for each payload that it failed for."""
        if delivered:
            self._did_well(self._sending, destination, delivered)
        if failures:  # behind what went well beside them: of a large batch they would be forgotten at once
            how = f"{failures[-1]}, and its event is a dead letter"
            self._failed("destination", self._sending, destination, how, len(failures))

    def tended(self, destination: str, how: str | None) -> None:
        """A sink was opened, ticked or closed; how that has failed, or None. It is in the log already. Kept apart from
        events: thousands that are delivered do not make good a tick that fails each time."""
        if how is not None:
            self._sinks.setdefault(destination, _Failing("call")).failed(how, 1, self._time.monotonic())
        else:
            self._did_well(self._sinks, destination)

    def client_failed(self, client: str, how: str) -> None:
        """An inbound client has failed at a request, which was answered 503; how, without anything of the request."""
        line = self._clients.setdefault(client, _Failing("request")).failed(how, 1, self._time.monotonic())
        if line is not None:
            log.error("client %s: %s", client, line, extra={"client": client, "outcome": "plugin_error"})

    def client_did_well(self, client: str) -> None:
        """A request of an inbound client was taken."""
        self._did_well(self._clients, client)

    def of(self, destination: str) -> str | None:
        """How a destination fails now, None when it does not."""
        now = self._time.monotonic()
        found = [each.get(destination) for each in (self._building, self._sending, self._sinks)]
        return "; ".join(one.sentence for one in found if one is not None and one.lasts(now)) or None

    def shown(
        self, destinations: Iterable[str], variables: Container[str], clients: Container[str] = ()
    ) -> list[dict[str, str]]:
        """What fails now among the configured, `{"destination", "variable" or "client": name, "reason": sentence}`."""
        now = self._time.monotonic()
        shown = [{"destination": name, "reason": how} for name in destinations if (how := self.of(name)) is not None]
        for name, one in self._variables.items():
            if name in variables and one.lasts(now):
                shown.append({"variable": name, "reason": one.sentence})
        for name, one in self._clients.items():
            if name in clients and one.lasts(now):
                shown.append({"client": name, "reason": one.sentence})
        return shown

    def _failed(self, kind: str, subjects: dict[str, _Failing], name: str, how: str, number: int = 1) -> None:
        subject = subjects.get(name)
        if subject is None:
            subject = subjects[name] = _Failing()
        now = self._time.monotonic()
        known = subject.lasts(now)
        line = subject.failed(how, number, now)
        if line is not None and (known or not self._began(kind, name)):
            log.error("%s %s: %s", kind, name, line, extra={kind: name, "outcome": "plugin_error"})

    @staticmethod
    def _did_well(subjects: Mapping[str, _Failing], name: str, number: int = 1) -> None:
        if (subject := subjects.get(name)) is not None:
            subject.recent.extend([True] * min(number, RECENT))


def counted(failing: Sequence[Mapping[str, str]]) -> str:
    """How many fail of what `Failing.shown` gives, and which, in a few words."""
    names = [
        one.get("destination")
        or (f"the client {one['client']}" if "client" in one else f"the variable {one['variable']}")
        for one in failing
    ]
    return f"{len(names)} {'plugin fails' if len(names) == 1 else 'plugins fail'}: {', '.join(names)}"
