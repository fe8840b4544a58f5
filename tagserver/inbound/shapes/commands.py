"""Calls as lists: gtag's commands, as a list or as the object that JSON makes of `arguments`, and the pushes of Matomo
and Piwik PRO.

What happened becomes an event; what a visitor has chosen becomes a `consent` event; what only sets up a script makes
none, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tagserver.event.consent_fields import ILLEGIBLE
from tagserver.event.event import Note
from tagserver.event.known_names import CONSENT_EVENT
from tagserver.inbound.notes import wrong
from tagserver.inbound.shapes.items import items_of
from tagserver.inbound.shapes.shape import NoEvent, Shaped, over, picked, without

MOST = 10
"""Arguments of a call that are looked at."""
LONGEST_VERB = 64
"""Bytes of the word that a call begins with."""
_PLACES = tuple(str(number) for number in range(MOST))
_SILENT: Mapping[str, str] = {
    "set": "its fields belong into the event, or into ctx, which stands beneath each event of a request",
    "config": "it sets up a tag of Google's",
    "js": "it tells when the page was loaded",
    "get": "it asks a tag of Google's for a value",
}
_SILENT_MATOMO: Mapping[str, str] = {
    "addEcommerceItem": "its product is not part of the order's own push",
    "removeEcommerceItem": "it changes what the next push is about",
    "clearEcommerceCart": "it changes what the next push is about",
    "trackEcommerceCartUpdate": "GA4 has no event for a cart's new sum",
    "ecommerceCartUpdate": "GA4 has no event for a cart's new sum",
    "setUserId": "write user_id into the event",
    "enableLinkTracking": "it sets up a script",
    "setTrackerUrl": "it sets up a script",
    "setSiteId": "it sets up a script",
}
PIWIK_PRO: Mapping[str, str] = {
    "ecommerceAddToCart": "add_to_cart",
    "ecommerceRemoveFromCart": "remove_from_cart",
    "ecommerceProductDetailView": "view_item",
    "ecommerceOrder": "purchase",
}
MATOMO = ("trackPageView", "trackSiteSearch", "setEcommerceView", "trackEcommerceOrder")
VERBS = frozenset({"event", "consent", *_SILENT, *_SILENT_MATOMO, *PIWIK_PRO, *MATOMO})
_ORDER: Mapping[str, str] = {
    "orderId": "transaction_id",
    "grandTotal": "value",
    "tax": "tax",
    "shipping": "shipping",
    "discount": "discount",
    "currencyCode": "currency",
}


def is_call(value: Any) -> bool:
    """Whether a list is one call, and not several events. What stands behind `event` is a name there."""
    if type(value) is not list or not value or type(value[0]) is not str or value[0] not in VERBS:
        return False
    return len(value) == 1 or value[0] != "event" or type(value[1]) is str


def is_one_call(events: list[Any]) -> bool:
    """Whether a list is one of gtag's or Matomo's calls, which are lists, and no list of events: decoded, or each
    as it was sent."""
    if not events or type(events[0]) is dict:
        return False
    if type(events[0]) is msgspec.Raw:
        starts = [bytes(one) for one in events[:2]]
        if starts[0][:1] != b'"' or len(starts[0]) > LONGEST_VERB:
            return False
        events = [msgspec.json.decode(starts[0]), *("" if one[:1] == b'"' else None for one in starts[1:])]
    return is_call(events)


def read_call(call: list[Any], notes: list[Note]) -> Shaped | None:
    """One call. None where it is none that is known; raises NoEvent where it makes no event."""
    if not is_call(call):
        return None
    verb, *said = call[:MOST]
    if verb == "event":
        return _event(said, notes)
    if verb == "consent":
        return _consent(said)
    if verb in _SILENT:
        raise NoEvent(f"gtag's command {verb} makes no event: {_SILENT[verb]}")
    if verb in _SILENT_MATOMO:
        raise NoEvent(f"Matomo's {verb} makes no event: {_SILENT_MATOMO[verb]}")
    return _piwik_pro(verb, said, notes) if verb in PIWIK_PRO else _matomo(verb, said)


def read_arguments(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """The object that JSON makes of `arguments`: its keys are the places. What stands under others is its sender's
    own, and lies over the call's parameters, but never over a choice; with a name it is an event of its own."""
    places = [place for place in _PLACES if place in raw]
    call = [raw[place] for place in places]
    own = without(raw, *places, "length")
    if "event" in own or "event_name" in own or (shaped := read_call(call, notes)) is None:
        return None
    rest = {**own, **shaped.rest} if shaped.name == CONSENT_EVENT else over(shaped.rest, own)
    return shaped._replace(rest=rest)


def _event(said: list[Any], notes: list[Note]) -> Shaped | None:
    if not said or type(said[0]) is not str or not said[0]:
        return None
    params = said[1] if len(said) > 1 else None
    if params is not None and type(params) is not dict:
        wrong(notes, "2", "an object")
        params = None
    return Shaped("gtag's command (event)", "0", said[0], {}, without(params or {}, "event", "event_name"))


def _consent(said: list[Any]) -> Shaped:
    """A choice. What cannot be read may have been a refusal, and counts as one at the gate."""
    verb = said[0] if said else None
    words = ILLEGIBLE if len(said) < 2 else said[1] if len(said) == 2 else said[1:]  # the gate reads each
    legible = verb in ("default", "update") if type(verb) is str else False
    consent = {verb: words} if legible else ILLEGIBLE
    return Shaped("gtag's command (consent)", "0", CONSENT_EVENT, {}, {"consent": consent})


def _piwik_pro(verb: str, said: list[Any], notes: list[Note]) -> Shaped:
    shop: dict[str, Any] = {"items": items_of(said[0] if said else None, notes, "1", levels=False)}
    for one in said[1:]:
        if type(one) is dict:
            shop |= picked(one, _ORDER)
    return Shaped(f"Piwik PRO's call ({verb})", "0", PIWIK_PRO[verb], {"ecommerce": shop}, {})


def _matomo(verb: str, said: list[Any]) -> Shaped | None:
    """The calls of `_paq` that say what happened. A product's view without a product is that of a category."""
    told = dict(enumerate(said))
    given: dict[str, Any]
    if verb == "trackPageView":
        name, given = "page_view", {"page": {"title": told.get(0)}}
    elif verb == "trackSiteSearch":
        name, given = "search", {"search_term": told.get(0)}
    elif verb == "setEcommerceView":
        product = {"id": told.get(0), "name": told.get(1), "category": told.get(2), "price": told.get(3)}
        fields = {key: value for key, value in product.items() if value is not False and value is not None}
        name, given = "view_item", {"ecommerce": {"items": items_of([fields], [], "1")}}
        if "id" not in fields and "name" not in fields:
            name, given = "view_item_list", {"ecommerce": {"item_list_name": fields.get("category")}}
    else:
        places = ("transaction_id", "value", None, "tax", "shipping", "discount")
        shop = {name: told.get(place) for place, name in enumerate(places) if name and told.get(place) is not False}
        name, given = "purchase", {"ecommerce": shop}
    return Shaped(f"Matomo's call ({verb})", "0", name, given, {})
