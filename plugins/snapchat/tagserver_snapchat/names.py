"""GA4's event names and Snap's. Source: Snap's list of event names; it takes no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tagserver.plugin import StandardEvents

SNAP_EVENTS = frozenset(
    [
        *("PURCHASE", "SAVE", "START_CHECKOUT", "ADD_CART", "VIEW_CONTENT", "ADD_BILLING", "SIGN_UP", "SEARCH"),
        *("PAGE_VIEW", "SUBSCRIBE", "AD_CLICK", "AD_VIEW", "COMPLETE_TUTORIAL", "LEVEL_COMPLETE", "INVITE", "LOGIN"),
        *("SHARE", "RESERVE", "ACHIEVEMENT_UNLOCKED", "ADD_TO_WISHLIST", "SPENT_CREDITS", "RATE", "START_TRIAL"),
        *("LIST_VIEW", "APP_INSTALL", "APP_OPEN"),
        *("CUSTOM_EVENT_1", "CUSTOM_EVENT_2", "CUSTOM_EVENT_3", "CUSTOM_EVENT_4", "CUSTOM_EVENT_5"),
    ]
)

EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "page_view": "PAGE_VIEW",
        "view_item": "VIEW_CONTENT",
        "view_item_list": "LIST_VIEW",
        "search": "SEARCH",
        "view_search_results": "SEARCH",
        "add_to_wishlist": "ADD_TO_WISHLIST",
        "add_to_cart": "ADD_CART",
        "begin_checkout": "START_CHECKOUT",
        "add_payment_info": "ADD_BILLING",
        "purchase": "PURCHASE",
        "sign_up": "SIGN_UP",
        "generate_lead": "SIGN_UP",
        "login": "LOGIN",
        "subscribe": "SUBSCRIBE",
        "start_trial": "START_TRIAL",
    }
)
"""Snap has no name for a lead: SIGN_UP comes nearest, and the setting `events` may say another."""
EVENTS = StandardEvents(EVENT_NAMES, SNAP_EVENTS, of_tags=True)


def snap_name(name: str, own: Mapping[str, str]) -> str | None:
    """Snap's name for a data-layer event, `own` first; None when it has none."""
    return own.get(name) or EVENT_NAMES.get(name) or (name if name in SNAP_EVENTS else None)
