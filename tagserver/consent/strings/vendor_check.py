"""Whether the visitor accepted one vendor: by the IAB's list in the TC string, or by Google's in the AC string."""

from __future__ import annotations

from collections.abc import Iterable

from tagserver.consent.strings.ac import AcString
from tagserver.consent.strings.tcf import Vendors
from tagserver.consent.strings.tcf_purposes import ANALYTICS, TCF_PURPOSES

_NOT_ALLOWED = 0
"""The kind of restriction that binds whatever the visitor said. The others concern legitimate interest."""


def why_not_gvl(vendors: Vendors, vendor: int, purposes: Iterable[str]) -> str | None:
    """Why the vendor (its number in the IAB's list) is not accepted for these purposes (Google's names); None when it
    is. It must have been shown, too: a string without that segment accepts nobody."""
    if vendor not in vendors.consents:
        return f"no consent for vendor {vendor}"
    if vendors.disclosed is None or vendor not in vendors.disclosed:
        return f"vendor {vendor} was not disclosed"
    numbers = {number for name in purposes for number in (*TCF_PURPOSES.get(name, ()), *ANALYTICS.get(name, ()))}
    for restriction in vendors.restrictions:
        binds = restriction.kind == _NOT_ALLOWED and restriction.purpose in numbers
        if binds and vendor in restriction.vendors:
            return f"the publisher does not allow vendor {vendor} purpose {restriction.purpose}"
    return None


def why_not_ac(ac: AcString, provider: int, *, tc_valid: bool) -> str | None:
    """Why the provider (its number in Google's list) is not accepted; None when it is.

    `tc_valid`: whether a TC string that may be used stood beside the string, which is void without one.
    """
    if not tc_valid:
        return "an additional consent string without a valid TC string"
    if provider not in ac.consented:
        return f"no consent for provider {provider}"
    return None
