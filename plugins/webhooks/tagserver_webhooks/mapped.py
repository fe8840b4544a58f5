"""`map` and `when`: a body that nobody has made for us becomes an event by what the configuration says of it."""

from __future__ import annotations

from typing import Any

from tagserver.plugin.inbound import Passed, RequestFacts
from tagserver_webhooks.settings import WebhookSource

NO_EVENT = Passed("no_event", "its map gives no event: see `map` of this webhook")


def passed_over(body: Any, facts: RequestFacts, settings: WebhookSource) -> Passed | None:
    """Why a body becomes no event, by the conditions of its webhook; None where they hold."""
    if settings.when is None or settings.when.holds(body, facts.headers):
        return None
    return Passed("when", "its conditions do not hold: see `when` of this webhook")


def has_name(event: dict[str, Any]) -> bool:
    """Whether what a map has made is an event."""
    return event.get("event", event.get("event_name")) not in (None, "")


def map_fault(settings: WebhookSource) -> str | None:
    """What is wrong with a map of a style whose bodies have no name of an event, or None."""
    if settings.map is not None and ("event",) not in settings.map.fields:
        return 'its map gives no event: write event: generate_lead, or event: "{{ body.type }}"'
    return None


def headers_of(settings: WebhookSource) -> tuple[str, ...]:
    """The headers that its map and conditions read."""
    return tuple(name for one in (settings.map, settings.when) if one is not None for name in one.headers)
