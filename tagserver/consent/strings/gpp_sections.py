"""The sections of a GPP string: their numbers, names and layouts.

Source: IAB Tech Lab, Global Privacy Platform, "Section Information" and the specification of each section. A US section
begins with its version; each field after it is one item or several, two bits each: 0 not applicable, 1 yes (opted out,
no consent), 2 no.
"""

from __future__ import annotations

from collections.abc import Mapping

TCF_EU, USP = 2, 6

_US = (
    "usnat usca usva usco usut usct usfl usmt usor ustx usde usia usne usnh usnj ustn usmn "  # 7 to 23
    "usmd usin usky usri"  # 24 to 27
)
NAMES: Mapping[int, str] = {TCF_EU: "tcfeuv2", 5: "tcfcav1", USP: "uspv1"} | dict(enumerate(_US.split(), 7))
FIRST_US = 6
"""From here on all sections are of the United States; one that is not known yet is taken as one of them."""

Layout = tuple[tuple[str, int], ...]
"""Fields after the version in their order, each with its number of items."""


_SHARING = "SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_PROCESSING = "ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_NATIONAL = (
    "SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice "
    "SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice"
)
_CALIFORNIA = "SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice"
_PERSONAL = "PersonalDataConsents"
_ADDITIONAL = "AdditionalDataProcessingConsent"


def _layout(
    notices: str, sensitive: int, child: int, consents: str = "", opt_outs: str = "SaleOptOut TargetedAdvertisingOptOut"
) -> Layout:
    """The fields, all in the order that every section has: notices, opt-outs, `sensitive` kinds of data, `child` kinds
    of consent, other consents, the agreement of publishers (MSPA)."""
    fields = [(name, 1) for name in f"{notices} {opt_outs}".split()]
    fields += [("SensitiveDataProcessing", sensitive), ("KnownChildSensitiveDataConsents", child)]
    mspa = "MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
    fields += [(name, 1) for name in f"{consents} {mspa}".split()]
    return tuple(fields)


_ALL_OPT_OUTS = "SaleOptOut SharingOptOut TargetedAdvertisingOptOut"
LAYOUTS: Mapping[tuple[str, int], Layout] = {
    ("usnat", 1): _layout(_NATIONAL, 12, 2, _PERSONAL, _ALL_OPT_OUTS),
    ("usnat", 2): _layout(_NATIONAL, 16, 3, _PERSONAL, _ALL_OPT_OUTS),
    ("usca", 1): _layout(_CALIFORNIA, 9, 2, _PERSONAL, "SaleOptOut SharingOptOut"),
    ("usva", 1): _layout(_SHARING, 8, 1),
    ("usco", 1): _layout(_SHARING, 7, 1),
    ("usut", 1): _layout(f"{_SHARING} SensitiveDataProcessingOptOutNotice", 8, 1),
    ("usct", 1): _layout(_SHARING, 8, 3),
    ("usfl", 1): _layout(_PROCESSING, 8, 3, _ADDITIONAL),
    ("usmt", 1): _layout(_SHARING, 8, 3, _ADDITIONAL),
    ("usor", 1): _layout(_PROCESSING, 11, 3, _ADDITIONAL),
    ("ustx", 1): _layout(_PROCESSING, 8, 1, _ADDITIONAL),
    ("usde", 1): _layout(_PROCESSING, 9, 5, _ADDITIONAL),
    ("usia", 1): _layout(f"{_PROCESSING} SensitiveDataOptOutNotice", 8, 1),
    ("usne", 1): _layout(_PROCESSING, 8, 1, _ADDITIONAL),
    ("usnh", 1): _layout(_PROCESSING, 8, 3, _ADDITIONAL),
    ("usnj", 1): _layout(_PROCESSING, 10, 5, _ADDITIONAL),
    ("ustn", 1): _layout(_PROCESSING, 8, 1, _ADDITIONAL),
    ("usmn", 1): _layout(_PROCESSING, 8, 1, _ADDITIONAL),
}
"""By name and version. Maryland, Indiana, Kentucky and Rhode Island (24 to 27) have a frame of their own that no
writer was seen to use, and the IAB's encoder writes another one: they are not read."""

WRITTEN_AS: Mapping[tuple[str, int], tuple[str, int]] = {("usnat", 1): ("usnat", 2)}
"""Sections that are longer than their version says, and the layout that they then have: releases 3.1.3 to 3.1.7 of the
IAB's own encoder (`@iabgpp/cmpapi`) kept the number of version 1 for the fields of version 2."""

_WITH_LAYOUT = {name for name, _ in LAYOUTS}
READABLE = frozenset({TCF_EU, USP, *(number for number, name in NAMES.items() if name in _WITH_LAYOUT)})
"""The sections that can be read. Canada's says nothing of what we ask."""

WITHOUT_GPC = frozenset({"usva", "usut", "usfl"})
"""Sections without the sub-section for Global Privacy Control."""
