"""Reads the consent of events under one policy, and remembers.

Visitors say the same few things over and over: a state is worked out once for each combination of signals. A state
that rests on a TC string is remembered only for as long as the string is as good, or as bad, as it was then.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tagserver.consent.merge import cookie_readings, region_of, state_of
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.signals import said_of
from tagserver.consent.state import ConsentState, Reading
from tagserver.consent.strings.validity import span
from tagserver.event.event import Event

LONGEST = 4096
"""Bytes of signals, cookies included, beyond which a state is not remembered: nobody else says the same."""
MOST = 1024

_encode = msgspec.json.Encoder().encode


class ConsentReader:
    """One for each container, because the policy is the container's."""

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy
        self._known: dict[tuple[Any, ...], tuple[ConsentState, int, int]] = {}

    def read(self, event: Event, source: Reading | None = None) -> ConsentState:
        """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
        said, region, now = said_of(event), region_of(event, self._policy), event.received
        others = cookie_readings(event, self._policy)
        cookies = tuple(one.value for one in others)
        if source is not None:
            others = [*others, source]
        try:
            text = _encode(said)
        except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
            return state_of(said, region, self._policy, now, others)
        key = (text, region, source, cookies)
        known = self._known.get(key)
        if known is not None and known[1] <= now <= known[2]:
            return known[0]
        state = state_of(said, region, self._policy, now, others)
        if len(text) + len(repr(cookies)) <= LONGEST:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (state, *span(state.evidence.tc, now))
        return state
