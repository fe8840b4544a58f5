"""Limited Data Use and `opt_out`: what Meta may do with an event. Source: Meta, data processing options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Kind, Mode, Omitted
from tagserver.plugin.values import Wish, is_missing, read_wish, whole_number, wish_kind

LDU_STATES = {
    "US-CA": 1000, "US-CO": 1001, "US-CT": 1002, "US-FL": 1003, "US-OR": 1004, "US-TX": 1005, "US-MT": 1006,
    "US-DE": 1007,
    "US-NE": 1008, "US-NH": 1009, "US-NJ": 1010, "US-MN": 1011, "US-MD": 1012, "US-RI": 1013,
}  # fmt: skip
"""Meta's codes for Limited Data Use, from its page on data processing options."""


OPTIONS, OPT_OUT = "data_processing_options", "opt_out"
_WORDS: Mapping[str, tuple[str, ...]] = {OPTIONS: ("LDU",), OPT_OUT: ()}
_WISHES = frozenset(_WORDS)
_FAULTS: Mapping[str, str] = {
    OPTIONS: 'is neither ["LDU"] nor an empty list, and is taken as ["LDU"]',
    OPT_OUT: "is neither true nor false, and is taken as true",
}
_PLACES = frozenset({(0, 0), (1, 0), *((1, state) for state in LDU_STATES.values())})
"""Country and state that go together."""
_CODES = frozenset(code for place in _PLACES for code in place)
_CODE = Kind(lambda value: True if whole_number(value) in _CODES else None, "is none of Meta's codes")
KINDS: dict[str, Kind] = {
    **{key: wish_kind(_FAULTS[key], _WORDS[key]) for key in _WORDS},
    **dict.fromkeys((f"{OPTIONS}_country", f"{OPTIONS}_state"), _CODE),
}
"""Of a tag's parameters, for constants in the configuration."""


def limit_processing(
    body: dict[str, Any], event: Event, fields: Mapping[str, Any], mode: Mode, omitted: list[Omitted]
) -> None:
    """Limited Data Use, and `opt_out`: the only lever that also holds outside the US states Meta lists.

    Who wants a limit has it: consent (`restrict`), the event or the tag; none loosens what another wants. What cannot
    be read is taken as the wish. Source: Meta, data processing options.
    """
    data = event.data
    if mode == "send" and _WISHES.isdisjoint(data) and _WISHES.isdisjoint(fields):
        body[OPTIONS] = []
        return
    limited = _wish(OPTIONS, data, fields, mode, omitted)
    opt_out = _wish(OPT_OUT, data, fields, mode, omitted)
    body[OPTIONS] = ["LDU"] if limited else []
    if limited:
        # With 0 and 0 Meta locates the visitor by the IP address.
        state = LDU_STATES.get(event.facts.region or "", 0)
        where = (1 if state else 0, state)
        if mode == "send":
            where = _place(fields, data, where, omitted)
        body[f"{OPTIONS}_country"], body[f"{OPTIONS}_state"] = where
    if opt_out is not None:
        body[OPT_OUT] = opt_out


def _wish(
    key: str, data: Mapping[str, Any], fields: Mapping[str, Any], mode: Mode, omitted: list[Omitted]
) -> bool | None:
    """Whether a limit is wanted; None when nobody speaks of it."""
    tag, event = (read_wish(said.get(key), _WORDS[key]) for said in (fields, data))
    if not (tag.clear and event.clear):
        omitted.append(Omitted(key, _FAULTS[key]))
    if tag.limits is False and (mode == "restrict" or event.limits):
        by = "consent restricts this event" if mode == "restrict" else "the event asks for a limit"
        omitted.append(Omitted(key, f"{by}; a tag cannot loosen it"))
    return tag.or_else(event).or_else(Wish(True if mode == "restrict" else None)).limits


def _place(
    fields: Mapping[str, Any], data: Mapping[str, Any], known: tuple[int, int], omitted: list[Omitted]
) -> tuple[int, int]:
    """Country and state that a tag or an event says; Meta knows 1 with its states, and 0 with 0."""
    names = (f"{OPTIONS}_country", f"{OPTIONS}_state")
    country, state = (fields.get(name, data.get(name)) for name in names)
    if is_missing(country) and is_missing(state):
        return known
    where, part = whole_number(country), 0 if is_missing(state) else whole_number(state)
    if where is not None and part is not None and (where, part) in _PLACES:
        return where, part
    omitted.append(Omitted(names[0], "is no country and state that Meta has codes for"))
    return known
