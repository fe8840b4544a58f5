"""Fields of a server event that pass through as the tag or the event says them, when their type is Meta's.

A field of the wrong type would have the whole request refused, so it is left out. Source: Meta, server event
parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import TEXT, Kind, sendable, short_text

_CHANNELS = frozenset({"whatsapp", "messenger", "instagram"})
"""Those that Meta's pages name; they say of no list that it is whole."""


def _channel(value: Any) -> str | None:
    text = short_text(value)
    return text.lower() if text is not None and text.lower() in _CHANNELS else text


_OBJECT = Kind(
    lambda value: value if type(value) is dict and sendable(value) else None, "is not an object that JSON can hold"
)
PASSED: Mapping[str, Kind] = {
    "messaging_channel": Kind(_channel, "is not text"),
    "original_event_data": _OBJECT,
    "attribution_data": _OBJECT,
    "customer_segmentation": TEXT,
    "advanced_measurement_table": TEXT,
}
