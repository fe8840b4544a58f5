"""The GPP string of the IAB's Global Privacy Platform: a header that lists sections, then the sections.

`DBACNY~CQ…~1YNN`: sections 2 and 6, a TC string and a US Privacy string. Source: IAB Tech Lab, Global Privacy Platform,
"Consent String Specification" and "Section Information". The header is decoded at once, a section at its first use.
`gpp_sid` beside the string names the sections in force.

US sections only take away, and never grant. What cannot be read counts as an opt-out of sale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tagserver.consent.decoders.bits import Bits, Invalid, Malformed
from tagserver.consent.decoders.tcf import TCString, read_tcf
from tagserver.consent.decoders.us import LAYOUTS, UspString, UsSection, read_us_section, read_usp
from tagserver.consent.model.reading import Reading

LONGEST = 16 << 10
"""Characters of a string."""
TCF_EU, USP = 2, 6

_US = (
    "usnat usca usva usco usut usct usfl usmt usor ustx usde usia usne usnh usnj ustn usmn "  # 7 to 23
    "usmd usin usky usri"  # 24 to 27
)
NAMES: Mapping[int, str] = {TCF_EU: "tcfeuv2", 5: "tcfcav1", USP: "uspv1"} | dict(enumerate(_US.split(), 7))
FIRST_US = 6
"""From here on all sections are of the United States; one that is not known yet is taken as one of them."""
_WITH_LAYOUT = {name for name, _ in LAYOUTS}
READABLE = frozenset({TCF_EU, USP, *(number for number, name in NAMES.items() if name in _WITH_LAYOUT)})
"""The sections that can be read. Canada's says nothing of what we ask."""

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


MOST_IN_FORCE = 64
"""Numbers in one list of sections in force."""
HIGHEST_SECTION = 999


def read_gpp_sid(value: Any) -> frozenset[int] | None:
    """The sections in force, of a list (`[7, 8]`) or a text (`7,8` or `7_8`); None when it names none, so that all are
    evaluated. -1 and 0, by which consent tools say "none" and "not known", name none."""
    return frozenset(number for number in _numbers(value) or () if number is not None and number > 0) or None


def is_legible(value: Any) -> bool:
    """Whether all of it could be read. What could not may have been any section."""
    numbers = _numbers(value)
    return numbers is not None and None not in numbers


def _numbers(value: Any) -> list[int | None] | None:
    """The numbers of a list, None for each part that is none; None for what is no such list."""
    parts = value.replace("_", ",").split(",") if isinstance(value, str) else value
    if parts is None or parts == [""]:
        return []
    if type(parts) is int:
        parts = [parts]
    if not isinstance(parts, list) or len(parts) > MOST_IN_FORCE:
        return None
    return [_number(part) for part in parts]


def _number(part: Any) -> int | None:
    if type(part) is int:
        return part if -1 <= part <= HIGHEST_SECTION else None
    text = part.strip() if isinstance(part, str) else ""
    if text == "-1":
        return -1
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def gpp_opt_outs(name: str, gpp: GppString | Invalid, in_force: Collection[int] | None = None) -> Reading:
    """The opt-outs of all US sections together, as the reading `name`. An opt-out is None where no section in force
    says yes or no.

    `in_force` are the sections that apply (`read_gpp_sid`), all of the string when it is None. One that applies and is
    missing, or cannot be read, is an opt-out of sale.
    """
    if isinstance(gpp, Invalid):
        return Reading(name, sale_opt_out=True, problems=(f"{name}:gpp: {gpp.reason}",))
    sale = sensitive = child = None
    problems = []
    for number in gpp.section_ids if in_force is None else sorted(in_force):
        if number < FIRST_US:
            continue
        match gpp.section(number):
            case UsSection() as section:
                sale = sale or section.sale_opt_out
                sensitive = sensitive or section.sensitive_limit
                child = child or section.known_child
            case UspString() as usp:
                sale = sale or usp.sale_opt_out
            case Invalid(reason):
                sale = True
                problems.append(f"{name}:{NAMES.get(number, number)}: {reason}")
    return Reading(name, {}, sale, sensitive, child, tuple(problems))
