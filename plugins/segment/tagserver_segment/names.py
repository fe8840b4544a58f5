"""Segment's e-commerce events (version 2, and the old names of version 1) and those of its B2B page under GA4's names.

Compared by letters and digits alone: `Order Completed`, `order_completed` and `orderCompleted` are one name to
Segment's own destinations, too. Any other name is the shop's own, and stays. Sources: Segment's specification of
e-commerce events and of B2B SaaS; GA4's recommended events.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

LONGEST = 100
"""Characters of a name that may be one of these."""


class Rule(NamedTuple):
    """What is known of an event by its name. `name`: GA4's, empty where it keeps its own; `product`: its one product
    stands in the properties themselves; `paid`: `total` is what was paid, before all else."""

    name: str = ""
    product: bool = False
    paid: bool = False


OWN = Rule()
"""An event of which Segment says what it is, and GA4 has no name."""
EVENTS: Mapping[str, Rule] = MappingProxyType(
    {
        "Order Completed": Rule("purchase", paid=True),
        "Order Refunded": Rule("refund", paid=True),
        "Order Updated": Rule(paid=True),
        "Order Cancelled": Rule(paid=True),
        "Product Added": Rule("add_to_cart", product=True),
        "Product Removed": Rule("remove_from_cart", product=True),
        "Cart Viewed": Rule("view_cart"),
        "Checkout Started": Rule("begin_checkout"),
        "Checkout Step Viewed": OWN,
        "Checkout Step Completed": OWN,
        "Payment Info Entered": Rule("add_payment_info"),
        "Coupon Entered": OWN,
        "Coupon Applied": OWN,
        "Coupon Denied": OWN,
        "Coupon Removed": OWN,
        "Product Viewed": Rule("view_item", product=True),
        "Product List Viewed": Rule("view_item_list"),
        "Product List Filtered": Rule("view_item_list"),
        "Product Clicked": Rule("select_item", product=True),
        "Promotion Viewed": Rule("view_promotion"),
        "Promotion Clicked": Rule("select_promotion"),
        "Products Searched": Rule("search"),
        "Product Added to Wishlist": Rule("add_to_wishlist", product=True),
        "Product Removed from Wishlist": Rule(product=True),
        "Wishlist Product Added to Cart": Rule(product=True),
        "Product Shared": Rule(product=True),
        "Cart Shared": OWN,
        "Product Reviewed": Rule(product=True),
        "Signed Up": Rule("sign_up"),
        "Account Created": Rule("sign_up"),
        "Signed In": Rule("login"),
        "Trial Started": Rule("start_trial"),
        "Subscription Started": Rule("subscribe", paid=True),
        "Subscription Created": Rule("subscribe", paid=True),
        # Version 1.
        "Completed Order": Rule("purchase", paid=True),
        "Viewed Product": Rule("view_item", product=True),
        "Viewed Product Category": Rule("view_item_list"),
        "Added Product": Rule("add_to_cart", product=True),
        "Removed Product": Rule("remove_from_cart", product=True),
        "Viewed Promotion": Rule("view_promotion"),
        "Clicked Promotion": Rule("select_promotion"),
    }
)


def folded(name: str) -> str:
    """A name by its letters and digits, in lower case."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


_FOLDED: Mapping[str, Rule] = MappingProxyType({folded(name): rule for name, rule in EVENTS.items()})


def rule_of(name: object) -> Rule | None:
    """What is known of a track call by its name; None for a name of the shop's own, and for what is no name."""
    return _FOLDED.get(folded(name)) if isinstance(name, str) and len(name) <= LONGEST else None
