"""Limited Data Use and `opt_out`: what Meta may do with an event. Source: Meta, data processing options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Mode, Omitted

LDU_STATES = {
    "US-CA": 1000, "US-CO": 1001, "US-CT": 1002, "US-FL": 1003, "US-OR": 1004, "US-TX": 1005, "US-MT": 1006,
    "US-DE": 1007,
    "US-NE": 1008, "US-NH": 1009, "US-NJ": 1010, "US-MN": 1011, "US-MD": 1012, "US-RI": 1013,
}  # fmt: skip
"""Meta's codes for Limited Data Use, from its page on data processing options."""


def limit_processing(
    body: dict[str, Any], event: Event, fields: Mapping[str, Any], mode: Mode, omitted: list[Omitted]
) -> None:
    """Limited Data Use, and `opt_out`: the only lever that also holds outside the US states Meta lists.

    Restricted mode is set by consent: no parameter loosens it. Source: Meta, data processing options.
    """
    data = event.data
    options = fields.get("data_processing_options", data.get("data_processing_options"))
    opt_out = fields.get("opt_out", data.get("opt_out"))
    if options is not None and (type(options) is not list or any(one != "LDU" for one in options)):
        omitted.append(Omitted("data_processing_options", 'is neither ["LDU"] nor an empty list'))
        options = None
    if opt_out is not None and type(opt_out) is not bool:
        omitted.append(Omitted("opt_out", "is neither true nor false"))
        opt_out = None
    if mode == "restrict":
        if options == []:
            omitted.append(Omitted("data_processing_options", "consent restricts this event; a tag cannot loosen it"))
        if opt_out is False:
            omitted.append(Omitted("opt_out", "consent restricts this event; a tag cannot loosen it"))
        options, opt_out = ["LDU"], True
    body["data_processing_options"] = ["LDU"] if options else []
    if options:
        # With 0 and 0 Meta locates the visitor by the IP address.
        state = LDU_STATES.get(event.facts.region or "", 0)
        where = (1 if state else 0, state)
        if mode == "send":
            where = _place(fields, data, where, omitted)
        body["data_processing_options_country"], body["data_processing_options_state"] = where
    if opt_out is not None:
        body["opt_out"] = opt_out


def _place(
    fields: Mapping[str, Any], data: Mapping[str, Any], known: tuple[int, int], omitted: list[Omitted]
) -> tuple[int, int]:
    """Country and state that a tag or an event says; Meta knows 1 with its states, and 0 with 0."""
    country = fields.get("data_processing_options_country", data.get("data_processing_options_country"))
    state = fields.get("data_processing_options_state", data.get("data_processing_options_state"))
    if country is None and state is None:
        return known
    if type(country) is int and type(state or 0) is int:
        said = (country, state or 0)
        if said in ((0, 0), (1, 0)) or (country == 1 and state in LDU_STATES.values()):
            return said
    omitted.append(Omitted("data_processing_options_country", "is no country and state that Meta has codes for"))
    return known
