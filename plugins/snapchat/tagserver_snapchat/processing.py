"""Snap's limited use of an event. Source: Snap, Parameters (`data_processing_options`), shaped as at Meta."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import Event, Given, Kind, Mode, Omitted
from tagserver.plugin.values import is_missing, read_wish, whole_number, wish_kind
from tagserver_snapchat.settings import SnapchatSettings

STATES = {"US-CA": 1000}
"""Codes known for sure; with 0 and 0 Snap locates the visitor by the IP address."""
OPTIONS = "data_processing_options"
WORDS = ("LDU", "LMU")
"""Snap's words for limited use; the setting says which is sent."""
_FAULT = "is neither LDU, LMU nor an empty list, and is taken as the wish to limit"
STATE_CODES = range(1000, 1100)
"""Meta's codes of states, which Snap has taken over; not all of them are known to be in use there."""
_CODE = Kind(lambda value: True if whole_number(value) in (0, 1, *STATE_CODES) else None, "is none of Snap's codes")
KINDS: dict[str, Kind] = {
    OPTIONS: wish_kind(_FAULT, WORDS),
    **dict.fromkeys((f"{OPTIONS}_country", f"{OPTIONS}_state"), _CODE),
}
"""Of a tag's parameters, for constants in the configuration."""


def limit_processing(
    body: dict[str, Any], event: Event, given: Given, settings: SnapchatSettings, mode: Mode, omitted: list[Omitted]
) -> None:
    """Sets the options where consent or the tag restricts the event. Nothing loosens what consent restricts, and what a
    tag says that cannot be read is taken as the wish."""
    wish = read_wish(given.fields.get(OPTIONS), WORDS)
    if not wish.clear:
        omitted.append(Omitted(OPTIONS, _FAULT))
    if mode == "restrict" and wish.limits is False:
        omitted.append(Omitted(OPTIONS, "consent restricts this event; a tag cannot loosen it"))
    if mode != "restrict" and not wish.limits:
        return
    state = STATES.get(event.facts.region or "", 0)
    place = (1 if state else 0, state)
    if mode == "send":
        place = _place(given, place, omitted)
    body[OPTIONS] = [settings.limited_use]
    body[f"{OPTIONS}_country"], body[f"{OPTIONS}_state"] = place


def _place(given: Given, known: tuple[int, int], omitted: list[Omitted]) -> tuple[int, int]:
    """Country and state that a tag says, both as Meta's codes."""
    country, state = (given.fields.get(f"{OPTIONS}_{name}") for name in ("country", "state"))
    if is_missing(country) and is_missing(state):
        return known
    where, part = whole_number(country), 0 if is_missing(state) else whole_number(state)
    if (where, part) in ((0, 0), (1, 0)) or (where == 1 and part in STATE_CODES):
        return where or 0, part or 0
    omitted.append(Omitted(f"{OPTIONS}_country", "is no country and state that Snap has codes for"))
    return known
