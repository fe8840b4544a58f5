"""GA4's event names and Reddit's types. Source: Reddit, Conversions API v3, `tracking_type`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tagserver.plugin import StandardEvents

CUSTOM = "CUSTOM"
TRACKING_TYPES = frozenset(
    [
        *("PAGE_VISIT", "VIEW_CONTENT", "SEARCH", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE", "LEAD", "SIGN_UP"),
        CUSTOM,
    ]
)

EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "page_view": "PAGE_VISIT",
        "view_item": "VIEW_CONTENT",
        "search": "SEARCH",
        "view_search_results": "SEARCH",
        "add_to_wishlist": "ADD_TO_WISHLIST",
        "add_to_cart": "ADD_TO_CART",
        "begin_checkout": CUSTOM,
        "add_payment_info": CUSTOM,
        "purchase": "PURCHASE",
        "sign_up": "SIGN_UP",
        "generate_lead": "LEAD",
        "login": CUSTOM,
        "subscribe": CUSTOM,
        "start_trial": CUSTOM,
    }
)
"""The steps of a checkout are no leads: they would be counted among them."""
EVENTS = StandardEvents(
    {name: kind for name, kind in EVENT_NAMES.items() if kind != CUSTOM}, TRACKING_TYPES, of_tags=True
)
"""A custom event has no type at Reddit."""


def tracking_type(name: str, own: Mapping[str, str], forward: bool) -> str | None:
    """Reddit's type of a data-layer event, `own` first. One that it has none for is CUSTOM if `forward`, and None
    otherwise."""
    found = own.get(name) or EVENT_NAMES.get(name) or (name if name in TRACKING_TYPES else None)
    return found or (CUSTOM if forward else None)
