"""A tag's parameters, sorted: what names a field of Meta's server event, and what is custom_data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import MISSING, Omitted, is_text

_EVENT_FIELDS = frozenset(
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
        "event_id",
    ]
)


class Given:
    """A tag's parameters without those that have no value: server-event fields by their names (the groups
    among them) in
    `fields`, everything else in `custom`."""

    def __init__(self, parameters: Mapping[str, Any], omitted: list[Omitted]) -> None:
        self.fields: dict[str, Any] = {}
        self.custom: dict[str, Any] = {}
        self._omitted = omitted
        for key, value in parameters.items():
            if value is not None and value is not MISSING:
                (self.fields if key in _EVENT_FIELDS else self.custom)[key] = value
        if "event_id" in self.fields:
            omitted.append(Omitted("event_id", "a tag cannot change it: every destination and the pixel have the same"))

    def text(self, key: str) -> str | None:
        """A field as text, whole numbers too; None when it is missing or something else."""
        value = self.fields.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str) and is_text(value):
            return value
        if type(value) is int and abs(value) < 10**40:
            return str(value)
        self._omitted.append(Omitted(key, "is not text"))
        return None

    def group(self, key: str) -> Mapping[str, Any]:
        """A group's own fields."""
        value = self.fields.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self._omitted.append(Omitted(key, "is not a map"))
        return {}

    def custom_data(self) -> dict[str, Any]:
        """The `custom_data` group and every parameter that is no field of Meta's server event."""
        return {**self.group("custom_data"), **self.custom}
