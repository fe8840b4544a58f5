"""When a tag fires: triggers and their conditions, with every operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.golden.generated.drawing import Draw, plain

_OPERANDS: Mapping[str, Sequence[Any]] = {
    "event": ("purchase", "refund", "käse", "page_view"),
    "page.path": ("/thanks", "/", "/cart", "/p/teapot.html"),
    "page.host": ("shop.example", "staging.shop.example", "www.shop.example"),
    "page.location": ("https://shop.example/thanks", "https://shop.example"),
    "page_referrer": ("https://news.example/", ""),
    "page.query.color": ("red", "rot&blau"),
    "page.query.utm_source": ("brief", "a b"),
    "page.hash": ("top", "/route"),
    "page.title": ("Danke!", "{{ event }}"),
    "ecommerce.value": (59.9, 18, plain("0"), "120.5", plain("1e2")),
    "value": (0, "59.90", plain("007")),
    "ecommerce.currency": ("EUR", "USD", "eur"),
    "ecommerce.transaction_id": ("O-1", plain("4711"), plain("012")),
    "ecommerce.items.0.item_id": ("T-0", "T-1"),
    "items.1.price": (9.5, "9"),
    "user_data.email": ("erika@example.com", "@example.com", " Erika@EXAMPLE.com"),
    "user_data.email_domain": ("example.com", "gmail.com"),
    "email": ("nora.keller@gmail.com",),
    "user_data.phone_number": ("+49 30 901820",),
    "user_data.address.country": ("DE", "de"),
    "user_data.gender": ("f",),
    "user_id": ("u-1", plain("4711"), "undefined"),
    "client_id": ("c-1",),
    "new_customer": (plain("true"), plain("false"), "true"),
    "form": ("quote", "callback"),
    "plan": ("pro", "null"),
    "kunde": ("neu", "alt", "a,b"),
    "kunde.stufe": ("gold",),
    "preis": ("89,90", 5),
    "liste": ("1,2,3", "a"),
    "tief.a.b.c.1.d": ("e",),
    "search_term": ("tee",),
    "score": (100, plain("1_000")),
    "cookie.colleague": (plain("1"), "ja"),
    "cookie._ga": ("GA1.1.5.6",),
    "header.accept-language": ("de-DE", "en"),
    "header.sec-ch-ua-mobile": ("?1",),
    "geo.country": ("DE", "US"),
    "geo.region": ("US-CA", "DE-BY"),
    "click.gclid": ("EAIaIQob-1_x",),
    "click.fbclid": ("IwZXgut-1",),
    "client": ("datalayer",),
    "source": ("browser", "crm"),
    "user_agent": ("Mozilla/5.0",),
    "ip": ("203.0.113.7", "8.8.8.8"),
    "timestamp": (1_790_000_000_000,),
    "action_source": ("website", "app"),
    "Größe": ("L",),
    "ecomerce.value": (5,),
    "user_data.emial": ("x",),
    "page.pathh": ("/",),
}
"""Paths in many spellings, each with what it may be compared with."""
_TEXT = ("equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with")
_NUMBER = ("greater_than", "greater_or_equal", "less_than", "less_or_equal")
_PATTERNS = (
    "^/(thanks|cart)",
    "(?i)EXAMPLE",
    "[0-9]{2,4}",
    "^$",
    "o.*e",
    r"\bshop\b",
    "^[A-Z]{3}$",
    "ü|ö",
    "{{ plan }}",
)
_NETWORKS: tuple[Any, ...] = ("203.0.113.0/24", ["10.0.0.0/8", "2001:db8::/32"], ["198.51.100.23", "::/0"], "0.0.0.0/0")
_EVENTS: tuple[Any, ...] = (
    *("purchase", "view_*", "*", "*_view", "add_to_*", "/^(purchase|refund)$/", "/(?i)lead/", "käse", "ka\u0308se"),
    *(
        ["purchase", "generate_lead"],
        ["page_view", "view_item", "add_to_cart"],
        ["sign_up", "/^sub/"],
        "custom event",
        "purchse",
        ["view_itme", "purchase"],
    ),
)


def conditions(draw: Draw, depth: int = 2) -> Any:
    """What stands under `when`: a map of conditions, or several."""
    if draw.chance(0.1):
        return [_group(draw, depth), _group(draw, depth)]
    return _group(draw, depth)


def _group(draw: Draw, depth: int) -> dict[str, Any]:
    made = {path: _condition(draw, path) for path in draw.some(list(_OPERANDS), 2, 1)}
    if depth and draw.chance(0.15):
        made["any"] = [_group(draw, 0), _group(draw, depth - 1)]
    if depth and draw.chance(0.12):
        made["not"] = conditions(draw, depth - 1)
    return made


def _condition(draw: Draw, path: str) -> Any:
    values = _OPERANDS[path]
    value = draw.one(values)
    how = draw.below(100)
    if how < 22:
        return value
    if how < 32:
        return [*values, draw.one(("anders", 5, "{{ event }}"))]
    if path == "ip" and how < 70:
        return {"in": draw.one(_NETWORKS)}
    if how < 55:
        return {draw.one(_TEXT): value, **({"ignore_case": draw.chance(0.8)} if draw.chance(0.3) else {})}
    if how < 68:
        return {draw.one(_NUMBER): draw.one((0, 18, plain("59.90"), "100", "{{ ecommerce.shipping }}"))}
    if how < 80:
        return {
            draw.one(("matches", "not_matches")): draw.one(_PATTERNS),
            **({"ignore_case": True} if how < 72 else {}),
        }
    if how < 86:
        return {"one_of": [*values, "{{ plan }}"], "ignore_case": draw.chance(0.5)}
    if how < 96:
        return {draw.one(("exists", "missing")): draw.chance(0.7)}
    return {"greater_than": 5, "less_than": 100, "not_equals": value}


def trigger(draw: Draw) -> dict[str, Any]:
    """One entry under `triggers`."""
    made: dict[str, Any] = {}
    if draw.chance(0.75):
        made["event"] = draw.one(_EVENTS)
    if not made or draw.chance(0.45):
        made["when"] = conditions(draw)
    if draw.chance(0.05):
        made["notes"] = "für den Sommer"
    return made
