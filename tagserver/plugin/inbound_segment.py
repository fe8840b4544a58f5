"""Segment's messages in the fields of a data layer: names of events, the order and its products, the person, and the
page, wherever they come in. Authors import this from `tagserver.plugin.inbound`.

Names are compared by letters and digits alone: `Order Completed`, `order_completed` and `orderCompleted` are one name
to Segment's own destinations, too. Any other name is the shop's own, and stays. Sources: Segment's specifications of
e-commerce events (version 2, and the old names of version 1) and of B2B SaaS; GA4's recommended events. What has a
wrong type stays as it is: the host leaves it out of every event, and names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from tagserver.event.order_ids import event_id_for
from tagserver.plugin.inbound_values import filled, first_said, group, is_said

LONGEST_NAME = 100
"""Characters of a name that may be one of these."""


class SegmentRule(NamedTuple):
    """What is known of an event by its name. `name`: GA4's, empty where it keeps its own; `product`: its one product
    stands in the properties themselves; `paid`: `total` is what was paid, before all else."""

    name: str = ""
    product: bool = False
    paid: bool = False


OWN = SegmentRule()
"""An event of which Segment says what it is, and GA4 has no name."""
SEGMENT_EVENTS: Mapping[str, SegmentRule] = MappingProxyType(
    {
        "Order Completed": SegmentRule("purchase", paid=True),
        "Order Refunded": SegmentRule("refund", paid=True),
        "Order Updated": SegmentRule(paid=True),
        "Order Cancelled": SegmentRule(paid=True),
        "Product Added": SegmentRule("add_to_cart", product=True),
        "Product Removed": SegmentRule("remove_from_cart", product=True),
        "Cart Viewed": SegmentRule("view_cart"),
        "Checkout Started": SegmentRule("begin_checkout"),
        "Checkout Step Viewed": OWN,
        "Checkout Step Completed": OWN,
        "Payment Info Entered": SegmentRule("add_payment_info"),
        "Coupon Entered": OWN,
        "Coupon Applied": OWN,
        "Coupon Denied": OWN,
        "Coupon Removed": OWN,
        "Product Viewed": SegmentRule("view_item", product=True),
        "Product List Viewed": SegmentRule("view_item_list"),
        "Product List Filtered": SegmentRule("view_item_list"),
        "Product Clicked": SegmentRule("select_item", product=True),
        "Promotion Viewed": SegmentRule("view_promotion"),
        "Promotion Clicked": SegmentRule("select_promotion"),
        "Products Searched": SegmentRule("search"),
        "Product Added to Wishlist": SegmentRule("add_to_wishlist", product=True),
        "Product Removed from Wishlist": SegmentRule(product=True),
        "Wishlist Product Added to Cart": SegmentRule(product=True),
        "Product Shared": SegmentRule(product=True),
        "Cart Shared": OWN,
        "Product Reviewed": SegmentRule(product=True),
        "Signed Up": SegmentRule("sign_up"),
        "Account Created": SegmentRule("sign_up"),
        "Signed In": SegmentRule("login"),
        "Trial Started": SegmentRule("start_trial"),
        "Subscription Started": SegmentRule("subscribe", paid=True),
        "Subscription Created": SegmentRule("subscribe", paid=True),
        # Version 1.
        "Completed Order": SegmentRule("purchase", paid=True),
        "Viewed Product": SegmentRule("view_item", product=True),
        "Viewed Product Category": SegmentRule("view_item_list"),
        "Added Product": SegmentRule("add_to_cart", product=True),
        "Removed Product": SegmentRule("remove_from_cart", product=True),
        "Viewed Promotion": SegmentRule("view_promotion"),
        "Clicked Promotion": SegmentRule("select_promotion"),
    }
)


def _folded(name: str) -> str:
    """A name by its letters and digits, in lower case."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


_FOLDED: Mapping[str, SegmentRule] = MappingProxyType({_folded(name): rule for name, rule in SEGMENT_EVENTS.items()})


