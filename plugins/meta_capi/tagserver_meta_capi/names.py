"""GA4's event names and Meta's. Source: Meta's list of standard events, and the map that both common Meta
server tags share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "page_view": "PageView",
        "view_item": "ViewContent",
        "add_to_cart": "AddToCart",
        "add_to_wishlist": "AddToWishlist",
        "begin_checkout": "InitiateCheckout",
        "add_payment_info": "AddPaymentInfo",
        "purchase": "Purchase",
        "search": "Search",
        "generate_lead": "Lead",
        "sign_up": "CompleteRegistration",
        "contact": "Contact",
        "customize_product": "CustomizeProduct",
        "donate": "Donate",
        "find_location": "FindLocation",
        "schedule": "Schedule",
        "start_trial": "StartTrial",
        "submit_application": "SubmitApplication",
        "subscribe": "Subscribe",
        # Segment's e-commerce names.
        "Order Completed": "Purchase",
        "Product Added": "AddToCart",
        "Checkout Started": "InitiateCheckout",
        "Payment Info Entered": "AddPaymentInfo",
        "Product Added to Wishlist": "AddToWishlist",
        "Product Viewed": "ViewContent",
        "Products Searched": "Search",
    }
)
"""Any other name goes through unchanged: a custom event at Meta."""


STANDARD_EVENTS = frozenset(
    [
        "AddPaymentInfo",
        "AddToCart",
        "AddToWishlist",
        "CompleteRegistration",
        "Contact",
        "CustomizeProduct",
        "Donate",
        "FindLocation",
        "InitiateCheckout",
        "Lead",
        "PageView",
        "Purchase",
        "Schedule",
        "Search",
        "StartTrial",
        "SubmitApplication",
        "Subscribe",
        "ViewContent",
    ]
)
"""Meta's list of standard events; every other name is a custom event."""


def meta_name(name: str, search_results: bool) -> str:
    """Meta's name for a data-layer event."""
    if search_results and name == "view_search_results":
        return "Search"
    return EVENT_NAMES.get(name, name)
