"""Shopify's customer events, as a web pixel gets them from `analytics.subscribe`.

They are read by a list of what is wanted: what lets somebody into a checkout or an order (its token, its address) is
never passed on, and neither is what a visitor types. Amounts are in the currency that the customer has seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tagserver.event.click_ids import PARAMETERS
from tagserver.event.event import Note
from tagserver.event.order_ids import event_id_for, order_id
from tagserver.event.spelling import Path
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.items import MOST
from tagserver.inbound.shapes.shape import Shaped, part, person_of, rows, text, without

NAMES: Mapping[str, str] = {
    "checkout_completed": "purchase",
    "checkout_started": "begin_checkout",
    "checkout_shipping_info_submitted": "add_shipping_info",
    "payment_info_submitted": "add_payment_info",
    "product_added_to_cart": "add_to_cart",
    "product_removed_from_cart": "remove_from_cart",
    "product_viewed": "view_item",
    "collection_viewed": "view_item_list",
    "cart_viewed": "view_cart",
    "search_submitted": "search",
    "page_viewed": "page_view",
}
"""Shopify's standard events → GA4's. Others keep their names."""
_TAKEN = ("name", "data", "id", "clientId", "context", "init", "timestamp", "seq", "type", "customerPrivacy")
_INSIDE = ("checkout", "cartLine", "productVariant", "cart", "collection", "searchResult")
_PLAIN = "Default Title"
"""Of a product without variants."""
_ADDRESS: Mapping[str, Path] = {
    "firstName": ("address", "first_name"),
    "lastName": ("address", "last_name"),
    "address1": ("address", "street"),
    "city": ("address", "city"),
    "provinceCode": ("address", "region"),
    "zip": ("address", "postal_code"),
    "countryCode": ("address", "country"),
    "phone": ("phone_number",),
}
_CONTACT: Mapping[str, Path] = {"email": ("email",), "phone": ("phone_number",)}
_private = re.compile(r"/(orders|checkouts|account|apps|authenticate|cart/c)(/|\Z)").search
"""Paths in which keys to somebody's order stand."""
_LONGEST = 4096
_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")


