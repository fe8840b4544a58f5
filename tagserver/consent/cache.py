"""Reads the consent of events under one policy, and remembers.

Visitors say the same few things over and over: a state is worked out once for each combination of signals. A state
that rests on a TC string is remembered only for as long as the string is as good, or as bad, as it was then.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import msgspec

from tagserver.consent.merge import cookie_readings, region_of, state_of
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.signals import COOKIES, said_of
from tagserver.consent.state import ConsentState, Reading
from tagserver.consent.strings.validity import span
from tagserver.event.consent_fields import FIELDS
from tagserver.event.event import Event, Facts

LONGEST = 4096
"""Bytes of signals, cookies included, beyond which a state is not remembered: nobody else says the same."""
MOST = 1024

_HEADERS = ("sec-gpc", "dnt")
_encode = msgspec.json.Encoder().encode


class _Known(NamedTuple):
    """A state, and from when to when it is as it was, in ms."""

    state: ConsentState
    since: int
    until: int


class _Request:
    """What the request itself says of consent, whatever its events say: one object for all requests that say the same,
    so that it is a key at no cost. `size`: about its bytes."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


class ConsentReader:
    """One for each container, because the policy is the container's."""

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy
        self._known: dict[tuple[bytes, _Request, Reading | None], _Known] = {}
        self._requests: dict[Hashable, _Request] = {}
        self._last: tuple[Facts | None, _Request] = (None, _Request(0))

    def read(self, event: Event, source: Reading | None = None) -> ConsentState:
        """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
        data, facts = event.data, event.facts
        own = {name: value for name, value in data.items() if name in FIELDS}
        try:
            said = _encode((own, event.beneath) if event.beneath else own)
        except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
            return self._anew(event, source)
        last, request = self._last
        if facts is not last or "cookie" in data:
            request = self._request(event)
            if "cookie" not in data:
                self._last = facts, request
        key = (said, request, source)
        known = self._known.get(key)
        if known is not None and known.since <= facts.received <= known.until:
            return known.state
        state = self._anew(event, source)
        if len(said) + request.size <= LONGEST:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = _Known(state, *span(state.evidence.tc, facts.received))
        return state

    def _anew(self, event: Event, source: Reading | None) -> ConsentState:
        others = cookie_readings(event, self._policy)
        if source is not None:
            others = [*others, source]
        return state_of(said_of(event), region_of(event, self._policy), self._policy, event.received, others)

    def _request(self, event: Event) -> _Request:
        """The request of an event, with the cookies that the event brings along."""
        facts, cookies = event.facts, event.cookies
        what: tuple[Hashable, ...] = (facts.country, facts.region, *map(facts.headers.get, _HEADERS))
        if cookies or "cookie" in facts.headers:
            texts = map(cookies.get, COOKIES)
            what = (*what, *texts, *[one.value for one in cookie_readings(event, self._policy)])
        found = self._requests.get(what)
        if found is None:
            found = _Request(len(repr(what)))
            if found.size <= LONGEST:
                if len(self._requests) >= MOST:
                    self._requests.clear()
                    self._known.clear()
                self._requests[what] = found
        return found
