"""The TC string of the IAB's Transparency and Consent Framework: who asked, when, and what the visitor allowed.

Source: IAB Tech Lab, "Consent string and vendor list formats v2". `CORE.SEGMENT.SEGMENT`: the core comes first, the
others in any order, each with its type in its first three bits. Purposes are decoded at once, vendors at first use.
`why_not_valid` says whether a string that was decoded may be used, `tcf_signals` what it means in Google's purposes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from tagserver.consent.decoders.bits import Bits, Invalid, Malformed
from tagserver.consent.model.reading import Signal

Range = tuple[int, int]
HIGHEST = (1 << 16) - 1
"""The largest number that a vendor can have."""


@dataclass(frozen=True, slots=True)
class VendorIds:
    """Vendors by their numbers in the IAB's list: `5 in vendors`. Never expanded: a range of two numbers may stand for
    65535 vendors.

    `highest` is the largest number that the set speaks of. `field` has one bit for each number from 1 (left) to
    `highest`; `ranges` are pairs of first and last number. One of the two is empty.
    """

    highest: int = 0
    field: int = 0
    ranges: tuple[Range, ...] = ()

    def __contains__(self, vendor: int) -> bool:
        if not 1 <= vendor <= self.highest:
            return False
        return bool(self.field >> self.highest - vendor & 1) or any(
            first <= vendor <= last for first, last in self.ranges
        )


def read_vendor_ids(bits: Bits) -> VendorIds:
    """MaxVendorId, IsRangeEncoding, then a bit field or ranges. Raises Malformed."""
    highest = bits.take(16)
    if bits.take(1):
        return VendorIds(highest, ranges=read_ranges(bits, highest))
    return VendorIds(highest, field=bits.take(highest))


def read_ranges(bits: Bits, highest: int = HIGHEST) -> tuple[Range, ...]:
    """NumEntries (12 bits, so at most 4095) and as many numbers or ranges, in any order. Raises Malformed."""
    found = []
    for _ in range(bits.take(12)):
        if bits.take(1):
            first, last = divmod(bits.take(32), 1 << 16)
        else:
            first = last = bits.take(16)
        if first == 0:
            raise Malformed("a range of vendors starts at 0")
        if first > last:
            raise Malformed("a range of vendors ends before it starts")
        if last > highest:
            raise Malformed("a range of vendors goes beyond MaxVendorId")
        found.append((first, last))
    return tuple(found)


LONGEST = 16 << 10
"""Characters of a string."""

_HEAD = 213
"""Bits of the core before its vendors."""
_DISCLOSED, _PUBLISHER = 1, 3
"""Types of segments. Type 2 (AllowedVendors) is dead and means nothing; others are not known."""
_OTHER_VERSIONS = {1: "version 1, which ended in 2020", 3: "a GPP string"}


NOT_ALLOWED = 0
"""The kind of restriction that binds whatever the visitor said. The others concern legitimate interest."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """What a publisher does not leave to the visitor's choice: `kind` 0 forbids `purpose` to these vendors, 1 wants
    consent, 2 legitimate interest, 3 is not defined."""

    purpose: int
    kind: int
    vendors: VendorIds


@dataclass(frozen=True, slots=True)
class Vendors:
    """All that a TC string says of vendors. `disclosed` is None where that segment is missing."""

    consents: VendorIds
    legitimate_interests: VendorIds
    restrictions: tuple[Restriction, ...]
    disclosed: VendorIds | None


@dataclass(frozen=True)
class TCString:
    """A TC string. Times are ms since 1970 UTC; purposes and special features are the IAB's numbers."""

    version: int
    created: int
    last_updated: int
    cmp_id: int
    cmp_version: int
    consent_screen: int
    consent_language: str
    vendor_list_version: int
    tcf_policy_version: int
    is_service_specific: bool
    special_feature_optins: frozenset[int]
    purposes_consent: frozenset[int]
    purposes_li: frozenset[int]
    purpose_one_treatment: bool
    publisher_cc: str
    segments: tuple[str, ...] = field(repr=False)
    """The string's parts as they came."""

    @cached_property
    def vendors(self) -> Vendors | Invalid:
        """The vendors, read at the first call; Invalid when their part of the string is cut off or contradictory."""
        try:
            return _read_vendors(self.segments)
        except Malformed as bad:
            return Invalid(str(bad))


