"""Segment's messages, as its libraries and those of RudderStack and Jitsu write them: `{type: "track", event,
properties}`. Source of the names: Segment's e-commerce specification, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.consent_fields import ILLEGIBLE
from tagserver.event.event import Note
from tagserver.event.order_ids import event_id_for, plain_id
from tagserver.event.spelling import Path
from tagserver.inbound.notes import wrong
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.items import SEGMENT_PRODUCT, item_of, items_of
from tagserver.inbound.shapes.shape import NoEvent, Shaped, part, person_of, picked, text, without

NAMES: Mapping[str, str] = {
    "order completed": "purchase",
    "order refunded": "refund",
    "product added": "add_to_cart",
    "product removed": "remove_from_cart",
    "product viewed": "view_item",
    "product clicked": "select_item",
    "product list viewed": "view_item_list",
    "product list filtered": "view_item_list",
    "product added to wishlist": "add_to_wishlist",
    "cart viewed": "view_cart",
    "checkout started": "begin_checkout",
    "payment info entered": "add_payment_info",
    "products searched": "search",
    "promotion viewed": "view_promotion",
    "promotion clicked": "select_promotion",
    "signed up": "sign_up",
    "account created": "sign_up",
    "signed in": "login",
}
"""In lower case: libraries write `Order Completed`, and some `order completed`."""
_SILENT = ("identify", "group", "alias")
_ONE_PRODUCT = ("add_to_cart", "remove_from_cart", "view_item", "select_item", "add_to_wishlist")
_PROMOTIONS: Mapping[str, str] = {
    "promotion_id": "promotion_id",
    "name": "promotion_name",
    "creative": "creative_name",
    "position": "creative_slot",
}
_MONEY: Mapping[str, str] = {"value": "value", "currency": "currency"}
_ORDER: Mapping[str, str] = {
    "order_id": "transaction_id",
    "total": "value",
    "value": "value",
    "revenue": "value",
    "currency": "currency",
    "tax": "tax",
    "shipping": "shipping",
    "discount": "discount",
    "coupon": "coupon",
    "affiliation": "affiliation",
}
"""`revenue`, which is without tax and shipping, counts where there is no total: a page's copy has the total."""
_LIST: Mapping[str, str] = {"list_id": "item_list_id", "category": "item_list_name", **_MONEY}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("purchase", "refund", "begin_checkout", "add_payment_info"), _ORDER),
    **dict.fromkeys((*_ONE_PRODUCT, "view_cart", "search"), _MONEY),
    "view_item_list": _LIST,
    **dict.fromkeys(("view_promotion", "select_promotion"), _MONEY),
}
_PRODUCT_ITSELF = (*SEGMENT_PRODUCT, "price", "quantity", "coupon")
_TRAITS: Mapping[str, Path] = {
    "email": ("email",),
    "phone": ("phone_number",),
    "firstName": ("address", "first_name"),
    "first_name": ("address", "first_name"),
    "lastName": ("address", "last_name"),
    "last_name": ("address", "last_name"),
    "birthday": ("date_of_birth",),
    "gender": ("gender",),
}
_HOME: Mapping[str, Path] = {
    "street": ("address", "street"),
    "city": ("address", "city"),
    "state": ("address", "region"),
    "postalCode": ("address", "postal_code"),
    "postal_code": ("address", "postal_code"),
    "country": ("address", "country"),
}
_PAGE: Mapping[str, str] = {"url": "location", "referrer": "referrer", "title": "title"}
_TAKEN = (
    *("type", "event", "name", "category", "properties", "traits", "context", "integrations", "messageId", "userId"),
    *("anonymousId", "previousId", "groupId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "writeKey"),
    *("_metadata", "channel"),
)


def read_segment(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """One message. Raises NoEvent for those that say only who somebody is."""
    kind, properties = raw.get("type"), raw.get("properties")
    if kind in _SILENT if type(kind) is str else False:
        if "event" in raw or "event_name" in raw or type(raw.get("traits")) is not dict:
            return None
        raise NoEvent(f"a message of the type {kind} says who somebody is, and makes no event", "type")
    if type(properties) is not dict or kind not in ("track", "page", "screen"):
        return None
    said = text(raw.get("event")) if kind == "track" else f"{kind}_view"
    if said is None:
        return None
    name = NAMES.get(said.lower(), said) if kind == "track" and len(said) < 100 else said
    context = part(raw, "context")
    shop, read = _shop(name, properties, notes) if kind == "track" else ({}, ())
    own = without(properties, *read, *(_PAGE if kind == "page" else ()), "event", "event_name")
    groups = {key: part(own, key) for key in ("page", "user_data", "ecommerce")}
    for key in groups:
        if own.pop(key, None) is not None and not groups[key]:
            wrong(notes, f"properties.{key}", "an object")
    fields: dict[str, Any] = {
        "ecommerce": {**groups["ecommerce"], **shop},
        "event_id": event_id_for(name, shop.get("transaction_id"), message=raw.get("messageId")),
        "user_id": plain_id(raw.get("userId")),
        "client_id": plain_id(raw.get("anonymousId")),
        "timestamp": raw.get("timestamp") or raw.get("originalTimestamp"),
        "page": {
            **groups["page"],
            **picked(part(context, "page"), _PAGE),
            **(picked(properties, _PAGE) if kind == "page" else {}),
        },
        "user_data": {**groups["user_data"], **_person(part(raw, "traits")), **_person(part(context, "traits"))},
    }
    given = own | {key: value for key, value in fields.items() if is_said(value)}
    if (chosen := _consent(context)) is not None:
        given["consent_state" if "consent" in given else "consent"] = chosen  # a refusal in either counts
    if name == "search":
        given.setdefault("search_term", given.pop("query", None))
    rest = {**without(raw, *_TAKEN), "event": said}
    return Shaped(f"Segment's message ({kind})", "properties", name, given, rest)


def _consent(context: Mapping[str, Any]) -> Any:
    """What the context says of consent. Categories of a consent tool are the site's own, which nobody can read here:
    they may be a refusal. (The client of Segment's addresses has a table for them.)"""
    said = context.get("consent")
    if "consentManagement" in context or (type(said) is dict and "categoryPreferences" in said):
        return ILLEGIBLE
    return said


def _shop(name: str, properties: Mapping[str, Any], notes: list[Note]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Order and items of the e-commerce events, and the properties that were read; of any other event nothing."""
    if name not in _FIELDS:
        return {}, ()
    fields = _FIELDS[name]
    shop = picked(properties, fields)
    if name in ("view_promotion", "select_promotion"):
        shown = {key: properties[key] for key in _PROMOTIONS if key in properties}
        return {"items": [item_of(shown, _PROMOTIONS)]}, (*_PROMOTIONS,)
    if name in _ONE_PRODUCT and "products" not in properties:
        product = {key: properties[key] for key in _PRODUCT_ITSELF if key in properties}
        shop["items"] = [item_of(product, SEGMENT_PRODUCT)] if product else []
        return shop, (*fields, *product)
    shop["items"] = items_of(properties.get("products"), notes, "products", SEGMENT_PRODUCT)
    return shop, (*fields, "products")


def _person(traits: Mapping[str, Any]) -> dict[str, Any]:
    made = person_of(traits, _TRAITS)
    home = person_of(part(traits, "address"), _HOME)
    if home:
        made["address"] = {**made.get("address", {}), **home["address"]}
    return made