def segment_rule(name: object) -> SegmentRule | None:
    """What is known of a track call by its name; None for a name of the shop's own, and for what is no name."""
    return _FOLDED.get(_folded(name)) if isinstance(name, str) and len(name) <= LONGEST_NAME else None


ORDER_IDS = ("order_id", "orderId", "transaction_id")
SAME = ("currency", "tax", "shipping", "discount", "coupon", "affiliation", "subtotal")
"""Names that mean the same in GA4."""
ITEM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "item_id": ("item_id", "product_id", "productId", "id", "sku"),
        "item_name": ("item_name", "name"),
        "item_brand": ("item_brand", "brand"),
        "item_category": ("item_category", "category"),
        "item_variant": ("item_variant", "variant"),
        "index": ("index", "position"),
    }
)
"""Field of an item → what a product calls it; of several the first that is there."""
ITEM_SAME = ("price", "quantity", "image_url", "url")
_ITEM_NAMES = frozenset(name for names in ITEM.values() for name in names)
PROMOTION = {
    "promotion_id": "promotion_id",
    "name": "promotion_name",
    "creative": "creative_name",
    "position": "creative_slot",
}
LIST = {"list_id": "item_list_id", "category": "item_list_name"}
OTHER = {
    "search": {"query": "search_term"},
    "add_payment_info": {"payment_method": "payment_type", "shipping_method": "shipping_tier"},
    "begin_checkout": {"shipping_method": "shipping_tier"},
}
"""GA4's event → property → parameter of it, beside the order."""
MOST_VALUES = 1600
"""In the items of one event, which holds 2000 values in all."""
_COUNTED = ("item_id", "price", "quantity")


def order_of_segment(properties: Mapping[str, Any], rule: SegmentRule | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """`ecommerce` of a call, and its other properties under the names of GA4. `rule`: what is known of the event by its
    name. A promotion is the event's, as Segment's own GA4 destination has it: it names no product, which each of
    GA4's items does."""
    rest = dict(properties)
    found = {"transaction_id": _taken(rest, ORDER_IDS), "value": _value(rest, rule)}
    found |= {name: rest.pop(name) for name in SAME if name in rest}
    name = rule.name if rule is not None else ""
    products = rest.pop("products", None)
    items = products if is_said(products) and products != [] else rest.pop("items", None)
    rest.pop("items", None)
    if rule is not None and rule.product and not is_said(items):
        item = _item({key: rest.pop(key) for key in (*_ITEM_NAMES, *ITEM_SAME) if key in rest})
        for shared in ("coupon", "discount"):
            if is_said(found.get(shared)):
                item[shared] = found.pop(shared)
        items = [item] if item else None
    found["items"] = _items(items)
    if name in ("view_promotion", "select_promotion"):
        found |= {ours: rest.pop(theirs) for theirs, ours in PROMOTION.items() if theirs in rest}
    elif name == "view_item_list":
        found |= {ours: rest.pop(theirs) for theirs, ours in LIST.items() if theirs in rest}
    for theirs, ours in OTHER.get(name, {}).items():
        if theirs in rest and not is_said(rest.get(ours)):
            rest[ours] = rest.pop(theirs)
    return {**group(rest.pop("ecommerce", None)), **filled(found)}, rest


def _taken(rest: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first value that is there under these names; all of them are gone afterwards."""
    found = first_said(rest, names)
    for name in names:
        rest.pop(name, None)
    return found


def _value(rest: dict[str, Any], rule: SegmentRule | None) -> Any:
    """What was paid is the total; `revenue` is without tax and shipping, and counts only where there is no total, for
    the page's copy of an order has its total. Of events that are the shop's own nobody knows what a total is."""
    if rule is None:
        names: tuple[str, ...] = ("value", "revenue")
    else:
        names = ("total", "revenue", "value") if rule.paid else ("value", "total", "revenue")
    return _taken(rest, names)


def _items(products: Any) -> Any:
    """The items; of more than an event holds what vendors count by, so that no order is refused for its length."""
    if not isinstance(products, list):
        return products if is_said(products) else None
    made = [_item(one) if isinstance(one, dict) else one for one in products]
    if sum(len(one) + 1 if isinstance(one, dict) else 1 for one in made) <= MOST_VALUES:
        return made
    slim = [{name: one[name] for name in _COUNTED if name in one} for one in made if isinstance(one, dict)]
    return [one for one in slim if one][: MOST_VALUES // (len(_COUNTED) + 1)]


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    """A product as an item; fields of the shop's own stay, and so does a second id beside the one that counts."""
    made = filled({ours: first_said(product, names) for ours, names in ITEM.items()})
    known = made.get("item_id")
    rest = {
        name: value
        for name, value in product.items()
        if is_said(value) and (name not in _ITEM_NAMES or (name in ITEM["item_id"] and value != known))
    }
    return {**made, **rest}


def id_of_segment(name: object, order: Mapping[str, Any], rest: Mapping[str, Any], message_id: object) -> str | None:
    """The id of an event: the site's own among its properties, else as `event_id_for` makes it. `order`, `rest`: as
    `order_of_segment` gives them; `message_id`: of the message, which counts last."""
    own = rest.get("event_id")
    if isinstance(own, str) and own:
        return own
    return event_id_for(
        name if isinstance(name, str) else "",
        order.get("transaction_id"),
        refund=rest.get("refund_id"),
        subscription=rest.get("subscription_id"),
        message=message_id,
    )


PERSON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "email": ("email", "email_address", "emailAddress"),
        "phone_number": ("phone", "phone_number", "phoneNumber"),
        "first_name": ("firstName", "first_name", "firstname"),
        "last_name": ("lastName", "last_name", "lastname"),
    }
)
"""Field of `user_data` → its names in traits, and among the properties of a call."""
_TRAITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"date_of_birth": ("birthday", "date_of_birth", "dateOfBirth"), "gender": ("gender",)}
)
_ADDRESS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "street": ("street",),
        "city": ("city",),
        "region": ("state", "region"),
        "postal_code": ("postalCode", "postal_code", "zip"),
        "country": ("country",),
    }
)
"""Fields that only traits have: a city among properties may be the shop's."""
SEGMENT_PERSON = frozenset(name for names in PERSON.values() for name in names)
"""Properties that are a person's, and are in `user_data` or nowhere."""


