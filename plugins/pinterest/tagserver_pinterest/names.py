"""GA4's event names and Pinterest's. Source: Pinterest's description of its API, 5.23; it takes no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tagserver.plugin import StandardEvents

CUSTOM = "custom"
PINTEREST_EVENTS = frozenset(
    [
        *("add_payment_info", "add_to_cart", "add_to_wishlist", "app_install", "checkout", CUSTOM),
        *("initiate_checkout", "lead", "page_visit", "search", "signup", "subscribe", "view_category", "view_content"),
        "watch_video",
    ]
)
DOUBTFUL_EVENTS = frozenset(
    [
        *("app_open", "contact", "customize_product", "find_location", "schedule", "start_trial"),
        "submit_application",
    ]
)
"""Others send these; the description does not have them. They go only where the setting `events` says so."""

EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "page_view": "page_visit",
        "view_item": "view_content",
        "view_item_list": "view_category",
        "search": "search",
        "view_search_results": "search",
        "add_to_wishlist": "add_to_wishlist",
        "add_to_cart": "add_to_cart",
        "begin_checkout": "initiate_checkout",
        "add_payment_info": "add_payment_info",
        "purchase": "checkout",
        "sign_up": "signup",
        "generate_lead": "lead",
        "login": CUSTOM,
        "subscribe": "subscribe",
        "start_trial": CUSTOM,
    }
)
EVENTS = StandardEvents(
    {name: own for name, own in EVENT_NAMES.items() if own != CUSTOM}, PINTEREST_EVENTS, of_tags=True
)
"""A custom event has no name at Pinterest."""


def pinterest_name(name: str, own: Mapping[str, str], forward: bool) -> str | None:
    """Pinterest's name for a data-layer event, `own` first. One that it has no name for is `custom` if `forward`, and
    None otherwise."""
    found = own.get(name) or EVENT_NAMES.get(name) or (name if name in PINTEREST_EVENTS else None)
    return found or (CUSTOM if forward else None)
