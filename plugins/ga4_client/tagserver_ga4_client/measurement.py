"""Google's Measurement Protocol: what a server posts to `/mp/collect`, in the fields of a data layer;
and what `/debug/mp/collect` is answered.

Google answers 204 to whatever comes, and so do we once it is on disk: what was left out stands in the records of the
events. Google's own limits (25 events, 25 parameters, 130 kB, 72 hours) are named and lose nothing here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from tagserver.plugin.inbound import (
    CONSENT_FIELDS,
    ILLEGIBLE,
    Note,
    Refuse,
    event_id_for,
    json_body,
    of_two_places,
    order_id,
)
from tagserver_ga4_client.ids import PREFIX
from tagserver_ga4_client.pairs import MOST_LINES
from tagserver_ga4_client.parameters import RESERVED, put
from tagserver_ga4_client.reading import Notes

GOOGLES_EVENTS = 25
GOOGLES_PARAMETERS = 25
GOOGLES_BYTES = 130_000
GOOGLES_AGE_MS = 72 * 3600 * 1000
RESERVED_HERE = RESERVED - {"action_source", "items"}
"""A key may say by which way something was sold, and writes items as a data layer does."""
PURPOSES = ("ad_user_data", "ad_personalization", "ad_storage", "analytics_storage")
"""Google knows the first two here."""
TEXTS: Mapping[str, str] = MappingProxyType(
    {"user_id": "user_id", "ip_override": "ip_override", "user_agent": "user_agent"}
)
GROUPS: Mapping[str, str] = MappingProxyType({"device": "client_device", "user_location": "client_location"})


class Unreadable(Exception):
    """The body is none of this protocol's; the text says why, without a value of it."""


def events_of(body: Mapping[str, Any], size: int, received: int, notes: Notes) -> list[dict[str, Any]]:
    """The events of a request. `size` in bytes and `received` in ms, for Google's limits. Raises Unreadable."""
    sent = body.get("events")
    if isinstance(sent, dict):  # as ga4mp sends what it has postponed
        sent = [sent]
    if not isinstance(sent, list):
        raise Unreadable("events is not a list")
    if len(sent) > GOOGLES_EVENTS:
        _limit(notes, "events", f"has more than {GOOGLES_EVENTS} entries, of which Google takes none")
    if size > GOOGLES_BYTES:
        _limit(notes, "", f"the request is larger than {GOOGLES_BYTES} bytes, which Google does not take")
    shared = _shared(body, notes)
    micros = body.get("timestamp_micros")
    events = [_event(one, place, shared, micros, notes) for place, one in enumerate(sent[: MOST_LINES + 1])]
    if any(isinstance(time := one.get("timestamp"), int) and received - time > GOOGLES_AGE_MS for one in events):
        _limit(notes, "timestamp_micros", "is older than 72 hours, which Google does not take")
    return events


