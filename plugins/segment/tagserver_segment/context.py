"""The context of a call in the fields of an event: page, ids, cookies of the visitor's browser, and what is known of
the device. Of a batch it lies beneath its messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin.inbound import Note, filled, first_said, group, is_said, page_of_segment
from tagserver_segment.consent import RUDDERSTACK, SEGMENT, UNREADABLE, Categories

CARRIED = ("locale", "timezone", "campaign", "app", "os", "network", "screen", "library", "groupId", "channel")
"""Parts of a context that an event has below `context`, for conditions and variables."""
DEVICE = ("type", "manufacturer", "brand", "model", "version")
"""What of a device is there, too: its ids are its owner's, and so may its name be."""
FACEBOOK = ("Facebook Conversions API (Actions)", "Facebook Conversions API", "Facebook Pixel")
GOOGLE = ("Google Analytics", "Google Analytics 4", "Actions Google Analytics 4")
"""Keys of `integrations` below which sites put ids of the visitor's browser, as Segment's pages say."""
WHY = (
    "cannot be read, grants only what nobody knows, or refuses a category that clients.segment.consent_categories does "
    "not name: everything is denied"
)
MOST_IDS = 50
"""Entries of `externalIds` that are read."""


def fields_of_context(
    context: Mapping[str, Any], page: bool, categories: Categories, where: str, notes: list[Note]
) -> dict[str, Any]:
    """What a context says. `page`: a page has sent it, whose address and agent its connection tells, and whose own word
    about them is not looked at. `where`: its place in the body, for the notes."""
    told = group(context.get("device"))
    device = filled({name: told[name] for name in DEVICE if name in told})
    made = {
        "page": page_of_segment(group(context.get("page"))),
        "context": filled({**{name: context[name] for name in CARRIED if name in context}, "device": device}),
        "consent": categories.consent(context),
    }
    if made["consent"] == UNREADABLE:
        path = f"{where}.{RUDDERSTACK if RUDDERSTACK in context else f'consent.{SEGMENT}'}"
        notes.append(Note(path, "unreadable_consent", f"{path} {WHY}"))
    if not page:
        made |= {"ip_override": context.get("ip"), "user_agent": context.get("userAgent")}
    return {name: value for name, value in made.items() if value is not None and value != {}}


def ids_of(
    message: Mapping[str, Any],
    context: Mapping[str, Any],
    integrations: Mapping[str, Any],
    properties: Mapping[str, Any],
) -> dict[str, Any]:
    """`user_id`, `client_id`, `session_id`, and `cookie` with the ids of Meta's pixel. The client is Google's where the
    call knows it, else Segment's own."""
    known = group(context.get("clientIds"))  # Jitsu's
    ga4 = group(known.get("ga4"))
    external = _external(context.get("externalIds"))
    google = [ga4.get("clientId"), *(group(integrations.get(name)).get("clientId") for name in GOOGLE)]
    google.append(external.get("ga_client_id"))
    client = next((one for one in google if is_said(one)), None)
    sessions = [*group(ga4.get("sessionIds")).values()]
    session = sessions[0] if len(sessions) == 1 else None
    facebook = [known, properties, *(group(integrations.get(name)) for name in FACEBOOK)]
    cookies = {
        f"_{name}": next((one[name] for one in facebook if is_said(one.get(name))), None) for name in ("fbp", "fbc")
    }
    return filled(
        {
            "user_id": message.get("userId"),
            "client_id": message.get("anonymousId") if client is None else client,
            "session_id": context.get("sessionId") if client is None else session,
            "cookie": filled(cookies),
        }
    )


def device_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """The advertising id of a telephone, unless its owner has turned it off."""
    device = group(context.get("device"))
    return filled({"madid": device.get("advertisingId")}) if device.get("adTrackingEnabled") is not False else {}


def traits_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """E-mail and telephone among the ids that others have given to the person, as further traits."""
    found = _external(context.get("externalIds"))
    return filled({"email": found.get("email"), "phone": found.get("phone")})


def _external(listed: Any) -> dict[str, Any]:
    """`externalIds`, by their type; those in the clear."""
    made: dict[str, Any] = {}
    for one in listed[:MOST_IDS] if isinstance(listed, list) else ():
        kind = one.get("type") if isinstance(one, dict) else None
        if isinstance(kind, str) and first_said(one, ("encoding",)) in (None, "none"):
            made.setdefault(kind, one.get("id"))
    return made
