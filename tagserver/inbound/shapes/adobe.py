"""Adobe's shapes: the client data layer of Adobe Commerce and of AEM's components (`eventInfo`, `orderContext`, …), and
XDM (`eventType: commerce.purchases`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.event.order_ids import event_id_for, plain_id
from tagserver.event.spelling import Path
from tagserver.inbound.shapes.items import MOST, each_price, item_of
from tagserver.inbound.shapes.shape import Shaped, over, part, person_of, picked, rows, text, without
from tagserver.plugin.plain import number

CONTEXTS = ("orderContext", "shoppingCartContext", "productContext")
_PEOPLE = ("accountContext", "shopperContext")
NAMES: Mapping[str, str] = {
    "place-order": "purchase",
    "initiate-checkout": "begin_checkout",
    "add-to-cart": "add_to_cart",
    "remove-from-cart": "remove_from_cart",
    "shopping-cart-view": "view_cart",
    "open-cart": "view_cart",
    "product-page-view": "view_item",
    "page-view": "page_view",
    "search-results-view": "view_search_results",
    "create-account": "sign_up",
    "sign-in": "login",
}
"""Adobe Commerce's events → GA4's."""
_COMPONENT = "cmp:"
"""How the events of AEM's components begin, which have no other name."""
_ACCOUNT: Mapping[str, Path] = {
    "emailAddress": ("email",),
    "email": ("email",),
    "firstName": ("address", "first_name"),
    "lastName": ("address", "last_name"),
}
_PRODUCT: Mapping[str, str] = {"sku": "item_id", "productId": "item_id", "name": "item_name"}


