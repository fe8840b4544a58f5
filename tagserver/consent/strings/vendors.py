"""A set of vendors in a TC string: one bit for each, or ranges. Never expanded: a range of two numbers may stand for
65535 vendors."""

from __future__ import annotations

from dataclasses import dataclass

from tagserver.consent.strings.bits import Bits
from tagserver.consent.strings.invalid import Malformed

Range = tuple[int, int]
HIGHEST = (1 << 16) - 1
"""The largest number that a vendor can have."""


@dataclass(frozen=True, slots=True)
class VendorIds:
    """Vendors by their numbers in the IAB's list: `5 in vendors`.

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
