"""Meta's standard events under GA4's names, so that triggers and other vendors know them. Source: Meta's list of
standard events; turned round, it is the destination's own table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GA4_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "PageView": "page_view",
        "ViewContent": "view_item",
        "AddToCart": "add_to_cart",
        "AddToWishlist": "add_to_wishlist",
        "InitiateCheckout": "begin_checkout",
        "AddPaymentInfo": "add_payment_info",
        "Purchase": "purchase",
        "Search": "search",
        "Lead": "generate_lead",
        "CompleteRegistration": "sign_up",
        "Contact": "contact",
        "CustomizeProduct": "customize_product",
        "Donate": "donate",
        "FindLocation": "find_location",
        "Schedule": "schedule",
        "StartTrial": "start_trial",
        "SubmitApplication": "submit_application",
        "Subscribe": "subscribe",
    }
)
"""Compared letter by letter; any other name is the shop's own, and stays."""
