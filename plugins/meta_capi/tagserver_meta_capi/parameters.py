"""What a tag may set of Meta's server event; every other parameter is custom_data."""

from __future__ import annotations

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
