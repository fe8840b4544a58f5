"""Snap's limited use of an event. Source: Snap, Parameters (`data_processing_options`), shaped as at Meta."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import Event, Given, Mode, Omitted
from tagserver_snapchat.settings import SnapchatSettings

STATES = {"US-CA": 1000}
"""Codes known for sure; with 0 and 0 Snap locates the visitor by the IP address."""
OPTIONS = "data_processing_options"


def limit_processing(
    body: dict[str, Any], event: Event, given: Given, settings: SnapchatSettings, mode: Mode, omitted: list[Omitted]
) -> None:
    """Sets the options where consent or the tag restricts the event. Nothing loosens what consent restricts."""
    wanted = given.fields.get(OPTIONS)
    if wanted is not None and wanted != [settings.limited_use]:
        omitted.append(Omitted(OPTIONS, f'is not ["{settings.limited_use}"]'))
        wanted = None
    if mode != "restrict" and wanted is None:
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
    if country is None and state is None:
        return known
    if type(country) is int and type(state or 0) is int:
        said = (country, state or 0)
        if said in ((0, 0), (1, 0)) or (country == 1 and 1000 <= said[1] < 1100):
            return said
    omitted.append(Omitted(f"{OPTIONS}_country", "is no country and state that Snap has codes for"))
    return known
