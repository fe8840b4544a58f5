"""The GPP string of the IAB's Global Privacy Platform: a header that lists sections, then the sections.

`DBACNY~CQ…~1YNN`: sections 2 and 6, a TC string and a US Privacy string. Source: IAB Tech Lab, Global Privacy Platform,
"Consent String Specification". The header is read at once, a section when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tagserver.consent.strings.bits import Bits
from tagserver.consent.strings.gpp_sections import NAMES, READABLE, TCF_EU, USP
from tagserver.consent.strings.invalid import Invalid, Malformed
from tagserver.consent.strings.tcf import TCString, read_tcf
from tagserver.consent.strings.us_section import UsSection, read_us_section
from tagserver.consent.strings.usp import UspString, read_usp

LONGEST = 16 << 10
"""Characters of a string."""

_TYPE, _VERSION = 3, 1

Section = TCString | UspString | UsSection


@dataclass(frozen=True, slots=True)
class GppString:
    """The numbers of the sections, ascending, and the text of each."""

    section_ids: tuple[int, ...]
    texts: tuple[str, ...]

    def section(self, number: int) -> Section | Invalid:
        """One section; Invalid for one that is not in the string, too, or whose format is not read."""
        if number not in self.section_ids:
            return Invalid(f"has no section {number}")
        return _read_section(number, self.texts[self.section_ids.index(number)])


def read_gpp(text: str) -> GppString | Invalid:
    """Read the header; there must be as many sections as it lists."""
    if len(text) > LONGEST:
        return Invalid(f"longer than {LONGEST} characters")
    header, *texts = text.split("~")
    try:
        return GppString(_read_header(header, len(texts)), tuple(texts))
    except Malformed as bad:
        return Invalid(str(bad))


def tcf_in_gpp(gpp: GppString | Invalid, in_force: Collection[int] | None = None) -> TCString | Invalid | None:
    """The TC string of a GPP string; None when there is none, or it is not in force. Invalid when it applies and cannot
    be read, which is a refusal."""
    applies = in_force is not None and TCF_EU in in_force
    if isinstance(gpp, Invalid):
        return gpp if applies or in_force is None else None
    if not applies and (in_force is not None or TCF_EU not in gpp.section_ids):
        return None
    section = gpp.section(TCF_EU)
    return section if isinstance(section, TCString | Invalid) else None


def _read_header(text: str, count: int) -> tuple[int, ...]:
    bits = Bits(text, "the header")
    if bits.take(6) != _TYPE:
        raise Malformed("does not begin with a GPP header")
    if (version := bits.take(6)) != _VERSION:
        raise Malformed(f"not version 1 of GPP, but version {version}")
    numbers: list[int] = []
    last = 0
    for _ in range(bits.take(12)):
        is_group = bits.take(1)
        first = last + bits.fibonacci()
        last = first + bits.fibonacci() if is_group else first
        # Compared before it is written out: a group of two numbers may stand for thousands of sections.
        if len(numbers) + last - first + 1 > count:
            raise Malformed("the header lists more sections than there are")
        numbers.extend(range(first, last + 1))
    bits.finish()
    if len(numbers) < count:
        raise Malformed("there are more sections than the header lists")
    return tuple(numbers)


def _read_section(number: int, text: str) -> Section | Invalid:
    if number == TCF_EU:
        return read_tcf(text)
    if number == USP:
        return read_usp(text)
    if number not in READABLE:
        return Invalid(f"section {number} is not read by this version")
    try:
        return read_us_section(NAMES[number], text)
    except Malformed as bad:
        return Invalid(str(bad))
