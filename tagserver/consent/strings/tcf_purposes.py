"""What the IAB's purposes mean in Google's words. Source: Google's own mapping from TCF to Consent Mode."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.consent.state import Signal
from tagserver.consent.strings.tcf import TCString

TCF_PURPOSES: Mapping[str, tuple[int, ...]] = {
    "ad_storage": (1,),
    "ad_user_data": (1, 7),
    "ad_personalization": (3, 4),
}
"""A purpose is granted when all of these are: 1 store on the device, 3 and 4 profiles for ads, 7 measure ads."""

ANALYTICS: Mapping[str, tuple[int, ...]] = {"analytics_storage": (1, 8)}
"""For sites that want it: Google does not derive analytics from TCF. 8 is measuring content."""


def tcf_signals(tc: TCString, *, analytics: bool = False, exempt: frozenset[str] = frozenset()) -> dict[str, Signal]:
    """Purpose → granted or denied, always explicit. The string must be one that may be used (`why_not_valid`).

    Only consent grants; legitimate interest does not. `exempt`: countries (`DE`) of publishers where purpose 1 needs no
    consent, if the string says that it was not asked there. `raw` names the IAB's purposes with the visitor's answers.
    """
    words = dict.fromkeys(tc.purposes_consent, "yes")
    if tc.purpose_one_treatment and tc.publisher_cc in exempt:
        words.setdefault(1, "exempt")
    purposes = {**TCF_PURPOSES, **ANALYTICS} if analytics else TCF_PURPOSES
    return {
        name: Signal(
            "granted" if words.keys() >= set(numbers) else "denied",
            "explicit",
            ", ".join(f"P{number} {words.get(number, 'no')}" for number in numbers),
        )
        for name, numbers in purposes.items()
    }
