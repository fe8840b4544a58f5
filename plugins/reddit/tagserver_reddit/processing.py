"""Reddit's Limited Data Use. Source: Reddit, Conversions API v3, `user.data_processing_options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Kind, Mode, Omitted
from tagserver.plugin.identity import country_code
from tagserver.plugin.values import identifier, read_wish, wish_kind
from tagserver_reddit.user import OPTIONS

MODES = ["LDU"]
_FAULT = 'is neither the modes ["LDU"] nor none, and is taken as the wish to limit'
KINDS: dict[str, Kind] = {f"user.{OPTIONS}{name}": wish_kind(_FAULT, MODES) for name in ("", ".modes")}
"""Of a tag's parameters, for constants in the configuration."""


def limit_processing(
    user: dict[str, Any], event: Event, given: Mapping[str, Any], mode: Mode, omitted: list[Omitted]
) -> None:
    """Sets the options where consent or the tag restricts the event, with the place where it is known. Nothing loosens
    what consent restricts, and what a tag says that cannot be read is taken as the wish. Where country and region are
    said, Reddit needs no IP address to tell which law applies, and gets none."""
    said = given.get(OPTIONS)
    own = said if isinstance(said, Mapping) else {}
    wish = read_wish(said if own.get("modes") in (None, "") else own["modes"], MODES)
    if not wish.clear:
        omitted.append(Omitted(f"user.{OPTIONS}", _FAULT))
    if mode == "restrict":
        own = {}
        if wish.limits is False:
            omitted.append(Omitted(f"user.{OPTIONS}", "consent restricts this event; a tag cannot loosen it"))
    elif not wish.limits:
        return
    options: dict[str, Any] = {"modes": MODES, **_place(event, own)}
    user[OPTIONS] = options
    if mode == "restrict" and {"country", "region"} <= options.keys():
        user.pop("ip_address", None)


def _place(event: Event, own: Mapping[str, Any]) -> dict[str, str]:
    """Country (ISO 3166-1) and region (ISO 3166-2, such as US-CA): the tag's, else those of the visit, else the country
    that the person names."""
    region = identifier(own.get("region")) or event.facts.region
    country = identifier(own.get("country")) or event.facts.country
    if not country and region and "-" in region:
        country = country_code(region.partition("-")[0])
    country = country or event.identity.country
    return {key: text.upper() for key, text in (("country", country), ("region", region)) if text}
