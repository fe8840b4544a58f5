"""From the words of a consent tool to the purposes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tagserver.consent.state import UNREADABLE, Reading, Signal
from tagserver.event.consent_fields import AD_PURPOSES

NECESSARY = ("security_storage",)
PREFERENCES = ("functionality_storage", "personalization_storage")
STATISTICS = ("analytics_storage",)
MARKETING = AD_PURPOSES
OPTIONAL = (*PREFERENCES, *STATISTICS, *MARKETING)
"""All that a visitor can refuse."""

Purposes = Mapping[str, Iterable[str]]
"""A tool's category, group or vendor → the purposes it stands for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no to something that stands for `purposes`. `raw` is the tool's own word for it."""

    purposes: Iterable[str]
    granted: bool
    raw: str


def answers(said: Iterable[tuple[str, bool]], purposes: Purposes) -> Iterator[Answer]:
    """The answers to what `purposes` names; the others say nothing."""
    for name, granted in said:
        if name in purposes:
            yield Answer(purposes[name], granted, f"{name}:{'yes' if granted else 'no'}")


def reading(tool: str, given: Iterable[Answer], *, recorded: bool = True, sale_opt_out: bool = False) -> Reading:
    """What a tool's cookie says. `recorded`: the visitor chose; otherwise it is a preset. Of two answers about one
    purpose the refusal counts."""
    signals: dict[str, Signal] = {}
    for answer in given:
        signal = Signal("granted" if answer.granted else "denied", "explicit" if recorded else "default", answer.raw)
        for purpose in answer.purposes:
            if purpose not in signals or signals[purpose].state == "granted":
                signals[purpose] = signal
    return Reading(f"cmp.{tool}", signals, sale_opt_out=sale_opt_out)


def of_vendors(tool: str, said: Mapping[str, bool], purposes: Purposes, *, recorded: bool = True) -> Reading:
    """What a tool says that asks for each vendor, through the site's own map of vendors."""
    if purposes.keys().isdisjoint(said):
        return Reading(f"cmp.{tool}", problems=(f"cmp.{tool}:no_vendor_of_cmp_vendors",))
    return reading(tool, answers(said.items(), purposes), recorded=recorded)


def unreadable(tool: str, why: str) -> Reading:
    """A cookie that is there and cannot be believed may hold a refusal: it counts as one of all that can be refused."""
    return Reading(f"cmp.{tool}", dict.fromkeys(OPTIONAL, UNREADABLE), problems=(f"cmp.{tool}:{why}",))
