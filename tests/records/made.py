"""Records for tests."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from tagserver.records.api import Group
from tagserver.records.values import (
    Attempted,
    ContainerText,
    EventRecord,
    FailingCondition,
    Full,
    FullTag,
    OrderEvent,
    OrderFate,
    Problem,
    RowOutcome,
    Share,
    TagDecision,
    TagText,
    TriggerText,
)
from tests.fake_time import START

DAY = 86_400
TAGS = (
    TagDecision("Meta purchase", "meta", "send", "send", "fired"),
    TagDecision("GA4 lead", "ga4", None, "skip", "no_trigger", "", FailingCondition("lead", 0, "event.name")),
    TagDecision("TikTok all", "tiktok", "block", "block", "consent", "needs ad_user_data, is denied"),
)
FULL = Full(
    {"origin": "https://shop.example", "ip": "192.0.2.x"},
    {"event_name": "purchase", "items": [{"item_id": "A", "price": 9.5}]},
    {"ad_storage": {"value": "granted", "source": "gtag"}},
    (FullTag("GA4 lead", 'event equals "lead", is "purchase"', (("user_data.email", "consent"),)),),
)


def person(name: str) -> bytes:
    """Somebody's keyed hash."""
    return blake2b(name.encode(), digest_size=16).digest()


def event(event_id: str | None = "e-1", received: int = START, **given: Any) -> EventRecord:
    """A record without a number."""
    fields: dict[str, Any] = {
        "number": 0,
        "received": received,
        "event_id": event_id,
        "name": "page_view",
        "source": "browser",
        "client": "datalayer",
        "status": "accepted",
        "version": "7f3c9a",
        "tags": TAGS,
        "persons": (person("erika"),),
    }
    return EventRecord(**{**fields, **given})


def refused(received: int = START, **given: Any) -> EventRecord:
    """A request that was turned away."""
    fields: dict[str, Any] = {
        "name": None,
        "status": "refused",
        "tags": (),
        "persons": (),
        "reason": "origin",
        "origin": "https://else.example",
        "problems": (Problem("", "R001", "this origin is not listed"),),
    }
    return event(None, received, **{**fields, **given})


def attempt(*rows: tuple[str, str], at: int = START, outcome: RowOutcome | None = None, **given: Any) -> Attempted:
    """One request, with one outcome for all."""
    fields: dict[str, Any] = {"outcomes": (outcome or RowOutcome("delivered"),), "status": 200, "ms": 143}
    return Attempted("meta", at, rows=rows, **{**fields, **given})


def order(number: str, event_id: str | None = None, at: int = START, **given: Any) -> OrderEvent:
    """An event with an order's number."""
    fields: dict[str, Any] = {
        "status": "accepted",
        "value": 59.9,
        "currency": "EUR",
        "source": "browser",
        "tags": TAGS,
        "persons": (person("erika"),),
    }
    return OrderEvent(number, event_id or f"purchase_{number}", at, **{**fields, **given})


def fate(event_id: str, at: int = START, **given: Any) -> OrderFate:
    """The end of a delivery."""
    fields: dict[str, Any] = {"destination": "meta", "tag": "Meta purchase", "fate": "delivered", "reason": ""}
    return OrderFate(event_id, at=at, **{**fields, **given})


def container(version: str) -> ContainerText:
    """What a container meant."""
    trigger = TriggerText("thanks", ("purchase",), (("page.path", 'equals "/thanks"'),))
    return ContainerText(version, (TagText("Meta purchase", "meta", "container.yaml", 41, (trigger,)),))


def share(
    name: str, event_id: str = "e-1", made: int = START, expires: int = START + DAY * 1000, **given: Any
) -> Share:
    """A snapshot."""
    return Share(name, made, expires, "anna", event_id, **{"content": b'{"records": []}', **given})


def events(*found: EventRecord) -> Group:
    """A group of these alone."""
    return Group(events=found)
