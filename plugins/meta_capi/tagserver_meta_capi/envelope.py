"""What a sender at Meta's own door has said beside its events, and Meta is to be told beside them: events of different
such words never share a request."""

from __future__ import annotations

import json
from typing import Any

from tagserver.plugin import Event
from tagserver_meta_capi.custom_data import sent_with
from tagserver_meta_capi.settings import MetaSettings

FIELDS = ("partner_agent", "namespace_id", "upload_id", "upload_tag", "upload_source")
TEST = "test_event_code"
"""Passed on where the destination says so: what is left in a sender's code would go on to mark real sales as tests."""


def envelope_group(event: Event, settings: MetaSettings) -> str | None:
    """The group of an event: those words as JSON, or None where there are none."""
    said = sent_with(event).get("request")
    if type(said) is not dict:
        return None
    names = (*FIELDS, TEST) if settings.sender_test_code else FIELDS
    kept = {name: said[name] for name in names if type(said.get(name)) is str}
    return json.dumps(kept, sort_keys=True) if kept else None


def envelope_of(group: str) -> dict[str, Any]:
    """The words of a group."""
    found: dict[str, Any] = json.loads(group)
    return found
