"""What a tag needs, and how the site wants signals to be read: the configuration's half of the consent gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EEA = frozenset(
    {"AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT"}
    | {"LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO"}
)
OPT_IN_REGIONS = EEA | {"GB", "CH"}


@dataclass(frozen=True, slots=True)
class VendorCheck:
    """A vendor that must be among those the visitor accepted under the TCF: by Google's id or by the IAB's."""

    kind: Literal["ac_id", "gvl_id"]
    id: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be granted before a tag may send: all of `purposes`. `ads`: opt-outs and a known child count too.
    `restricted`: the destination has a limited mode for when something beyond the needed purposes is missing."""

    purposes: frozenset[str]
    ads: bool
    restricted: bool
    vendor: VendorCheck | None = None
    overridden: str | None = None


LONGEST_HOLD = 5.0
"""Seconds that an event may wait for a choice."""


@dataclass(frozen=True, slots=True)
class ConsentPolicy:
    """The `consent:` block. `opt_in_regions`: ISO 3166 codes in which a preset is no consent; an unknown region is
    one. `hold`: seconds that events wait for a choice also where the page does not ask for it; `retroactive`: how far
    back a choice lets go what waits."""

    opt_in_regions: frozenset[str] = OPT_IN_REGIONS
    gpc: Literal["restrict", "block", "ignore"] = "restrict"
    gpc_scope: Literal["global", "us_only"] = "global"
    dnt: Literal["ignore", "restrict"] = "ignore"
    hold: float = 0.0
    retroactive: Literal["page", "session"] = "page"
    cmp_cookies: tuple[str, ...] = ()
    """The consent tools whose cookies are read."""
    cmp_vendors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """A consent tool's vendor or service → its purposes, for tools that ask by the site's own names."""
    onetrust_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The site's own OneTrust group → its purposes; goes before the usual groups."""
    tcf_analytics: bool = False
    """Whether a TC string speaks for `analytics_storage`, too. Google does not derive it."""
    tcf_exempt: tuple[str, ...] = ()
    """Publishers' countries in which the IAB's purpose 1 need not be asked for."""
