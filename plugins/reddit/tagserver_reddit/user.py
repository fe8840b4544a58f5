"""`user`: who it was. Source: Reddit, Manual advanced matching, and the Conversions API v3.

Reddit takes raw values and hashes; it gets hashes, under its own rule, of all that identifies a person. Address, agent
and the pixel's cookie go in the clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import (
    BROWSER_ID,
    IP,
    TEXT,
    Event,
    Found,
    Group,
    Identity,
    Kind,
    Omitted,
    Who,
    arrived_hash,
    email_bare_text,
    hash_values,
    whole_number,
)
from tagserver_reddit.settings import RedditSettings

PLACES: Mapping[str, str] = {"email": "email", "phone_number": "phone_number", "external_id": "external_id"}
"""Reddit's names, and where an event's `user_data` holds the same."""

_HASHED: Mapping[str, Callable[[Identity, RedditSettings], Found]] = {
    "email": lambda who, settings: who.hashed("email", email_bare_text, "is no e-mail address"),
    "phone_number": lambda who, settings: who.phone_plus(settings.default_country),
    "external_id": lambda who, settings: who.external_id_hashes,
}
_DEVICES: Mapping[str, Callable[[str], str]] = {
    "idfa": lambda text: text.strip().upper(),
    "aaid": lambda text: text.strip().lower(),
}
HASHED = (*_HASHED, *_DEVICES)
OPTIONS = "data_processing_options"


def _screen(value: Any) -> dict[str, int] | None:
    if not isinstance(value, dict) or value.keys() != {"width", "height"}:
        return None
    sizes = {key: whole_number(one) for key, one in value.items()}
    return {key: one for key, one in sizes.items() if one} if all(sizes.values()) else None


_PLAIN: Mapping[str, Kind] = {
    "ip_address": IP,
    "user_agent": TEXT,
    "uuid": BROWSER_ID,
    "screen_dimensions": Kind(_screen, "is not a width and a height"),
}
CLEAR = tuple(_PLAIN)
_KNOWN = frozenset({*PLACES, *_DEVICES, *_PLAIN, OPTIONS})


def build_user(
    event: Event, given: Mapping[str, Any], settings: RedditSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user`, by Reddit's names; they win."""
    made = Group("user", omitted)
    who = Who(event, given, PLACES)
    for key, view in _HASHED.items():
        made.put_hashes(key, view(who.of(key), settings), single=True)
    if "email" not in made and (pixels := arrived_hash(event.cookies.get("_rdt_em"))) is not None:
        made.put_hashes("email", ((pixels,), ()), single=True)
    for key, rule in _DEVICES.items():
        said = given.get(key, event.user_data.get(key))
        made.put_hashes(key, hash_values([said], rule, "is no id", md5=False), single=True)
    found = {
        "ip_address": event.facts.ip,
        "user_agent": event.facts.user_agent,
        "uuid": event.cookies.get("_rdt_uuid"),
    }
    for key, kind in _PLAIN.items():
        if key == "uuid":
            made.put_first(key, (given.get(key), found[key]), kind)
        else:
            made.put(key, given.get(key, found.get(key)), kind)
    for key in [key for key in given if key not in _KNOWN]:
        made.omit(key, "is no key that Reddit knows")
    return made


def finds_somebody(user: Mapping[str, Any], click: str | None) -> bool:
    """Whether Reddit can match: a click, an identifier, its pixel's cookie, or address and agent of the browser."""
    if click is not None or user.keys() & {*PLACES, *_DEVICES, "uuid"}:
        return True
    return {"ip_address", "user_agent"} <= user.keys()
