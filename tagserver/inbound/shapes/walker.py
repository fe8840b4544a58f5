"""walkerOS events: `{event: "order complete", data, nested, user, …}`, in newer versions with `name`.

What happened is told by an entity and an action; the words of walkerOS' own examples have GA4's names, a site's own
words stay. `data`, `globals`, `context` and `custom` stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.event.order_ids import event_id_for, plain_id
from tagserver.event.spelling import Path
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.items import PRODUCT, item_of
from tagserver.inbound.shapes.shape import Shaped, part, person_of, picked, rows, text, without

NAMES: Mapping[str, str] = {
    "page view": "page_view",
    "product view": "view_item",
    "product detail": "view_item",
    "product add": "add_to_cart",
    "product remove": "remove_from_cart",
    "cart view": "view_cart",
    "order complete": "purchase",
}
_ORDER: Mapping[str, str] = {
    "id": "transaction_id",
    "total": "value",
    "value": "value",
    "currency": "currency",
    "taxes": "tax",
    "tax": "tax",
    "shipping": "shipping",
    "coupon": "coupon",
}
_USER: Mapping[str, Path] = {
    "email": ("email",),
    "phone": ("phone_number",),
    "city": ("address", "city"),
    "region": ("address", "region"),
    "zip": ("address", "postal_code"),
    "country": ("address", "country"),
}
_TAKEN = ("name", "user", "id", "source", "version")


def read_walker(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """One event. It is known by its name of two words, which `entity` and `action` repeat, or by entities in
    `nested`."""
    said = text(raw.get("event")) or text(raw.get("name"))
    words = said.split(" ") if said is not None and len(said) < 200 else []
    if said is None or len(words) != 2 or not all(words) or type(raw.get("data", {})) is not dict:
        return None
    nested = rows(raw.get("nested"))
    entities = [one for one in nested if _entity(one) is not None and type(one.get("data", {})) is dict]
    repeated = [raw.get("entity"), raw.get("action")] == words
    if not repeated and not (entities and len(entities) == len(nested)):
        return None
    data, name = part(raw, "data"), NAMES.get(said)
    shop = _shop(words[0], data, entities)
    user, source = part(raw, "user"), part(raw, "source")
    given: dict[str, Any] = {
        "event": said,
        "event_id": event_id_for(name or said, shop.get("transaction_id"), message=raw.get("id")),
        "ecommerce": shop if name is not None and name != "page_view" else None,
        "user_data": person_of(user, _USER),
        "user_id": plain_id(user.get("id")),
        "client_id": plain_id(user.get("device")),
        "session_id": plain_id(user.get("session")),
        "page": _page(words[0], data, source),
    }
    rest = without(raw, *_TAKEN)
    if name is not None and "nested" in rest:
        rest["nested"] = [one for one in nested if _entity(one) != "product"]
        if not rest["nested"]:
            del rest["nested"]
    label = f"walkerOS' event ({said})" if name is not None else "walkerOS' event"
    return Shaped(label, "entity" if repeated else "nested", name, given, rest)


def _entity(one: Mapping[str, Any]) -> str | None:
    return text(one.get("entity")) or text(one.get("type"))


def _shop(entity: str, data: Mapping[str, Any], entities: list[dict[str, Any]]) -> dict[str, Any]:
    """Of a product the one item; of an order and a cart what they tell, and the products within."""
    if entity == "product":
        return {"items": [item_of(data, PRODUCT)], "currency": text(data.get("currency"))}
    products = [part(one, "data") for one in entities if _entity(one) == "product"]
    return {**picked(data, _ORDER), "items": [item_of(one, PRODUCT) for one in products if one]}


def _page(entity: str, data: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Where it happened: the address stands in `source`, in older versions as its id."""
    address = text(source.get("url")) or text(source.get("id"))
    before = text(source.get("referrer")) or text(source.get("previous_id"))
    page = picked(data, {"title": "title", "referrer": "referrer"}) if entity == "page" else {}
    if address is not None and address.startswith(("https://", "http://")):
        page["location"] = address
    if is_said(before):
        page.setdefault("referrer", before)
    return page
