"""Universal Analytics: enhanced e-commerce (`ecommerce.purchase`, …) and the older e-commerce (`transactionId`, …).

The shape decides what happened; the name that is pushed beside it may be any. A group of the same name that does not
hold what UA holds there is a site's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tagserver.event.event import Note
from tagserver.event.known_names import RECOMMENDED_EVENTS
from tagserver.event.order_ids import order_id
from tagserver.inbound.shapes.items import PRODUCT, item_of, items_of
from tagserver.inbound.shapes.shape import Shaped, part, picked, rows, without
from tagserver.plugin.inbound_universal import UNIVERSAL_ACTIONS

_LABEL = "Universal Analytics enhanced e-commerce"


class _Action(NamedTuple):
    """`name`: GA4's. `products`: the key of what it is about, empty where it is a list itself."""

    name: str
    products: str


_INNER: Mapping[str, str] = {"promoClick": "promotions", "impressions": "", "promoView": "promotions"}
ACTIONS: Mapping[str, _Action] = {
    key: _Action(name, _INNER.get(key, "products")) for key, name in UNIVERSAL_ACTIONS.items()
}
LATER_STEP = "checkout_progress"
"""Google's own name of a checkout's second and later steps."""

_ACTION_FIELDS: Mapping[str, str] = {
    "revenue": "value",
    "list": "item_list_name",
    "step": "checkout_step",
    "option": "checkout_option",
}
_PROMOTION: Mapping[str, str] = {
    "id": "promotion_id",
    "name": "promotion_name",
    "creative": "creative_name",
    "position": "creative_slot",
}
_OF_ORDER = ("purchase", "refund")
_BY_ACTION_FIELD: Mapping[str, tuple[str, ...]] = {
    "purchase": ("id", "revenue"),
    "refund": ("id",),
    "checkout": ("step", "option"),
    "checkout_option": ("step", "option"),
}
"""What an actionField alone has to hold for it to be this action, where no products stand beside it."""


def read_enhanced(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """Enhanced e-commerce. None where `ecommerce` holds GA4's shape, or nothing of UA's."""
    shop: dict[str, Any] = raw["ecommerce"]
    if shop.get("items") is not None:
        return None
    found = [key for key in ACTIONS if key in shop and _is_action(key, shop[key])]
    if not found:
        return None
    key = found[0]
    for left in found[1:]:
        why = f"stands beside ecommerce.{key}, which is the event; it is left as it was sent"
        notes.append(Note(f"ecommerce.{left}", "left", f"ecommerce.{left} {why}"))
    said = part(shop, key, "actionField")
    given: dict[str, Any] = _fields(key, said)
    if (currency := shop.get("currencyCode")) is not None:
        given["currency"] = currency
    given["items"] = _items(key, shop[key], notes)
    if key == "impressions":
        lists = {repr(one.get("item_list_name")) for one in given["items"]}
        if len(lists) == 1:
            given["item_list_name"] = given["items"][0].get("item_list_name")
    rest = {**raw, "ecommerce": without(shop, key, "currencyCode")}
    return Shaped(f"{_LABEL} (ecommerce.{key})", f"ecommerce.{key}", _name(key, said), {"ecommerce": given}, rest)


def _is_action(key: str, value: Any) -> bool:
    """Whether a group holds what UA holds there: products, or of an order and a checkout what an actionField tells."""
    inner = ACTIONS[key].products
    if not inner:
        return any(_is_product(one) for one in rows(value))
    if any(_is_product(one) for one in rows(part(value).get(inner))):
        return True
    said = part(value, "actionField")
    return any(name in said for name in _BY_ACTION_FIELD.get(key, ()))


def _is_product(one: Mapping[str, Any]) -> bool:
    return "id" in one or "name" in one


def _name(key: str, said: Mapping[str, Any]) -> str:
    """A checkout begins with its first step, or where no step is told."""
    if key == "checkout" and said.get("step") not in (None, "", 1, "1"):
        return LATER_STEP
    return ACTIONS[key].name


def _fields(key: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What an actionField tells, the known fields under GA4's names, the others as they stand."""
    made = picked(said, _ACTION_FIELDS)
    for name, value in said.items():
        if name == "id" and key in _OF_ORDER:
            made["transaction_id"] = value
        elif name not in _ACTION_FIELDS:
            made.setdefault(name, value)
    return made


def _items(key: str, value: Any, notes: list[Note]) -> list[dict[str, Any]]:
    inner = ACTIONS[key].products
    if inner == "promotions":
        return [item_of(one, _PROMOTION) for one in rows(value[inner])]
    products = value if not inner else value.get(inner)
    return items_of(products, notes, f"ecommerce.{key}" + (f".{inner}" if inner else ""), levels=True)


_TRANSACTION: Mapping[str, str] = {
    "transactionId": "transaction_id",
    "transactionTotal": "value",
    "transactionCurrency": "currency",
    "currencyCode": "currency",
    "transactionTax": "tax",
    "transactionShipping": "shipping",
    "transactionAffiliation": "affiliation",
    "transactionPromoCode": "coupon",
    "transactionCouponCode": "coupon",
}
_OLDER_PRODUCT: Mapping[str, str] = {"sku": "item_id", **PRODUCT}
"""There a product is known by its sku."""
_ANY_NAME = RECOMMENDED_EVENTS - {"purchase", "page_view"}


def read_standard(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """UA's older e-commerce, as shops' modules still push it: an order with its total or its products, at the top."""
    total, products = raw.get("transactionTotal"), raw.get("transactionProducts")
    if order_id(raw.get("transactionId")) is None or (total is None and not rows(products)):
        return None
    shop = part(raw, "ecommerce")
    if raw.get("event") in _NAMED or shop.get("items") is not None or shop.get("transaction_id") is not None:
        return None
    given = picked(raw, _TRANSACTION)
    given["items"] = items_of(products, notes, "transactionProducts", _OLDER_PRODUCT, levels=True)
    label = "Universal Analytics e-commerce (transactionId)"
    return Shaped(label, "transactionId", "purchase", {"ecommerce": given}, without(raw, *_TAKEN))


_NAMED = (*_ANY_NAME,)
"""A tuple: of a name that is no text it says no, where a set would raise."""
_TAKEN = (*(key for key in _TRANSACTION if key != "currencyCode"), "transactionProducts")
