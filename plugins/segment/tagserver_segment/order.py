"""The order of a call and its products, in the fields of GA4's `ecommerce`.

Source: Segment's specification of e-commerce events, version 2. What has a wrong type stays as it is: the host leaves
it out of every event, and names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tagserver_segment.names import Rule
from tagserver_segment.values import filled, first_said, group, is_said

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


def order_of(properties: Mapping[str, Any], rule: Rule | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The order of a call, and its other properties under the names of GA4. `rule`: what is known of it by its name."""
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


def _value(rest: dict[str, Any], rule: Rule | None) -> Any:
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
    """A product as an item; fields of the shop's own stay."""
    made = filled({ours: first_said(product, names) for ours, names in ITEM.items()})
    rest = {name: value for name, value in product.items() if name not in _ITEM_NAMES and is_said(value)}
    return {**made, **rest}
