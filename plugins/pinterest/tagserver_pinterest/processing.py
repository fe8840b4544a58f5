"""Pinterest's Limited Data Processing. Source: Pinterest, Use the limited data processing flag: `opt_out_type: LDP`,
and the visitor's state and country, hashed, where they are known."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import Event, sha256_hex

FLAG = "LDP"


def locate(user: dict[str, Any], event: Event) -> None:
    """Give `user` the state and country of the visit where the person names none. Where both are known, Pinterest needs
    no IP address to tell which law applies, and gets none."""
    country, region = event.facts.country, event.facts.region
    if country and "country" not in user:
        user["country"] = [sha256_hex(country.lower())]
    # ISO 3166-2: `US-CA`; Pinterest wants the two letters of the state.
    state = region.rpartition("-")[2] if region else ""
    if len(state) == 2 and "st" not in user:
        user["st"] = [sha256_hex(state.lower())]
    if "st" in user and "country" in user:
        user.pop("client_ip_address", None)


def limit(body: dict[str, Any], custom: dict[str, Any]) -> None:
    """Mark an event: no ads by it, and processed in a limited way."""
    body["opt_out"] = True
    flags = [flag.strip() for flag in custom.get("opt_out_type", "").split(",") if flag.strip()]
    custom["opt_out_type"] = ",".join(dict.fromkeys([*flags, FLAG]))
