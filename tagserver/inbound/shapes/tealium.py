"""Tealium's data layer: `tealium_event`, an order in flat fields, and its products in lists side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.event.order_ids import plain_id
from tagserver.event.spelling import Path
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.items import MOST
from tagserver.inbound.shapes.shape import Shaped, part, person_of, picked, text, without

NAMES: Mapping[str, str] = {
    "purchase": "purchase",
    "cart_add": "add_to_cart",
    "cart_remove": "remove_from_cart",
    "cart_view": "view_cart",
    "checkout": "begin_checkout",
    "product_view": "view_item",
    "category_view": "view_item_list",
    "search": "search",
    "wishlist_add": "add_to_wishlist",
    "user_register": "sign_up",
    "user_login": "login",
    "page_view": "page_view",
}
"""Tealium's standard names → GA4's. Others stay."""
_ORDER: Mapping[str, str] = {
    "order_id": "transaction_id",
    "order_total": "value",
    "order_currency_code": "currency",
    "order_currency": "currency",
    "order_tax_amount": "tax",
    "order_tax": "tax",
    "order_shipping_amount": "shipping",
    "order_shipping": "shipping",
    "order_promo_code": "coupon",
    "order_coupon_code": "coupon",
    "order_store": "affiliation",
}
_PRODUCTS: Mapping[str, str] = {
    "product_id": "item_id",
    "product_sku": "item_id",
    "product_name": "item_name",
    "product_brand": "item_brand",
    "product_category": "item_category",
    "product_subcategory": "item_category2",
    "product_variant": "item_variant",
    "product_price": "price",
    "product_unit_price": "price",
    "product_quantity": "quantity",
    "product_promo_code": "coupon",
}
_PERSON: Mapping[str, Path] = {
    "customer_email": ("email",),
    "customer_phone": ("phone_number",),
    "customer_phone_number": ("phone_number",),
    "customer_first_name": ("address", "first_name"),
    "customer_last_name": ("address", "last_name"),
    "customer_address_1": ("address", "street"),
    "customer_city": ("address", "city"),
    "customer_state": ("address", "region"),
    "customer_zip": ("address", "postal_code"),
    "customer_postal_code": ("address", "postal_code"),
    "customer_country": ("address", "country"),
    "customer_gender": ("gender",),
}
_OTHERS = ("customer_name", "customer_address_2", "customer_company")
"""What is said of a person besides: it stays, where people's data stands."""
_TAKEN = (*_OTHERS, "tealium_event", "customer_id", "tealium_visitor_id", "dom", *_ORDER, *_PRODUCTS, *_PERSON)


def read_tealium(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """What utag collects of a page or a click."""
    said = text(raw.get("tealium_event"))
    if said is None:
        return None
    shop = picked(raw, _ORDER)
    shop["items"] = _items(raw, notes)
    dom = part(raw, "dom")
    given: dict[str, Any] = {
        "event": said,
        "ecommerce": {key: value for key, value in shop.items() if is_said(value)},
        "user_data": {**picked(raw, {name: name for name in _OTHERS}), **person_of(raw, _PERSON)},
        "user_id": plain_id(raw.get("customer_id")),
        "client_id": plain_id(raw.get("tealium_visitor_id")),
        "page": picked(dom, {"url": "location", "referrer": "referrer", "title": "title"}),
        "search_term": text(raw.get("search_keyword")),
    }
    name = NAMES.get(said)
    label = f"Tealium's event ({said})" if name is not None else "Tealium's event"
    return Shaped(label, "tealium_event", name, given, without(raw, *_TAKEN))


def _items(raw: Mapping[str, Any], notes: list[Note]) -> list[dict[str, Any]]:
    """The products, of which each list has one value. A list of another length than the first says of nobody knows
    which; it is left out, and said."""
    lists: dict[str, list[Any]] = {}
    for name in _PRODUCTS:
        value = raw.get(name)
        if type(value) is list and value:
            lists[name] = value
        elif is_said(value) and type(value) is not dict and type(value) is not list:
            lists[name] = [value]
    if not lists:
        return []
    first, count = next(iter(lists)), len(next(iter(lists.values())))
    items: list[dict[str, Any]] = [{} for _ in range(min(count, MOST))]
    for name, values in lists.items():
        if len(values) != count:
            notes.append(Note(name, "other_length", f"{name} has not as many values as {first}; left out"))
            continue
        for item, value in zip(items, values, strict=False):
            if is_said(value) and type(value) is not dict and type(value) is not list:
                item.setdefault(_PRODUCTS[name], value)
    return [item for item in items if item]
