"""GA4's event names and TikTok's. Source: TikTok's help page on standard events, September 2025."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tagserver.plugin import StandardEvents

EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "page_view": "Pageview",
        "view_item": "ViewContent",
        "search": "Search",
        "view_search_results": "Search",
        "add_to_wishlist": "AddToWishlist",
        "add_to_cart": "AddToCart",
        "begin_checkout": "InitiateCheckout",
        "add_payment_info": "AddPaymentInfo",
        "purchase": "Purchase",
        "sign_up": "CompleteRegistration",
        "generate_lead": "Lead",
        "subscribe": "Subscribe",
        "start_trial": "StartTrial",
    }
)
"""Purchase and Lead are the present names; a pixel may still say CompletePayment and SubmitForm, hence the setting."""
EVENTS = StandardEvents(
    EVENT_NAMES,
    frozenset(
        [
            *("ApplicationApproval", "Contact", "CustomizeProduct", "Download", "FindLocation", "Schedule"),
            *("SubmitApplication", "ClickButton", "CompletePayment", "PlaceAnOrder", "SubmitForm"),
        ]
    ),
)
"""The last four are names of before, which TikTok still takes."""


def tiktok_name(name: str, own: Mapping[str, str]) -> str:
    """TikTok's name for a data-layer event, `own` first. Others pass under their own name: TikTok takes any."""
    return own.get(name) or EVENT_NAMES.get(name) or name
