"""Fields of a server event beside its groups: which a tag may set, and those that pass through as the tag or the event
says them, when their type is Meta's.

A field of the wrong type would have the whole request refused, so it is left out. Source: Meta, server event
parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tagserver.plugin import Kind
from tagserver.plugin.table import Field, Part
from tagserver.plugin.values import TEXT, sendable, short_text, web_address
from tagserver_meta_capi.settings import MetaSettings

EVENT_FIELDS = frozenset(
    [
        "event_name",
        "event_time",
        "action_source",
        "event_source_url",
        "referrer_url",
        "opt_out",
        "data_processing_options",
        "data_processing_options_country",
        "data_processing_options_state",
        "app_data",
        "user_data",
        "custom_data",
        "messaging_channel",
        "original_event_data",
        "attribution_data",
        "customer_segmentation",
        "advanced_measurement_table",
    ]
)
EMPTY = frozenset({"data_processing_options"})
"""An empty list says that use is not limited; no list says nothing."""

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

_origin = re.compile(r"https?://[^/?#\\\s]+", re.IGNORECASE).match


@lru_cache(maxsize=64)
def _address(strip: tuple[str, ...] | None, core: bool) -> Kind:
    cleaned = web_address(strip).read

    def origin(said: Any) -> str | None:
        address = cleaned(said)
        found = _origin(address) if address is not None else None
        return f"{found[0]}/" if found else None

    return Kind(origin if core else cleaned, "is no http or https address")


def page_address(settings: MetaSettings) -> Kind:
    """A page's address without credentials and personal keys, or, with `core_setup`, its origin alone."""
    return _address(None if settings.strip_query is None else tuple(settings.strip_query), settings.core_setup)


_PASSED = tuple(Field(name, name, kind) for name, kind in PASSED.items())
EVENT = Part(
    "",
    Field("event_source_url", "page.location", page_address),
    Field("referrer_url", "page.referrer", page_address),
    *_PASSED,
)
CONVERSATION = Part("", *_PASSED)
"""Of one from a conversation, which has no page."""
