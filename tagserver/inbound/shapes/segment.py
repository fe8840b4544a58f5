"""Segment's messages, as its libraries and those of RudderStack and Jitsu write them: `{type: "track", event,
properties}`. Names, order, person and page are read as at Segment's own addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.consent_fields import ILLEGIBLE
from tagserver.event.event import Note
from tagserver.event.order_ids import plain_id
from tagserver.inbound.notes import wrong
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.shape import NoEvent, Shaped, part, text, without
from tagserver.plugin.inbound_segment import (
    SEGMENT_PERSON,
    id_of_segment,
    order_of_segment,
    page_of_segment,
    person_of_segment,
    segment_rule,
)

_SILENT = ("identify", "group", "alias")
_PAGE = ("url", "referrer", "title")
_OTHERWISE = ("page", "user_data", "event", "event_name", "event_id")
"""Properties that are read as what their names say at the top of an event, or that the message itself says."""
_TAKEN = (
    *("type", "event", "name", "category", "properties", "traits", "context", "integrations", "messageId", "userId"),
    *("anonymousId", "previousId", "groupId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "writeKey"),
    *("_metadata", "channel"),
)


def read_segment(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """One message. Raises NoEvent for those that say only who somebody is."""
    kind, properties = raw.get("type"), raw.get("properties")
    if kind in _SILENT if type(kind) is str else False:
        if "event" in raw or "event_name" in raw or type(raw.get("traits")) is not dict:
            return None
        raise NoEvent(f"a message of the type {kind} says who somebody is, and makes no event", "type")
    if type(properties) is not dict or kind not in ("track", "page", "screen"):
        return None
    said = text(raw.get("event")) if kind == "track" else f"{kind}_view"
    if said is None:
        return None
    rule = segment_rule(said) if kind == "track" else None
    name = rule.name if rule is not None and rule.name else said
    context = part(raw, "context")
    for key in ("page", "user_data", "ecommerce"):
        if properties.get(key) is not None and type(properties[key]) is not dict:
            wrong(notes, f"properties.{key}", "an object")
    order, rest = order_of_segment(properties, rule)
    own = without(rest, *_OTHERWISE, *SEGMENT_PERSON, *(_PAGE if kind == "page" else ()))
    traits = [part(context, "traits"), part(raw, "traits")]
    fields: dict[str, Any] = {
        "ecommerce": order,
        "event_id": id_of_segment(name, order, rest, raw.get("messageId")),
        "user_id": plain_id(raw.get("userId")),
        "client_id": plain_id(raw.get("anonymousId")),
        "timestamp": raw.get("timestamp") or raw.get("originalTimestamp"),
        "page": {
            **part(properties, "page"),
            **page_of_segment(part(context, "page")),
            **(page_of_segment(properties) if kind == "page" else {}),
        },
        "user_data": {**part(properties, "user_data"), **person_of_segment(traits, properties)},
    }
    given = own | {key: value for key, value in fields.items() if is_said(value)}
    if (chosen := _consent(context)) is not None:
        given["consent_state" if "consent" in given else "consent"] = chosen  # a refusal in either counts
    beside = {**without(raw, *_TAKEN), "event": said}
    return Shaped(f"Segment's message ({kind})", "properties", name, given, beside)


def _consent(context: Mapping[str, Any]) -> Any:
    """What the context says of consent. Categories of a consent tool are the site's own, which nobody can read here:
    they may be a refusal. (The client of Segment's addresses has a table for them.)"""
    said = context.get("consent")
    if "consentManagement" in context or (type(said) is dict and "categoryPreferences" in said):
        return ILLEGIBLE
    return said
