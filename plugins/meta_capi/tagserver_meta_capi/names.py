"""GA4's event names and Meta's. Source: Meta's list of standard events, and the map that both common Meta
server tags share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tagserver.plugin import StandardEvents

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

EVENTS = StandardEvents(EVENT_NAMES)
STANDARD_EVENTS = EVENTS.vendors
"""Meta's list of standard events, each of which stands for one of ours; every other name is a custom event."""


_WITH_RESULTS: Mapping[str, str] = MappingProxyType({**EVENT_NAMES, "view_search_results": "Search"})


def meta_names(search_results: bool) -> Mapping[str, str]:
    """Meta's names by those of the data layer; `search_results`: a list of results is a search, too."""
    return _WITH_RESULTS if search_results else EVENT_NAMES