def person_of_segment(traits: Sequence[Mapping[str, Any]], properties: Mapping[str, Any]) -> dict[str, Any]:
    """`user_data`. `traits`: the best first; properties come after them."""
    places = (*traits, properties)
    made = {ours: _first_of(places, names) for ours, names in PERSON.items()}
    made |= {ours: _first_of(traits, names) for ours, names in _TRAITS.items()}
    if isinstance(birth := made["date_of_birth"], str) and birth[10:11] == "T":
        made["date_of_birth"] = birth[:10]  # JavaScript's dates have a time of the day
    if made["first_name"] is None and made["last_name"] is None:
        made |= _name(_first_of(traits, ("name",)))
    addresses = [group(one.get("address")) for one in traits]
    name = {field: made.pop(field) for field in ("first_name", "last_name")}
    made["address"] = filled(
        {**name, **{ours: _first_of((*addresses, *traits), names) for ours, names in _ADDRESS.items()}}
    )
    return filled(made)


def _first_of(places: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Any:
    return next((found for one in places if is_said(found := first_said(one, names))), None)


def _name(whole: Any) -> dict[str, Any]:
    """A name of two words is a first and a last name; of more words nobody knows where the one ends."""
    words = whole.split() if isinstance(whole, str) and len(whole) < 200 else []
    return dict(zip(("first_name", "last_name"), words, strict=True)) if len(words) == 2 else {}


def page_of_segment(page: Mapping[str, Any]) -> dict[str, Any]:
    """Address, referrer and title. A canonical address may have lost the query, in which clicks stand."""
    location, search = page.get("url"), page.get("search")
    if isinstance(location, str) and isinstance(search, str) and search[:1] == "?" and "?" not in location:
        start, mark, rest = location.partition("#")
        location = f"{start}{search}{mark}{rest}"
    return filled({"location": location, "referrer": page.get("referrer"), "title": page.get("title")})