def read_tcf(text: str) -> TCString | Invalid:
    """Read the core's fixed part. `vendors` of what comes back tells whether the rest can be read, too."""
    if len(text) > LONGEST:
        return Invalid(f"longer than {LONGEST} characters")
    try:
        return _read_core(text)
    except Malformed as bad:
        return Invalid(str(bad))


def _read_core(text: str) -> TCString:
    segments = tuple(text.split("."))
    bits = Bits(segments[0], "the core")
    version = bits.take(6)
    if version != 2:
        raise Malformed(f"not version 2 of a TC string, but {_OTHER_VERSIONS.get(version, f'version {version}')}")
    head = bits.take(_HEAD - 6)

    def at(offset: int, width: int) -> int:
        return head >> _HEAD - offset - width & (1 << width) - 1

    return TCString(
        version=version,
        created=at(6, 36) * 100,
        last_updated=at(42, 36) * 100,
        cmp_id=at(78, 12),
        cmp_version=at(90, 12),
        consent_screen=at(102, 6),
        consent_language=_letters(at(108, 12)),
        vendor_list_version=at(120, 12),
        tcf_policy_version=at(132, 6),
        is_service_specific=bool(at(138, 1)),
        special_feature_optins=_numbers(at(140, 12), 12),
        purposes_consent=_numbers(at(152, 24), 24),
        purposes_li=_numbers(at(176, 24), 24),
        purpose_one_treatment=bool(at(200, 1)),
        publisher_cc=_letters(at(201, 12)),
        segments=segments,
    )


def _read_vendors(segments: tuple[str, ...]) -> Vendors:
    core = Bits(segments[0], "the core")
    core.take(_HEAD)
    consents = read_vendor_ids(core)
    legitimate_interests = read_vendor_ids(core)
    restrictions = tuple(_read_restriction(core) for _ in range(core.take(12)))
    core.finish()
    disclosed = None
    kinds = set()
    for text in segments[1:]:
        segment = Bits(text, "a segment")
        kind = segment.take(3)
        if kind == _DISCLOSED:
            disclosed = read_vendor_ids(segment)
        elif kind == _PUBLISHER:
            segment.take(48)  # the publisher's own purposes: nothing that we do rests on them
            segment.take(2 * segment.take(6))
        else:
            continue
        segment.finish()
        if kind in kinds:
            raise Malformed(f"two segments of kind {kind}")
        kinds.add(kind)
    return Vendors(consents, legitimate_interests, restrictions, disclosed)


def _read_restriction(bits: Bits) -> Restriction:
    purpose, kind = bits.take(6), bits.take(2)
    if purpose == 0:
        raise Malformed("a restriction of purpose 0")
    return Restriction(purpose, kind, VendorIds(HIGHEST, ranges=read_ranges(bits)))


@lru_cache(512)
def _numbers(mask: int, width: int) -> frozenset[int]:
    """The places of the ones, the leftmost is 1. Remembered: most visitors allow all, or nothing."""
    return frozenset(number for number in range(1, width + 1) if mask >> width - number & 1)


def _letters(number: int) -> str:
    first, second = number >> 6, number & 63
    if first > 25 or second > 25:
        raise Malformed("a language or country that is not two letters")
    return chr(65 + first) + chr(65 + second)


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


def validity_span(tc: TCString | None, now: int) -> tuple[int, int]:
    """The first and the last moment around `now` at which `why_not_valid` says the same as now (ms since 1970 UTC)."""
    if tc is None:
        return -_EVER, _EVER
    first, last = tc.last_updated - AHEAD, tc.last_updated + LONGEST_AGE
    if now < first:
        return -_EVER, first - 1
    return (first, last) if now <= last else (last + 1, _EVER)


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
