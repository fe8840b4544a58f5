"""Whether a TC string that can be read may be used."""

from __future__ import annotations

from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.tcf import TCString

_DAY = 86_400_000
LONGEST_AGE = 396 * _DAY
"""The IAB wants choices renewed at least every 13 months."""
AHEAD = 2 * _DAY
"""Strings carry days, and clocks and time zones differ."""
LEAST_POLICY = 4
"""Policies before TCF 2.2 have not counted since 30 September 2023."""
DISCLOSED_SINCE = 1_772_236_800_000
"""2026-02-28: what is written from then on needs the segment of disclosed vendors (TCF 2.3)."""


def why_not_valid(tc: TCString, now: int) -> str | None:
    """Why the string may not be used at the time `now` (ms since 1970 UTC); None when it may.

    The vendors are read last: a string whose end is missing is not used at all.
    """
    if not tc.is_service_specific:
        return "is_service_specific is 0"
    if tc.tcf_policy_version < LEAST_POLICY:
        return f"tcf_policy_version is {tc.tcf_policy_version}, and {LEAST_POLICY} is the least"
    if now - tc.last_updated > LONGEST_AGE:
        return "last_updated is more than 396 days ago"
    if tc.last_updated - now > AHEAD:
        return "last_updated is more than 2 days in the future"
    vendors = tc.vendors
    if isinstance(vendors, Invalid):
        return vendors.reason
    if vendors.disclosed is None and tc.last_updated >= DISCLOSED_SINCE:
        return "no DisclosedVendors segment, which is needed since 2026-02-28"
    return None


_EVER = 1 << 62


def span(tc: TCString | None, now: int) -> tuple[int, int]:
    """The first and the last moment around `now` at which `why_not_valid` says the same as now (ms since 1970 UTC)."""
    if tc is None:
        return -_EVER, _EVER
    first, last = tc.last_updated - AHEAD, tc.last_updated + LONGEST_AGE
    if now < first:
        return -_EVER, first - 1
    return (first, last) if now <= last else (last + 1, _EVER)
