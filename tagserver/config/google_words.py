"""What people from Google Tag Manager write, and our word for it: for the hint behind an unknown name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

KEYS: Mapping[str, str] = MappingProxyType(
    {
        # preview
        "fired": "send",
        "sent": "send",
        "not_fired": "skip",
        # tags
        "firing_trigger": "triggers",
        "firing_triggers": "triggers",
        "blocking_trigger": "exceptions",
        "blocking_triggers": "exceptions",
        "additional_consent": "consent",
        # triggers and their operators
        "filter": "when",
        "filters": "when",
        "conditions": "when",
        "is": "equals",
        "equal_to": "equals",
        "regex": "matches",
        # transformations
        "augment": "set",
        "augment_event": "set",
        "affected_tags": "tags",
        "all_tags_except": "except_tags",
        "matching_conditions": "when",
        # kinds of variables
        "event_data": "path",
        "data_layer_variable": "path",
        "query_parameter": "query",
        "debug_mode": "container",
    }
)
"""Keys and operators: their word in lower case, with underscores → ours."""

PATHS: Mapping[str, str] = MappingProxyType(
    {
        "client_name": "client",
        "event_name": "event",
        "page_hostname": "page.host",
        "page_path": "page.path",
        "page_url": "page.location",
        "referrer": "page.referrer",
        "visitor_region": "geo.region",
    }
)
"""Built-in variables that are paths of the event here."""


def our_word(word: str) -> str | None:
    """Ours for one of Google's, however it is written: `Page Path` → `page.path`."""
    word = word.strip().lower().replace(" ", "_").replace("-", "_")
    return KEYS.get(word) or PATHS.get(word)
