"""A file with an event on each line, as JSON: as a page would push it, in any spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.event.order_ids import event_id_for
from tagserver.inbound.fields import fields_of
from tagserver.inbound.files.faults import RefusedRow
from tagserver.inbound.files.rows import FileEvent, row_id

_decoder = msgspec.json.Decoder()


def events_of_lines(
    lines: Iterable[str], always: Mapping[str, str], *, start: int = 0
) -> Iterator[FileEvent | RefusedRow]:
    """The events from number `start` on; blank lines are none. `always`: fields of each that has none of its own."""
    number = -1
    for line, text in enumerate(lines, 1):
        bare = text.strip("\ufeff \t\r\n")
        if not bare:
            continue
        number += 1
        if number < start:
            continue
        try:
            raw: Any = read_json(bare.encode(), _decoder)
        except UNREADABLE:
            yield RefusedRow(number, line, "", "is no JSON", ((bare,),))
            continue
        if type(raw) is not dict:
            yield RefusedRow(number, line, "", "is no JSON object", ((bare,),))
            continue
        yield FileEvent(number, line, ((bare,),), _with_id(_completed(raw, always)))


def _completed(raw: dict[str, Any], always: Mapping[str, str]) -> dict[str, Any]:
    known = fields_of(raw, [])
    for path, text in always.items():
        *above, last = path.split(".")
        group: Any = known
        for key in above:
            group = group.get(key) if type(group) is dict else None
        if type(group) is dict and last in group:
            continue
        group = raw
        for key in above:
            if type(group.setdefault(key, {})) is not dict:
                break
            group = group[key]
        else:
            group[last] = text
    return raw


def _with_id(raw: dict[str, Any]) -> dict[str, Any]:
    """One without an id gets that of its order, else of all that its line says."""
    if raw.get("event_id"):
        return raw
    known = fields_of(raw, [])
    shop, name = known.get("ecommerce"), known.get("event")
    order = shop.get("transaction_id") if type(shop) is dict else None
    if type(name) is str and (made := event_id_for(name, order, refund=raw.get("refund_id"), message=row_id(raw))):
        raw["event_id"] = made
    return raw
