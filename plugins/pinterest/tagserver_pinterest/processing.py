"""Pinterest's Limited Data Processing. Source: Pinterest, Use the limited data processing flag: `opt_out_type: LDP`,
and the visitor's state and country, hashed, where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Kind, Mode, Omitted
from tagserver.plugin.identity import sha256_hex
from tagserver.plugin.values import is_text, read_wish, wish_kind

FLAG, LONGEST_FLAG = "LDP", 20
OPT_OUT, FLAGS = "opt_out", "opt_out_type"
_FAULTS = {
    OPT_OUT: "is neither true nor false, and is taken as true",
    FLAGS: "does not name LDP, the only one that Pinterest knows; it is added",
}
KINDS: dict[str, Kind] = {
    OPT_OUT: wish_kind(_FAULTS[OPT_OUT]),
    **dict.fromkeys((FLAGS, f"custom_data.{FLAGS}"), Kind(lambda value: FLAG in _flags(value) or None, _FAULTS[FLAGS])),
}
"""Of a tag's parameters, for constants in the configuration."""


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


def limit(
    body: dict[str, Any], custom: dict[str, Any], given: Mapping[str, Any], mode: Mode, omitted: list[Omitted]
) -> None:
    """Mark the event: `opt_out` (no ads by it) and `opt_out_type` (processed in a limited way), where consent restricts
    it or the tag (`given`) wants either. Nothing loosens what consent restricts, and what a tag says that cannot be
    read is taken as the wish."""
    opt_out, flagged = read_wish(given.get(OPT_OUT)), bool(read_wish(given.get(FLAGS), (FLAG,)).limits)
    flags = _flags(given.get(FLAGS))
    if not opt_out.clear:
        omitted.append(Omitted(OPT_OUT, _FAULTS[OPT_OUT]))
    if mode == "restrict" and opt_out.limits is False:
        omitted.append(Omitted(OPT_OUT, "a tag cannot loosen what consent restricts"))
    if flagged and FLAG not in flags:
        omitted.append(Omitted(f"custom_data.{FLAGS}", _FAULTS[FLAGS]))
    body[OPT_OUT] = mode == "restrict" or opt_out.limits is True
    if mode == "restrict" or flagged:
        custom[FLAGS] = ",".join(dict.fromkeys([*flags, FLAG]))


def _flags(said: Any) -> list[str]:
    """The words of a list, or of a text with commas; none of anything else."""
    parts = said.split(",") if isinstance(said, str) else said if isinstance(said, list) else []
    words = (one.strip().upper() for one in parts if isinstance(one, str) and is_text(one))
    return [word for word in words if word and len(word) <= LONGEST_FLAG]
