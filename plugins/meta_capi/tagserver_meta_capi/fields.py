"""Fields of a server event that pass through as the tag or the event says them, when their type is Meta's.

A field of the wrong type would have the whole request refused, so it is left out. Source: Meta, server event
parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import Omitted, sendable


def _text(value: Any) -> bool:
    return type(value) is str and value != ""


def _object(value: Any) -> bool:
    return type(value) is dict


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "messaging_channel": (_text, "text"),
    "original_event_data": (_object, "an object"),
    "attribution_data": (_object, "an object"),
    "customer_segmentation": (_text, "text"),
    "advanced_measurement_table": (_text, "text"),
}
PASSED = frozenset(_KINDS)


def pass_fields(
    body: dict[str, Any], data: Mapping[str, Any], fields: Mapping[str, Any], omitted: list[Omitted]
) -> None:
    """Put them into `body`: what the tag says (`fields`), else what the event says (`data`)."""
    for key in PASSED:
        if key not in fields and key not in data:
            continue
        value = fields.get(key, data.get(key))
        fits, kind = _KINDS[key]
        if value is None or value == "":
            continue
        if fits(value) and sendable(value):
            body[key] = value
        else:
            omitted.append(Omitted(key, f"is not {kind} that JSON can hold"))
