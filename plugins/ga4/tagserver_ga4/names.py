"""Which names Google Analytics takes. Source: Measurement Protocol reference, reserved names and limitations."""

from __future__ import annotations

from tagserver.plugin import StandardEvents
from tagserver.plugin.values import GOOGLE_EVENTS

LONGEST_NAME = 40
LONGEST_PROPERTY = 24
RESERVED_EVENTS = frozenset(
    [
        "app_remove",
        "app_store_refund",
        "app_store_subscription_cancel",
        "app_store_subscription_convert",
        "app_store_subscription_renew",
        "first_open",
        "first_visit",
        "in_app_purchase",
        "session_start",
        "user_engagement",
    ]
)
EVENTS = StandardEvents({name: name for name in sorted(GOOGLE_EVENTS)})
"""The data layer's names are Google's own."""
RESERVED_PROPERTIES = frozenset(
    ["first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id", "first_open_after_install"]
)
RESERVED_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")


def name_fault(name: str, longest: int = LONGEST_NAME) -> str | None:
    """Why a parameter cannot have this name, or None."""
    if not name:
        return "is empty"
    if name.startswith(RESERVED_PREFIXES):
        return "begins as Google's own names do"
    if len(name) > longest:
        return f"is longer than {longest} characters"
    if not name[0].isalpha():
        return "does not begin with a letter"
    if not all(one.isalpha() or one.isdecimal() or one == "_" for one in name):
        return "holds more than letters, digits and underscores"
    return None


def event_fault(name: str) -> str | None:
    """Why an event cannot have this name, or None."""
    if name.startswith("gtm."):
        return "is internal to Google Tag Manager"
    if name in RESERVED_EVENTS:
        return "is reserved: Google makes it itself"
    return name_fault(name)


def property_fault(name: str) -> str | None:
    """Why a user property cannot have this name, or None."""
    return "is reserved" if name in RESERVED_PROPERTIES else name_fault(name, LONGEST_PROPERTY)
