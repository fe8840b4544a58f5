"""What US strings say: they take away, and never grant. What cannot be read counts as an opt-out of sale."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tagserver.consent.strings.gpp import GppString
from tagserver.consent.strings.gpp_sections import FIRST_US, NAMES
from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.us_section import UsSection
from tagserver.consent.strings.usp import UspString


@dataclass(frozen=True, slots=True)
class OptOuts:
    """`sale_opt_out`: restrict ads. `sensitive_limit`: sensitive fields may not be used. `known_child`: no ads at all.
    `problems`: what could not be read, as `usca: the section ends too early`. `spoken`: the names of those three of
    which a section in force says yes or no."""

    sale_opt_out: bool = False
    sensitive_limit: bool = False
    known_child: bool = False
    problems: tuple[str, ...] = ()
    spoken: frozenset[str] = field(default=frozenset(), compare=False)


_SALE = frozenset({"sale_opt_out"})
_ALL = frozenset({"sale_opt_out", "sensitive_limit", "known_child"})


def usp_opt_outs(usp: UspString | Invalid) -> OptOuts:
    """The opt-outs of a US Privacy string."""
    if isinstance(usp, Invalid):
        return OptOuts(sale_opt_out=True, problems=(f"uspv1: {usp.reason}",), spoken=_SALE)
    return OptOuts(sale_opt_out=usp.sale_opt_out, spoken=_SALE)


def gpp_opt_outs(gpp: GppString | Invalid, in_force: Collection[int] | None = None) -> OptOuts:
    """The opt-outs of all US sections together.

    `in_force` are the sections that apply (`gpp_sid.py`), all of the string when it is None. One that applies and is
    missing, or cannot be read, is an opt-out of sale.
    """
    if isinstance(gpp, Invalid):
        return OptOuts(sale_opt_out=True, problems=(f"gpp: {gpp.reason}",), spoken=_SALE)
    sale = sensitive = child = False
    problems = []
    spoken: frozenset[str] = frozenset()
    for number in gpp.section_ids if in_force is None else sorted(in_force):
        if number < FIRST_US:
            continue
        match gpp.section(number):
            case UsSection() as section:
                sale = sale or section.sale_opt_out
                sensitive = sensitive or section.sensitive_limit
                child = child or section.known_child
                spoken = _ALL
            case UspString() as usp:
                sale = sale or usp.sale_opt_out
                spoken |= _SALE
            case Invalid(reason):
                sale = True
                spoken |= _SALE
                problems.append(f"{NAMES.get(number, number)}: {reason}")
    return OptOuts(sale, sensitive, child, tuple(problems), spoken)