def read_client_layer(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """A push to `adobeDataLayer`. `eventInfo` of another event is a site's own."""
    said, info = text(raw.get("event")), part(raw, "eventInfo")
    contexts = {key: found for key in CONTEXTS if (found := part(info, key) or part(raw, key))}
    if said is None:
        return None
    if said.startswith(_COMPONENT) and info:
        return Shaped("a push of Adobe's client data layer (eventInfo)", "eventInfo", None, {}, raw)
    if said not in NAMES or not (contexts or info):
        return None
    name = NAMES[said]
    people = [found for key in _PEOPLE if (found := part(info, key) or part(raw, key))]
    person: dict[str, Any] = {}
    for one in people:
        person |= person_of(one, _ACCOUNT)
    given = {"ecommerce": _commerce(name, contexts), "user_data": person}
    rest = without(raw, *CONTEXTS, *_PEOPLE)
    if "eventInfo" in rest and info:
        rest["eventInfo"] = without(info, *CONTEXTS, *_PEOPLE)
        if not rest["eventInfo"]:
            del rest["eventInfo"]
    path = next(iter(contexts), "eventInfo")
    return Shaped(f"a push of Adobe's client data layer ({said})", path, name, given, rest)


def _commerce(name: str, contexts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    order, cart, product = (part(contexts.get(key)) for key in CONTEXTS)
    lines = rows(cart.get("items"))[:MOST]
    if name == "view_item":
        return {"items": [_product(product)] if product else [], "currency": _currency(product)}
    if name in ("page_view", "sign_up", "login", "view_search_results"):
        return {}
    made: dict[str, Any] = {"items": [_line(one) for one in lines]}
    if not lines and product:
        made["items"] = [_product(product)]
    currencies = {text(part(one, "prices", "price").get("currency")) for one in lines}
    made["currency"] = currencies.pop() if len(currencies) == 1 else _currency(product)
    if name == "purchase":
        made["transaction_id"] = order.get("orderId")
        made |= picked(order, {"grandTotal": "value", "appliedCouponCode": "coupon"})
        made |= picked(part(order, "shipping"), {"shippingAmount": "shipping"})
    elif name in ("begin_checkout", "view_cart"):
        total = part(cart, "prices", "subtotalIncludingTax") or part(cart, "prices", "subtotalExcludingTax")
        made["value"] = number(total.get("value"))
    return made


def _currency(product: Mapping[str, Any]) -> str | None:
    return text(part(product, "pricing").get("currencyCode"))


def _product(product: Mapping[str, Any]) -> dict[str, Any]:
    pricing = part(product, "pricing")
    price = pricing.get("specialPrice") or pricing.get("regularPrice")
    return {**picked(product, _PRODUCT), **picked({"price": price}, {"price": "price"})}


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    price = part(line, "prices", "price").get("value")
    return {
        **picked(part(line, "product"), _PRODUCT),
        **picked({"price": price, "quantity": line.get("quantity")}, {"price": "price", "quantity": "quantity"}),
    }


XDM_NAMES: Mapping[str, str] = {
    "commerce.purchases": "purchase",
    "commerce.checkouts": "begin_checkout",
    "commerce.productListAdds": "add_to_cart",
    "commerce.productListRemovals": "remove_from_cart",
    "commerce.productListViews": "view_cart",
    "commerce.productViews": "view_item",
    "commerce.saveForLaters": "add_to_wishlist",
    "web.webpagedetails.pageViews": "page_view",
}
_XDM_ITEM: Mapping[str, str] = {
    "SKU": "item_id",
    "productId": "item_id",
    "name": "item_name",
    "quantity": "quantity",
    "currencyCode": "currency",
    "discountAmount": "discount",
}
_XDM_TAKEN = (
    *("eventType", "commerce", "productListItems", "identityMap", "web", "_id", "timestamp"),
    *("personalEmail", "mobilePhone", "person", "homeAddress", "billingAddress", "shippingAddress", "endUserIDs"),
    "consentStrings",
)


def read_xdm(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """An XDM experience event, at the top or within `xdm`."""
    xdm = part(raw, "xdm") or raw
    kind = text(xdm.get("eventType"))
    if kind is None or kind not in XDM_NAMES:
        return None
    name, order = XDM_NAMES[kind], part(xdm, "commerce", "order")
    number_of_order = order.get("purchaseID") if name == "purchase" else None
    lines = rows(xdm.get("productListItems"))[:MOST]
    page, identities = part(xdm, "web", "webPageDetails"), part(xdm, "identityMap")
    given: dict[str, Any] = {
        "ecommerce": {
            **picked(order, {"priceTotal": "value", "currencyCode": "currency"}),
            "transaction_id": number_of_order,
            "shipping": part(xdm, "commerce", "shipping").get("shippingAmount"),
            "items": [_xdm_item(one, index, notes) for index, one in enumerate(lines)],
        },
        "event_id": event_id_for(name, number_of_order, message=xdm.get("_id")),
        "timestamp": xdm.get("timestamp"),
        "page": {
            **picked(page, {"URL": "location", "name": "title"}),
            "referrer": text(part(xdm, "web", "webReferrer").get("URL")),
        },
        "client_id": _identity(identities, "ECID"),
        "user_data": _xdm_person(xdm, identities),
        **_xdm_consent(xdm),
    }
    rest = without(xdm, *_XDM_TAKEN)
    if xdm is not raw:
        rest = over(rest, without(raw, "xdm"))
    return Shaped(f"XDM ({kind})", "eventType" if xdm is raw else "xdm", name, given, rest)


def _xdm_item(line: Mapping[str, Any], index: int, notes: list[Note]) -> dict[str, Any]:
    """A line of a list: its sum by its quantity is the price, where that is exact."""
    made = item_of(picked(line, {name: name for name in _XDM_ITEM}), _XDM_ITEM)
    total = line.get("priceTotal")
    if total is None:
        return made
    price = each_price(total, line.get("quantity", 1))
    if price is not None:
        return made | {"price": price}
    path = f"productListItems.{index}.priceTotal"
    notes.append(Note(path, "inexact", f"{path} is the sum of a line, and no exact price of a piece; left out"))
    return made


def _xdm_person(xdm: Mapping[str, Any], identities: Mapping[str, Any]) -> dict[str, Any]:
    email = part(xdm, "personalEmail").get("address")
    return {
        **person_of(part(xdm, "person", "name"), _ACCOUNT),
        "email": text(email) or _identity(identities, "Email") or _identity(identities, "email"),
        "phone_number": part(xdm, "mobilePhone").get("number"),
    }


def _xdm_consent(xdm: Mapping[str, Any]) -> dict[str, Any]:
    """The TC string, where the event has one, and whether the law applies."""
    for one in rows(xdm.get("consentStrings"))[:10]:
        if one.get("consentStandard") == "IAB TCF":
            return {"tcf": one.get("consentStringValue"), "gdpr": one.get("gdprApplies")}
    return {}


def _identity(identities: Mapping[str, Any], space: str) -> str | None:
    """The first id of a namespace."""
    found = rows(identities.get(space))
    return plain_id(found[0].get("id")) if found else None
