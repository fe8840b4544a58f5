"""`params` of one event. Source: Measurement Protocol, events and limitations: texts, numbers, true and false;
`items` is the only list; 25 parameters at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind, Omitted
from tagserver.plugin.table import Code, Field, From, Part
from tagserver.plugin.values import CURRENCY, ID, NUMBER, identifier, is_missing, is_text, number, page_address
from tagserver_ga4.items import build_items
from tagserver_ga4.names import name_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.values import SCALAR, cut, short
from tagserver_ga4.visit import cookie_session, is_session

MOST_PARAMS = 25
FROM_EVENT = (
    *("search_term", "method", "content_type", "content_id", "group_id", "level", "level_name", "character", "score"),
    *("achievement_id", "virtual_currency_name", "lead_source", "lead_status", "customer_type"),
    *("disqualified_lead_reason", "unconvert_lead_reason", "engagement_time_msec"),
)
"""Parameters of Google's recommended events, taken from fields of the event that have their names."""
FROM_EVENT_OF: Mapping[str, tuple[str, ...]] = {
    "share": ("item_id",),
    "spend_virtual_currency": ("item_name",),
    "level_end": ("success",),
    "exception": ("description", "fatal"),
}
"""The same for parameters whose names may mean anything elsewhere: of the events alone that Google has them for."""
_NAMED = frozenset(FROM_EVENT)
VIRTUAL = frozenset({"earn_virtual_currency", "spend_virtual_currency"})
"""Events whose value is no money, so that it needs no currency."""
FROM_SHOP = (
    *("currency", "value", "transaction_id", "tax", "shipping", "coupon", "affiliation", "payment_type"),
    *("shipping_tier", "customer_type", "item_list_id", "item_list_name", "promotion_id", "promotion_name"),
    *("creative_name", "creative_slot", "location_id"),
)
"""The same from the event's ecommerce; of Google's shop events also from the top level, where gtag() has them."""
SHOP_EVENTS = frozenset(
    [
        *("add_payment_info", "add_shipping_info", "add_to_cart", "add_to_wishlist", "begin_checkout", "purchase"),
        *("refund", "remove_from_cart", "select_item", "select_promotion", "view_cart", "view_item"),
        *("view_item_list", "view_promotion"),
    ]
)
_IDS = frozenset(
    [
        *("transaction_id", "item_list_id", "promotion_id", "location_id", "content_id", "group_id", "item_id"),
        "achievement_id",
    ]
)
_ADDRESSES = frozenset({"page_location", "page_referrer"})