def _shared(body: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """What counts for all events of a request."""
    event: dict[str, Any] = {}
    browser = body.get("client_id") or body.get("app_instance_id")
    if browser:
        event["client_id"] = browser
    event |= {key: body[key] for key in TEXTS if body.get(key)}
    for key, ours in GROUPS.items():
        if isinstance(body.get(key), dict) and body[key]:
            event[ours] = body[key]
        elif body.get(key):
            _wrong(notes, key, "an object")
    if isinstance(person := body.get("user_data"), dict):
        event["user_data"] = person
    elif person:
        _wrong(notes, "user_data", "an object")
    if properties := _properties(body.get("user_properties"), notes):
        event["user_properties"] = properties
    return event | _said(body)


def _said(place: Mapping[str, Any]) -> dict[str, Any]:
    """What a part of the body says of consent: the protocol's own, and signals of ours that a sender has put there. The
    request, an event and its parameters may each hold some, and a contract must not go on without a refusal in one."""
    found = {name: place[name] for name in sorted(CONSENT_FIELDS & place.keys()) if place[name] is not None}
    if (word := _consent(found.pop("consent", None))) is not None:
        found["consent"] = word
    if place.get("non_personalized_ads") not in (None, False):
        found["npa"] = "1"
    return found


def _consent(said: Any) -> Any:
    """The person's own word, which goes before any contract where it denies. What is no plain word denies."""
    if said is None:
        return None
    if not isinstance(said, dict):
        return ILLEGIBLE
    words = {name: word for name, word in said.items() if word is not None}
    if not words:
        return None
    known = not words.keys().isdisjoint(PURPOSES)
    plain = not any(isinstance(word, dict | list) for word in words.values())
    return {"update": words} if known and plain else ILLEGIBLE


def _properties(sent: Any, notes: Notes) -> dict[str, Any]:
    if sent is not None and not isinstance(sent, dict):
        _wrong(notes, "user_properties", "an object")
        return {}
    found = {}
    for name, held in (sent or {}).items():
        value = held.get("value") if isinstance(held, dict) else held
        if isinstance(value, str | int | float):
            found[name] = value
        elif value is not None:
            _wrong(notes, f"user_properties.{name}", "a text or a number")
    return found


def _event(sent: Any, place: int, shared: Mapping[str, Any], time_of_all: Any, notes: Notes) -> dict[str, Any]:
    """One event. What is none has no name here, so that it alone is refused."""
    path = f"events.{place}"
    event = dict(shared)
    if not isinstance(sent, dict):
        _wrong(notes, path, "an object")
        return event
    if isinstance(sent.get("name"), str):
        event["event"] = sent["name"]
    micros = sent.get("timestamp_micros", time_of_all)
    if (time := _time(micros)) is not None:
        event["timestamp"] = time
    elif micros is not None:
        _wrong(notes, "timestamp_micros", "a time in microseconds since 1970")
    given = sent.get("params")
    if given is not None and not isinstance(given, dict):
        _wrong(notes, f"{path}.params", "an object")
    params: Mapping[str, Any] = given if isinstance(given, dict) else {}
    if len(params) > GOOGLES_PARAMETERS:
        _limit(notes, f"{path}.params", f"has more than {GOOGLES_PARAMETERS} entries, of which Google takes no more")
    for where in (sent, params):
        event = of_two_places(event, _said(where))
    for name, value in params.items():
        if value is None or name in CONSENT_FIELDS:
            continue
        if name == "items":
            event.setdefault("ecommerce", {})["items"] = value
        else:
            put(event, name, value, notes, reserved=RESERVED_HERE)
    if order_id(event.get("event_id")) is None and (event_id := _id(event, place, params)) is not None:
        event["event_id"] = event_id
    return event


def _id(event: Mapping[str, Any], place: int, params: Mapping[str, Any]) -> str | None:
    """The id of an event that names none. One whose time its sender has said is the same when it is posted again; of
    others nobody knows, and the host gives them one each."""
    name = event.get("event", "")
    shop = event.get("ecommerce")
    order = shop.get("transaction_id") if isinstance(shop, dict) else None
    if event_id_for(name, order) is not None or "timestamp" not in event:
        return None
    said = [event.get("client_id"), event.get("user_id"), name, params, event["timestamp"], place]
    if "user_data" in event:  # a backend may write the same client id for everybody
        said.append(event["user_data"])
    try:
        text = msgspec.json.encode(said, order="sorted")
    except RecursionError:  # what nests like this is refused anyway
        return None
    return PREFIX + hashlib.blake2b(text, digest_size=16).hexdigest()


def _time(micros: Any) -> int | None:
    """Microseconds, also as text, in milliseconds."""
    if isinstance(micros, str) and micros.isascii() and micros.isdecimal() and len(micros) <= 20:
        micros = int(micros)
    if isinstance(micros, float) and micros.is_integer():
        micros = int(micros)
    if isinstance(micros, bool) or not isinstance(micros, int) or not 10**15 <= micros < 10**16:
        return None
    return micros // 1000


def _wrong(notes: Notes, path: str, wanted: str) -> None:
    notes.add(Note(path, "wrong_type", f"{path} is not {wanted}; left out"))


def _limit(notes: Notes, path: str, why: str) -> None:
    notes.add(Note(path, "limit", f"{path} {why}; here it is taken".strip()))


def messages_of(body: bytes) -> list[dict[str, str]]:
    """What Google's validation server would say of a body, as far as it costs an event: in its form, without a value of
    the body; none where there is nothing to say."""
    try:
        found = json_body(body)
    except Refuse as refusal:
        return [_message("", str(refusal), "VALUE_INVALID")]
    if not isinstance(found, dict):
        return [_message("", "the body is not an object", "VALUE_INVALID")]
    notes = Notes()
    try:
        events = events_of(found, len(body), 0, notes)
    except Unreadable as unreadable:
        return [_message("events", str(unreadable), "VALUE_REQUIRED")]
    said = [_message(note.path, note.message, "VALUE_INVALID") for note in notes.all]
    if not (found.get("client_id") or found.get("app_instance_id")):
        said.append(_message("client_id", "client_id is missing", "VALUE_REQUIRED"))
    said += (
        _message(f"events.{place}.name", "the event has no name", "NAME_INVALID")
        for place, event in enumerate(events[: GOOGLES_EVENTS + GOOGLES_PARAMETERS])
        if "event" not in event
    )
    return said


def _message(path: str, text: str, code: str) -> Any:
    return {"fieldPath": path, "description": text, "validationCode": code}
