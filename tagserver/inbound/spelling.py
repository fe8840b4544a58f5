"""The spellings of one field: what GA4, server containers and our own page call the same thing.

The door writes every event in one spelling, and a path in the configuration is read through the same table, so that
`page_location`, `page.location` and their kind always mean one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SPELLINGS: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType(
    {
        ("event_name",): ("event",),
        ("page_location",): ("page", "location"),
        ("page_referrer",): ("page", "referrer"),
        ("page_title",): ("page", "title"),
        ("value",): ("ecommerce", "value"),
        ("currency",): ("ecommerce", "currency"),
        ("items",): ("ecommerce", "items"),
        ("transaction_id",): ("ecommerce", "transaction_id"),
        ("user_data", "email_address"): ("user_data", "email"),
    }
)
"""Other spelling → the spelling an Event holds."""

ROOT_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {path[0]: target for path, target in SPELLINGS.items() if len(path) == 1}
)

DERIVED_ROOTS = frozenset({"client", "click", "cookie", "geo", "header", "ip", "source"})
"""Roots that the server fills in; what a sender writes there is not taken as it stands."""

KNOWN_ROOTS = frozenset(
    {"action_source", "client_id", "consent", "ecommerce", "event", "event_id", "page", "session_id"}
    | {"timestamp", "user_agent", "user_data", "user_id"}
    | DERIVED_ROOTS
    | set(ROOT_SPELLINGS)
)
"""Names that a variable may not take."""


def canonical(path: str) -> tuple[str, ...]:
    """The parts of a dotted path in the spelling that an Event holds: `value` → `("ecommerce", "value")`."""
    parts = tuple(path.split("."))
    if parts[0] in ROOT_SPELLINGS:
        return ROOT_SPELLINGS[parts[0]] + parts[1:]
    for size in (2,):
        if parts[:size] in SPELLINGS:
            return SPELLINGS[parts[:size]] + parts[size:]
    return parts
