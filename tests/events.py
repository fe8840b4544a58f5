"""Events for tests, made the way the door makes them."""

from __future__ import annotations

from typing import Any

from tagserver.consent.cache import ConsentCache
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.event import Event, Facts
from tagserver.inbound.clients.datalayer import NO_CONTEXT, Context, read_event

NOW = 1_790_000_000_000
"""The time of receipt in tests: 2026-09-21, in ms."""


def facts(**known: Any) -> Facts:
    """Facts of a browser's request at NOW, unless told otherwise."""
    return Facts(**{"source": "browser", "received": NOW} | known)


def event(pushed: dict[str, Any] | None = None, /, context: Context = NO_CONTEXT, **known: Any) -> Event:
    """An Event from a pushed object; keywords are facts of the request."""
    return read_event({"event": "purchase", "event_id": "e-1"} | (pushed or {}), facts(**known), context)


def consent_of(made: Event, policy: ConsentPolicy, source: Reading | None = None) -> ConsentState:
    """The consent of an event, worked out anew: nothing is cached yet. `source`: the contract behind its key."""
    return ConsentCache(policy).read(made, source)
