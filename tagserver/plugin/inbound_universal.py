"""Universal Analytics' enhanced e-commerce under GA4's names: its actions, an order's fields, and a product's. Authors
import these from `tagserver.plugin.inbound`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNIVERSAL_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "purchase": "purchase",
        "refund": "refund",
        "checkout": "begin_checkout",
        "checkout_option": "set_checkout_option",
        "add": "add_to_cart",
        "remove": "remove_from_cart",
        "detail": "view_item",
        "click": "select_item",
        "promoClick": "select_promotion",
        "impressions": "view_item_list",
        "promoView": "view_promotion",
    }
)
"""Group of `ecommerce` → GA4's name of what happened. Of several in one push the first of these is the event."""
UNIVERSAL_ORDER: Mapping[str, str] = MappingProxyType({"id": "transaction_id", "revenue": "value"})
"""Field of an order's `actionField` → that of `ecommerce`; tax, shipping, coupon and affiliation have the same name."""
UNIVERSAL_PRODUCT: Mapping[str, str] = MappingProxyType(
    {
        "id": "item_id",
        "name": "item_name",
        "brand": "item_brand",
        "variant": "item_variant",
        "category": "item_category",
        "position": "index",
    }
)
"""Field of a product → that of an item."""
