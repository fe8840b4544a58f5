"""The consent of events under one policy, cached.

Visitors say the same few things over and over: a state is worked out once for each combination of signals. A state
that rests on a TC string is cached only for as long as the string is as valid, or as invalid, as it was then.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import msgspec

from tagserver.consent.decoders.tcf import validity_span
from tagserver.consent.merge import cookie_readings, region_of, state_of
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading
from tagserver.consent.signals import signals_of
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import COOKIES, FIELDS
from tagserver.event.event import Event, Facts

LONGEST = 4096
"""Bytes of signals, cookies included, beyond which a state is not cached: nobody else says the same."""
MOST = 1024

_HEADERS = ("sec-gpc", "dnt")
_encode = msgspec.json.Encoder().encode


class _Cached(NamedTuple):
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


class ConsentCache:
    """One for each container, because the policy is the container's."""

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy
        self._states: dict[tuple[bytes, _Request, Reading | None], _Cached] = {}
        self._requests: dict[Hashable, _Request] = {}
        self._last: tuple[Facts | None, _Request] = (None, _Request(0))

    def read(self, event: Event, source: Reading | None = None) -> ConsentState:
        """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
        data, facts = event.data, event.facts
        own = {}
        for name in (event.derived.shape or event.shape)[FIELDS][0]:
            own[name] = data[name]
        try:
            raw = _encode((own, event.beneath) if event.beneath else own)
        except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
            return self._resolve(event, source)
        last, request = self._last
        if "cookie" in data:
            request = self._request(event)
        elif facts is not last:
            request = self._request(event)
            self._last = facts, request
        key = (raw, request, source)
        cached = self._states.get(key)
        if cached is not None and cached.since <= facts.received <= cached.until:
            return cached.state
        state = self._resolve(event, source)
        if len(raw) + request.size <= LONGEST:
            if len(self._states) >= MOST:
                self._states.clear()
            self._states[key] = _Cached(state, *validity_span(state.evidence.tc, facts.received))
        return state

    def _resolve(self, event: Event, source: Reading | None) -> ConsentState:
        others = cookie_readings(event, self._policy)
        if source is not None:
            others = [*others, source]
        return state_of(signals_of(event), region_of(event, self._policy), self._policy, event.received, others)

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
                    self._states.clear()
                self._requests[what] = found
        return found
