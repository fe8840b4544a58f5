"""By which key each shape is known, and the one door to all of them.

An ordinary event has none of these keys, and one look tells that. A key alone decides nothing: the family's reader
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.inbound.shapes.adobe import CONTEXTS, read_client_layer, read_xdm
from tagserver.inbound.shapes.commands import read_arguments, read_call
from tagserver.inbound.shapes.google import read_params
from tagserver.inbound.shapes.segment import read_segment
from tagserver.inbound.shapes.shape import Shaped
from tagserver.inbound.shapes.shopify import read_shopify
from tagserver.inbound.shapes.tealium import read_tealium
from tagserver.inbound.shapes.universal import ACTIONS, read_enhanced, read_standard
from tagserver.inbound.shapes.walker import read_walker
from tagserver.inbound.shapes.wordpress import KEYS, read_customer

Reads = Callable[[Mapping[str, Any], list[Note]], Shaped | None]

BY_KEY: Mapping[str, Reads] = {
    "0": read_arguments,
    "params": read_params,
    "properties": read_segment,
    "traits": read_segment,
    "clientId": read_shopify,
    "customData": read_shopify,
    "entity": read_walker,
    "nested": read_walker,
    "eventInfo": read_client_layer,
    **dict.fromkeys(CONTEXTS, read_client_layer),
    "xdm": read_xdm,
    "eventType": read_xdm,
    "tealium_event": read_tealium,
    "transactionTotal": read_standard,
    "transactionProducts": read_standard,
}
"""Key at the top of an event → who reads its shape; the first that does has it."""
MARKS = frozenset({*BY_KEY, *KEYS})
SHOP_MARKS = frozenset(ACTIONS)
"""Keys of `ecommerce` that are UA's."""


def as_event(raw: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """An event that has one of these keys, in the fields of a data layer; as it stands where it is of no known shape.
    Raises NoEvent where it is of one that makes no event."""
    if not KEYS.isdisjoint(raw) and (customer := read_customer(raw, notes)) is not None:
        raw = customer.event(notes)
    if type(shop := raw.get("ecommerce")) is dict and not SHOP_MARKS.isdisjoint(shop):
        shaped = read_enhanced(raw, notes)
        if shaped is not None:
            return shaped.event(notes)
    for key, read in BY_KEY.items():
        if key in raw and (shaped := read(raw, notes)) is not None:
            return shaped.event(notes)
    return raw


def call_as_event(call: Any, notes: list[Note]) -> dict[str, Any] | None:
    """A call that came as a list, likewise; None where it is none that is known."""
    shaped = read_call(call, notes) if type(call) is list else None
    return None if shaped is None else shaped.event(notes)