def _milliseconds(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


_KINDS = {
    **dict.fromkeys(("value", "tax", "shipping", "score", "level"), NUMBER),
    "currency": CURRENCY,
    "engagement_time_msec": Kind(_milliseconds, "is not a number of milliseconds"),
}


def _session(value: Any) -> str | None:
    text = identifier(value)
    return text if text is not None and is_session(text) else None


_SESSION = Kind(_session, "is no session id of Google's, which are digits")
_LONGEST = {"page_location": 1000, "page_referrer": 420, "page_title": 300}
"""Google gives the fields of a page more room than other parameters."""


def _kind(key: str, settings: Ga4Settings) -> Kind:
    """How a parameter is read: Google's limit of characters is a setting."""
    longest = _LONGEST.get(key, settings.max_value_length)
    if key in _IDS:
        return short(ID, longest)
    if key in _ADDRESSES:
        return cut(page_address(settings), longest)
    kind = _KINDS.get(key, SCALAR)
    return cut(kind, longest) if kind is SCALAR else kind


def _field(key: str, source: From | str | tuple[str, ...]) -> Field:
    return Field(key, source, lambda settings: _kind(key, settings))


def _of_shop(key: str) -> From:
    def read(event: Event) -> Any:
        shop = event.ecommerce
        return shop[key] if key in shop else event.data.get(key)

    return From(read, (f"ecommerce.{key}", key))


def _put_session(made: Group, event: Event, given: Mapping[str, Any], settings: Ga4Settings) -> None:
    cookie = cookie_session(event.cookies, settings.measurement_id)
    made.put_first("session_id", (given.get("session_id"), cookie, event.data.get("session_id")), _SESSION)


SHOP = Part("events.params", *(_field(key, _of_shop(key)) for key in FROM_SHOP), label="params")
"""Of Google's shop events, which have these at the top level, too."""
OTHER = Part("events.params", *(_field(key, f"ecommerce.{key}") for key in FROM_SHOP), label="params")
VISIT = Part(
    "events.params",
    Code(("session_id",), _put_session, reads=("session_id",), clear=("session_id",), free=False),
    *(_field(f"page_{key}", f"page.{key}") for key in ("location", "referrer", "title")),
    label="params",
)
"""The visit and the page."""


def build_params(
    event: Event, name: str, given: Mapping[Any, Any], settings: Ga4Settings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The parameters of an event. `given`: what the tag sets; it wins, and goes by the same rules."""
    part = SHOP if name in SHOP_EVENTS else OTHER
    made = part.fill(event, _among(given, part), settings, omitted)
    if "value" in made and "currency" not in made and name not in VIRTUAL:
        del made["value"]
        made.omit("value", "needs a currency beside it")
    made |= VISIT.fill(event, _among(given, VISIT), settings, omitted)
    for key, value in given.items():
        if key not in made and key not in part.names and key not in VISIT.names and key != "items":
            _set(made, key, value, settings)
    _put_of_event(made, event, (*FROM_EVENT_OF.get(name, ()), *settings.params), given, settings)
    if settings.debug_view:
        made["debug_mode"] = True
    if "engagement_time_msec" not in made and settings.engagement_time_msec is not None:
        made["engagement_time_msec"] = settings.engagement_time_msec
    key = settings.event_id_param
    if key:
        if key in given:
            made.omit(key, "a tag cannot change it: every destination and the page have the same")
            made.pop(key, None)
        # An id that is cut is another id.
        if len(event.event_id) > settings.max_value_length or not is_text(event.event_id):
            made.omit(key, f"is longer than {settings.max_value_length} characters")
        else:
            made[key] = event.event_id
    said = event.ecommerce.get("items")
    if "items" not in event.ecommerce and name in SHOP_EVENTS:
        said = event.data.get("items")
    items = build_items(given.get("items", said), settings, omitted)
    return _most(made, items, omitted)


def _among(given: Mapping[Any, Any], part: Part) -> Mapping[Any, Any]:
    return {key: given[key] for key in given if key in part.names} if given else given


def _put_of_event(
    made: Group, event: Event, more: tuple[str, ...], given: Mapping[Any, Any], settings: Ga4Settings
) -> None:
    """Fields of the event that have a parameter's name."""
    data = event.data
    if more or not _NAMED.isdisjoint(data):
        for key in (*FROM_EVENT, *more):
            if key in data and key not in made and key not in given:
                _set(made, key, data[key], settings)


def _most(made: dict[str, Any], items: list[dict[str, Any]], omitted: list[Omitted]) -> dict[str, Any]:
    room = MOST_PARAMS - bool(items)
    if len(made) > room:
        # What Google reports by comes first, what was added last goes first.
        kept = sorted(made, key=lambda key: key not in _FIRST)[:room]
        omitted.extend(Omitted(f"params.{key}", f"Google takes {MOST_PARAMS}") for key in made if key not in kept)
        made = {key: value for key, value in made.items() if key in kept}
    if items:
        made["items"] = items
    return made


_VISIT = ("session_id", "page_location", "page_referrer", "page_title")
_FIRST = frozenset({"currency", "value", "transaction_id", *_VISIT, "engagement_time_msec", "debug_mode"})


def _set(made: Group, key: Any, value: Any, settings: Ga4Settings) -> None:
    if is_missing(value):
        return
    fault = name_fault(key) if isinstance(key, str) and is_text(key) else "is no text"
    if fault is not None:
        made.omit(key, f"its name {fault}")
    else:
        made.put(key, value, _kind(key, settings))
