"""The TC string of the IAB's Transparency and Consent Framework: who asked, when, and what the visitor allowed.

Source: IAB Tech Lab, "Consent string and vendor list formats v2". `CORE.SEGMENT.SEGMENT`: the core comes first, the
others in any order, each with its kind in its first three bits. Purposes are read at once, vendors when somebody asks
for them; `validity.py` says whether a string that can be read may also be used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from tagserver.consent.strings.bits import Bits
from tagserver.consent.strings.invalid import Invalid, Malformed
from tagserver.consent.strings.vendors import HIGHEST, VendorIds, read_ranges, read_vendor_ids

LONGEST = 16 << 10
"""Characters of a string."""

_HEAD = 213
"""Bits of the core before its vendors."""
_DISCLOSED, _PUBLISHER = 1, 3
"""Kinds of segments. Kind 2 (AllowedVendors) is dead and means nothing; others are not known."""
_OTHER_VERSIONS = {1: "version 1, which ended in 2020", 3: "a GPP string"}


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
