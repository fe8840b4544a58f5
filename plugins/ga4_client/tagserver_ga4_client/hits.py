"""A hit of Google's tag in the fields of a data layer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tagserver.plugin.inbound import ILLEGIBLE, Note, order_id
from tagserver_ga4_client.ids import id_of
from tagserver_ga4_client.items import read_items
from tagserver_ga4_client.pairs import UNCLEAR
from tagserver_ga4_client.parameters import PERSON, is_unwritten, person_of, put
from tagserver_ga4_client.reading import Notes, numeral

TOP: Mapping[str, str] = MappingProxyType(
    {
        "en": "event",
        "cid": "client_id",
        "ecid": "ecid",
        "uid": "user_id",
        "sid": "session_id",
        "ul": "language",
        "sr": "screen_resolution",
        "gcs": "gcs",
        "gcd": "gcd",
        "npa": "npa",
        # Consent in other people's words, which the tag passes on where the page has them.
        "us_privacy": "us_privacy",
        "gdpr": "gdpr",
        "gdpr_consent": "gdpr_consent",
        "addtl_consent": "addtl_consent",
        "gpp": "gpp",
        "gpp_sid": "gpp_sid",
    }
)
PAGE: Mapping[str, str] = MappingProxyType({"dl": "location", "dr": "referrer", "dt": "title"})
HINTS: Mapping[str, str] = MappingProxyType(
    {
        "uaa": "architecture",
        "uab": "bitness",
        "uafvl": "full_version_list",
        "uamb": "mobile",
        "uam": "model",
        "uap": "platform",
        "uapv": "platform_version",
        "uaw": "wow64",
    }
)
FLAGS = frozenset({"mobile", "wow64"})
VISIT: Mapping[str, str] = MappingProxyType(
    {
        "tid": "measurement_id",
        "_p": "page_id",
        "_s": "hit_number",
        "sct": "session_number",
        "seg": "session_engaged",
        "_fv": "first_visit",
        "_ss": "session_start",
        "_nsi": "new_session_id",
        "_c": "conversion",
        "gcu": "consent_update",
        "dma": "dma",
        "dma_cps": "dma_cps",
        "_dbg": "debug",
        "tt": "traffic_type",
        "ir": "ignore_referrer",
    }
)
"""What the tag says of the visit and of itself: facts, from which nothing is made. `_fv` and `_ss` are no events:
Google makes them of the hit."""
PROMOTION: Mapping[str, str] = MappingProxyType(
    {"pi": "promotion_id", "pn": "promotion_name", "cn": "creative_name", "cs": "creative_slot", "lo": "location_id"}
)
UNTOLD = "the hit says something of consent twice, or has more than a thousand values; this is taken for a refusal"
ENGAGEMENT = "engagement_time_msec"


def event_of(hit: Mapping[str, str], place: int, notes: Notes) -> dict[str, Any]:
    """One hit. `place`: which line of its request it is, from 0."""
    event: dict[str, Any] = {ours: hit[key] for key, ours in TOP.items() if hit.get(key)}
    for group, table in (("page", PAGE), ("client_hints", HINTS), ("ga4", VISIT)):
        if found := {ours: hit[key] for key, ours in table.items() if hit.get(key)}:
            event[group] = found
    if hints := event.get("client_hints"):
        event["client_hints"] = {name: said == "1" if name in FLAGS else said for name, said in hints.items()}
    if (engaged := numeral(hit.get("_et", ""))) is not None:
        event[ENGAGEMENT] = engaged
    _put_shop(event, hit, notes)
    _put_parameters(event, hit, notes)
    if UNCLEAR in hit:
        event["consent"] = ILLEGIBLE
        notes.add(Note("consent", "garbled", UNTOLD))
    if order_id(event.get("event_id")) is None and (event_id := id_of(hit, place)) is not None:
        event["event_id"] = event_id  # its own is none, or a placeholder, and each copy would get another
    return event


def _put_shop(event: dict[str, Any], hit: Mapping[str, str], notes: Notes) -> None:
    shop: dict[str, Any] = {}
    if hit.get("cu"):
        shop["currency"] = hit["cu"]
    shop |= {ours: hit[key] for key, ours in PROMOTION.items() if hit.get(key)}
    if items := read_items(hit, notes):
        shop["items"] = items
    if shop:
        event["ecommerce"] = shop


def _put_parameters(event: dict[str, Any], hit: Mapping[str, str], notes: Notes) -> None:
    """What is named by the page itself."""
    person: dict[str, str] = {}
    properties: dict[str, Any] = {}
    for key, text in hit.items():
        kind, dot, name = key.partition(".")
        if not (dot and name and text) or kind not in ("ep", "epn", "up", "upn"):
            continue
        if kind == "ep" and name.startswith(PERSON):
            person[name.removeprefix(PERSON)] = text
            continue
        value: Any = text
        if kind in ("epn", "upn"):
            value = numeral(text)
            if value is None:
                notes.add(Note(key, "wrong_type", f"{key} is not a number; left out"))
                continue
        elif is_unwritten(text):
            notes.add(Note(key, "wrong_type", f"{key} is an object, which Google's tag cannot write; left out"))
            continue
        if kind in ("up", "upn"):
            properties[name] = value
        else:
            put(event, name, value, notes)
    if person and (read := person_of(person, notes)):
        event["user_data"] = read
    if properties:
        event["user_properties"] = properties
