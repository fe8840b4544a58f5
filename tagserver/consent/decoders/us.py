"""What the laws of US states ask: the US Privacy string, and the US sections of a GPP string.

`1YNN` (US Privacy): notice given, opted out of sale, covered by the limited service provider agreement. `1---`: the law
does not apply. Source: IAB Tech Lab, "US Privacy String"; deprecated in favour of GPP, where it is section 6.

`BVVqAAEABCA.QA` (a US section): the version, then fields of one item or several, two bits each: 0 not applicable, 1 yes
(opted out, no consent), 2 no; behind the dot perhaps what the browser said. Source: IAB Tech Lab, Global Privacy
Platform, the specification of each section.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tagserver.consent.decoders.bits import Bits, Invalid, Malformed, TooLong

_FORM = re.compile(r"1[YN-][YN-][YN-]\Z")


@dataclass(frozen=True, slots=True)
class UspString:
    """`Y`, `N` or `-` for each of three questions."""

    notice: str
    opt_out_sale: str
    lspa: str
    version: int = 1

    @property
    def text(self) -> str:
        """The string itself."""
        return f"{self.version}{self.notice}{self.opt_out_sale}{self.lspa}"

    @property
    def applies(self) -> bool:
        """Whether the law applies."""
        return self.text != "1---"

    @property
    def sale_opt_out(self) -> bool:
        """Whether the visitor opted out of sale. That he did not allows nothing."""
        return self.opt_out_sale == "Y"


def read_usp(text: str) -> UspString | Invalid:
    """Read four characters, upper case."""
    if not _FORM.match(text):
        return Invalid("not 1 and three times Y, N or -")
    usp = UspString(*text[1:])
    if usp.applies and usp.opt_out_sale == "-":
        return Invalid("does not say whether the visitor opted out of sale, although the law applies")
    return usp


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

WITHOUT_GPC = frozenset({"usva", "usut", "usfl"})
"""Sections without the sub-section for Global Privacy Control."""


_HARMLESS = frozenset({0, 2})
"""Not applicable, and no. 1 is yes; 3 is not defined, and the careful reading is yes."""
_SALE = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut", "MspaServiceProviderMode")
_VERSION = 6
"""Bits of the version, in front of all fields."""
_GPC = 1


@dataclass(frozen=True, slots=True)
class UsSection:
    """`fields` by the IAB's names, in their order; a field of several items is a tuple. `gpc` is None where the section
    has no sub-section for Global Privacy Control."""

    name: str
    version: int
    fields: Mapping[str, int | tuple[int, ...]]
    gpc: bool | None

    @property
    def sale_opt_out(self) -> bool:
        """Whether the visitor opted out of sale, of sharing or of targeted advertising, himself or by his browser. A
        publisher in service provider mode may not sell either."""
        return self.gpc is True or self._says(*_SALE)

    @property
    def sensitive_limit(self) -> bool:
        """Whether some kind of sensitive data may not be processed."""
        return self._says("SensitiveDataProcessing")

    @property
    def known_child(self) -> bool:
        """Whether the visitor is known to be a child for whom nobody consented."""
        return self._says("KnownChildSensitiveDataConsents")

    def _says(self, *names: str) -> bool:
        for name in names:
            value = self.fields.get(name, 0)
            if not _HARMLESS.issuperset(value if isinstance(value, tuple) else (value,)):
                return True
        return False


def read_us_section(name: str, text: str) -> UsSection:
    """Read the section with this name. Raises Malformed."""
    core, *others = text.split(".")
    version = Bits(core, "the section").take(_VERSION)
    layout = LAYOUTS.get((name, version))
    if layout is None:
        raise Malformed(f"version {version} is not known")
    try:
        fields = _read_fields(core, layout)
    except TooLong:
        longer = WRITTEN_AS.get((name, version))
        if longer is None:
            raise
        fields = _read_fields(core, LAYOUTS[longer])
    if len(others) > (name not in WITHOUT_GPC):
        raise Malformed("has a sub-section that it should not have")
    return UsSection(name, version, fields, _read_gpc(others[0]) if others else None)


def _read_fields(core: str, layout: Layout) -> dict[str, int | tuple[int, ...]]:
    bits = Bits(core, "the section")
    bits.take(_VERSION)
    fields: dict[str, int | tuple[int, ...]] = {}
    for field, items in layout:
        values = tuple(bits.take(2) for _ in range(items))
        fields[field] = values if items > 1 else values[0]
    bits.finish()
    return fields


def _read_gpc(text: str) -> bool:
    bits = Bits(text, "the sub-section")
    if bits.take(2) != _GPC:
        raise Malformed("has a sub-section that is not known")
    said = bool(bits.take(1))
    bits.finish()
    return said
