"""Universal Analytics' enhanced e-commerce in a data layer that the tag sends along, as Stape's client reads it, too.

The tag has said what happened, and the data layer may still hold what earlier pushes have left in it: so the group that
fits the event's name is read, and the others stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tagserver.plugin.inbound import UNIVERSAL_ACTIONS, UNIVERSAL_ORDER, UNIVERSAL_PRODUCT, Note

ACTIONS: Mapping[str, str] = MappingProxyType(
    {UNIVERSAL_ACTIONS[key]: key for key in ("purchase", "refund", "checkout", "add", "remove", "detail", "click")}
)
"""Name of an event → the group that tells of it."""
ORDER_TOO = ("tax", "shipping", "coupon", "affiliation")


def read_enhanced(event: dict[str, Any], notes: list[Note]) -> None:
    """Fill `ecommerce` from the group of this event; nothing where GA4's items, or an order of its own, stand there."""
    shop = event.get("ecommerce")
    action = ACTIONS.get(event["event"]) if isinstance(event["event"], str) else None
    group = shop.get(action) if isinstance(shop, dict) and action else None
    if not isinstance(shop, dict) or not isinstance(group, dict) or shop.get("items") is not None:
        return
    told = group.get("actionField")
    told = told if isinstance(told, dict) and action in ("purchase", "refund") else {}
    products = group.get("products")
    items = [_item(one) for one in products if isinstance(one, dict)] if isinstance(products, list) else []
    made = {ours: told[name] for name, ours in UNIVERSAL_ORDER.items() if name in told}
    made |= {name: told[name] for name in ORDER_TOO if name in told}
    made |= {"currency": shop["currencyCode"]} if "currencyCode" in shop else {}
    if items:
        made["items"] = items
    rest = {name: value for name, value in shop.items() if name not in (action, "currencyCode")}
    event["ecommerce"] = {**made, **rest}
    said = f"read as Universal Analytics' enhanced e-commerce (ecommerce.{action})"
    notes.append(Note(f"ecommerce.{action}", "shape", said))


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    return {UNIVERSAL_PRODUCT.get(name, name): value for name, value in product.items()}
