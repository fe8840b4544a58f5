"""What Google's validation server would say of a body, as far as it costs an event: for `/debug/mp/collect`."""

from __future__ import annotations

from typing import Any

from tagserver.plugin.inbound import Refuse, json_body
from tagserver_ga4_client.measurement import GOOGLES_EVENTS, GOOGLES_PARAMETERS, Unreadable, events_of
from tagserver_ga4_client.reading import Notes


def messages_of(body: bytes) -> list[dict[str, str]]:
    """Messages in Google's form, without a value of the body; none where there is nothing to say."""
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
