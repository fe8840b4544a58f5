"""Meta's events in the fields of a data layer: names and parameters, as a page's pixel is called with them and as a
server sends them. Authors import this from `tagserver.plugin.inbound`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from tagserver.event.consent_fields import FIELDS
from tagserver.plugin.inbound_values import is_said

GA4_OF_META: Mapping[str, str] = MappingProxyType(
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
"""Meta's standard events → GA4's names, so that triggers and other vendors know them. Compared letter by letter; any
other name is the shop's own, and stays. Source: Meta's list of standard events."""

META_PARAMETERS = frozenset(
    [
        *("content_category", "content_ids", "content_name", "content_type", "contents", "delivery_category"),
        *("item_number", "net_revenue", "num_items", "predicted_ltv", "search_string", "status"),
    ]
)
"""Parameters that are known by Meta's own names at the top of an event, beside the value and what it is of."""
ORDER_IDS = ("transaction_id", "order_id")
MONEY = ("value", "currency")
ITEM = {
    "id": "item_id",
    "quantity": "quantity",
    "item_price": "price",
    "title": "item_name",
    "brand": "item_brand",
    "category": "item_category",
    "delivery_category": "delivery_category",
    "description": "description",
}
"""Entry of `contents` at Meta → field of an item."""
CONSENT_FIELDS = FIELDS
"""Names at the top of an event by which somebody's consent is told."""
NOT_PARAMETERS = frozenset(
    [
        # What an event says of itself, of its page and of its visitor, and what the server fills in.
        *("action_source", "click", "client", "client_id", "cookie", "ctx", "event", "event_id", "event_name", "fbq"),
        *("geo", "header", "ip", "ip_override", "page", "page_location", "page_referrer", "page_title", "page_view_id"),
        *("pixel", "session_id", "source", "timestamp", "user_agent", "user_data", "user_id", "ecommerce"),
        # What Meta alone may be told by a call of its own.
        *("data_processing_options", "data_processing_options_country", "data_processing_options_state", "opt_out"),
        # Consent: a parameter of a call is no word of the visitor's.
        *CONSENT_FIELDS,
    ]
)
"""Names at the top of an event that mean something else than a parameter of this name, which is left out."""


def order_of_meta(params: Mapping[str, Any]) -> dict[str, Any]:
    """`ecommerce`: as far as the call says it."""
    order = {name: params[name] for name in MONEY if is_said(params.get(name))}
    for name in ORDER_IDS:
        if is_said(params.get(name)) and not isinstance(params[name], dict | list):
            order["transaction_id"] = params[name]
            break
    if items := _items_of(params):
        order["items"] = items
    return order


def _items_of(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of `contents`; where they name nothing, of `content_ids`, one of each and without a price: to how much they come
    together is said, and what each costs is not."""
    items = [_item(one) for one in _listed(params.get("contents")) if isinstance(one, dict)]
    items = [one for one in items if is_said(one.get("item_id"))]
    if items:
        return items
    ids = [one for one in _listed(params.get("content_ids")) if is_said(one) and not isinstance(one, dict | list)]
    return [{"item_id": one, "quantity": 1} for one in ids]


def rest_of_meta(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that stay as they are. Meta's own (`content_type`, `search_string`) are known by their names."""
    taken = {*MONEY, *ORDER_IDS, "contents", "items"}
    if not is_said(params.get("contents")):
        taken.add("content_ids")
    return {name: value for name, value in params.items() if name not in taken and name not in NOT_PARAMETERS}


def _item(content: Mapping[str, Any]) -> dict[str, Any]:
    item = {ours: content[meta] for meta, ours in ITEM.items() if is_said(content.get(meta))}
    if "price" not in item and is_said(content.get("price")):
        item["price"] = content["price"]
    return item


def _listed(value: Any) -> list[Any]:
    """A list as it stands, or as the text that some pages make of it (`'["A", "B"]'`); one value as a list of it."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return []
    if isinstance(value, list):
        return value
    return [value] if is_said(value) else []
