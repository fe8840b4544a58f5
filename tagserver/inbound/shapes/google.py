"""GA4's event objects, `{name, params}`, as the Measurement Protocol and Firebase write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.inbound.shapes.shape import Shaped, over, text, without

_MICROS = (10**15, 10**16)


def read_params(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """`{name, params}` without a name of our own. Its parameters are the event's fields."""
    name, params = text(raw.get("name")), raw.get("params")
    if name is None or type(params) is not dict or "event" in raw or "event_name" in raw:
        return None
    given: dict[str, Any] = {**params}
    given.pop("event", None)
    given.pop("event_name", None)
    micros = raw.get("timestamp_micros")
    if type(micros) is str and micros.isascii() and len(micros) == len(str(_MICROS[0])) and micros.isdigit():
        micros = int(micros)
    if type(micros) is int and _MICROS[0] <= micros < _MICROS[1]:
        given.setdefault("timestamp", micros // 1000)
    rest = over(given, without(raw, "name", "params", "timestamp_micros"))
    return Shaped("GA4's event object (name, params)", "params", name, {}, rest)