def read_shopify(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """One customer event. It is known by its own id (`sh-…`), or by what Shopify has in an event of this name."""
    own, sent = text(raw.get("name")), text(raw.get("id"))
    data = part(raw, "data")
    if own is None or type(raw.get("data", {})) not in (dict, type(None)):
        return None
    inside = any(part(data, key) for key in _INSIDE) or part(raw, "context", "document")
    if not (sent or "").startswith("sh-") and not (own in NAMES and inside):
        return None
    name = NAMES.get(own)
    shop = _shop(own, data)
    checkout = part(data, "checkout")
    given: dict[str, Any] = {
        "ecommerce": {key: value for key, value in shop.items() if is_said(value)},
        "event": own,
        "event_id": event_id_for(name or own, shop.get("transaction_id"), message=sent),
        "client_id": text(raw.get("clientId")),
        "timestamp": raw.get("timestamp"),
        "page": _page(part(raw, "context", "document")),
        "user_data": _person(checkout, part(raw, "init", "data", "customer")),
        "user_id": order_id(part(checkout, "order", "customer").get("id")),
        "search_term": text(part(data, "searchResult").get("query")),
        "consent": _consent(raw),
    }
    label = f"Shopify's customer event ({own})" if name is not None else "Shopify's customer event"
    return Shaped(label, "name", name, given, without(raw, *_TAKEN))


def _shop(own: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Order, amounts and items, as the event of this name tells them."""
    read = _READ.get(own)
    return {} if read is None else read(data)


def _checkout(data: Mapping[str, Any]) -> dict[str, Any]:
    checkout = part(data, "checkout")
    total = part(checkout, "totalPrice")
    codes = [one for one in rows(checkout.get("discountApplications")) if one.get("type") == "DISCOUNT_CODE"]
    return {
        "transaction_id": order_id(part(checkout, "order").get("id")),
        "value": total.get("amount"),
        "currency": text(checkout.get("currencyCode")) or text(total.get("currencyCode")),
        "tax": part(checkout, "totalTax").get("amount"),
        "shipping": part(checkout, "shippingLine", "price").get("amount"),
        "coupon": text(codes[0].get("title")) if codes else None,
        "items": [
            _item(part(one, "variant"), quantity=one.get("quantity"), title=one.get("title"))
            for one in rows(checkout.get("lineItems"))[:MOST]
        ],
    }


def _begun(data: Mapping[str, Any]) -> dict[str, Any]:
    """A checkout that is no order yet."""
    return without(_checkout(data), "transaction_id")


def _line(data: Mapping[str, Any]) -> dict[str, Any]:
    line = part(data, "cartLine")
    total = part(line, "cost", "totalAmount")
    return {
        "value": total.get("amount"),
        "currency": text(total.get("currencyCode")),
        "items": [_item(part(line, "merchandise"), quantity=line.get("quantity"))] if line else [],
    }


def _viewed(data: Mapping[str, Any]) -> dict[str, Any]:
    variant = part(data, "productVariant")
    return {
        "value": part(variant, "price").get("amount"),
        "currency": text(part(variant, "price").get("currencyCode")),
        "items": [_item(variant)] if variant else [],
    }


def _collection(data: Mapping[str, Any]) -> dict[str, Any]:
    collection = part(data, "collection")
    listed = _variants(collection)
    return {**listed, "item_list_id": order_id(collection.get("id")), "item_list_name": text(collection.get("title"))}


def _variants(listed: Mapping[str, Any]) -> dict[str, Any]:
    found = rows(listed.get("productVariants"))[:MOST]
    currencies = {text(part(one, "price").get("currencyCode")) for one in found}
    return {"currency": currencies.pop() if len(currencies) == 1 else None, "items": [_item(one) for one in found]}


def _cart(data: Mapping[str, Any]) -> dict[str, Any]:
    cart = part(data, "cart")
    total = part(cart, "cost", "totalAmount")
    lines = rows(cart.get("lines"))[:MOST]
    return {
        "value": total.get("amount"),
        "currency": text(total.get("currencyCode")),
        "items": [_item(part(one, "merchandise"), quantity=one.get("quantity")) for one in lines],
    }


_READ: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "checkout_completed": _checkout,
    "checkout_started": _begun,
    "checkout_shipping_info_submitted": _begun,
    "checkout_contact_info_submitted": _begun,
    "checkout_address_info_submitted": _begun,
    "payment_info_submitted": _begun,
    "product_added_to_cart": _line,
    "product_removed_from_cart": _line,
    "product_viewed": _viewed,
    "collection_viewed": _collection,
    "cart_viewed": _cart,
    "search_submitted": lambda data: _variants(part(data, "searchResult")),
}


def _item(variant: Mapping[str, Any], *, quantity: Any = None, title: Any = None) -> dict[str, Any]:
    """A variant as an item, under the id by which Shopify's webhook names it, too."""
    product = part(variant, "product")
    kind = text(variant.get("title"))
    made = {
        "item_id": order_id(variant.get("id")),
        "item_name": text(product.get("title")) or text(title),
        "item_brand": text(product.get("vendor")),
        "item_category": text(product.get("type")),
        "item_variant": None if kind == _PLAIN else kind,
        "sku": text(variant.get("sku")),
        "price": part(variant, "price").get("amount"),
        "quantity": quantity,
    }
    return {name: value for name, value in made.items() if is_said(value) and type(value) is not dict}


def _person(checkout: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    """Who orders: the checkout's own words, then the address of the bill, else of the parcel, else the customer."""
    address = part(checkout, "billingAddress") or part(checkout, "shippingAddress")
    made = person_of(customer, {**_CONTACT, **{name: _ADDRESS[name] for name in ("firstName", "lastName")}})
    made |= person_of(address, _ADDRESS)
    return made | person_of(checkout, _CONTACT)


def _page(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "location": _open(part(document, "location").get("href")),
        "referrer": _open(document.get("referrer")),
        "title": text(document.get("title")),
    }


def _open(address: Any) -> str | None:
    """An address without a path that lets somebody into an order or a checkout; of such a one the host, clicks and
    campaigns stay."""
    if type(address) is not str or not address or len(address) > _LONGEST:
        return None
    try:
        parts = urlsplit(address)
        if not _private(parts.path):
            return address
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        pairs = parse_qsl(parts.query, max_num_fields=50)
    except ValueError:
        return None
    kept = urlencode([(name, value) for name, value in pairs if name in PARAMETERS or name in _CAMPAIGN])
    return f"{parts.scheme}://{parts.netloc}/" + (f"?{kept}" if kept else "")


def _consent(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `customerPrivacy` says, where the pixel sends it along: only true grants."""
    said = raw.get("customerPrivacy")
    if said is None:
        said = part(raw, "init").get("customerPrivacy")
    if said is None:
        return None
    known = part(said)
    sale = known.get("saleOfDataAllowed")
    ads = known.get("marketingAllowed") is True and (sale is None or sale is True)
    words = {
        **dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization"), ads),
        "analytics_storage": known.get("analyticsProcessingAllowed") is True,
    }
    return {"update": {name: "granted" if yes else "denied" for name, yes in words.items()}}
