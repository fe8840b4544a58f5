"""What one layer says, an event itself or its batch's context beneath it, of each kind of signal that can leave
purposes out: Consent Mode, Google's short forms of it, GPP and the TCF. And what counts where one kind is there twice:
in two spellings of one layer, or in both layers.

A signal that is there and cannot be believed takes away, and never gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.consent_mode import read_consent_mode
from tagserver.consent.decoders.google import GCD_PURPOSES, GCS_PURPOSES, read_gcd, read_gcs
from tagserver.consent.decoders.gpp import GppString, gpp_opt_outs, is_legible, read_gpp, read_gpp_sid, tcf_in_gpp
from tagserver.consent.decoders.tcf import ANALYTICS, TCString, read_tcf, tcf_signals, why_not_valid
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import (
    Reading,
    Region,
    Signal,
    SignalKind,
    State,
    denied_for_ads,
    unreadable_signal,
)
from tagserver.consent.signals import RawSignals, read_flag
from tagserver.event.consent_fields import GDPR, GPP, GPP_SID

T = TypeVar("T")


class TcfReading(NamedTuple):
    """What is said under the TCF. `string`, and why it may not be used; `gdpr`: whether it applies, as far as a field
    says; `spoken`: something speaks of it."""

    readings: list[Reading]
    string: TCString | None = None
    why_not: str | None = None
    gdpr: bool | None = None
    spoken: bool = True


class Layer:
    """The readings of each kind. `now`: ms since 1970 UTC, for the age of a TC string."""

    def __init__(self, raw: RawSignals, region: Region, policy: ConsentPolicy, now: int) -> None:
        self.consent_mode = merge_spellings(
            [(name, read_consent_mode(value, region, field=name)) for value, name in raw.consent_mode]
        )
        chosen = {
            purpose
            for reading in self.consent_mode
            for purpose, signal in reading.signals.items()
            if signal.kind == "explicit"
        }
        self.gcs = merge_spellings([(name, _gcs(value, name, chosen)) for value, name in raw.gcs])
        self.gcd = merge_spellings([(name, _gcd(value, name, chosen)) for value, name in raw.gcd])
        gpp, in_force = _gpp(raw)
        self.gpp = [] if gpp is None else [gpp_opt_outs(GPP, gpp, in_force)]
        if not is_legible(raw.gpp_sid):
            self.gpp.append(unreadable_signal(GPP_SID, "not a list of sections, so that all count"))
        self.tcf = _tcf(raw, None if gpp is None else tcf_in_gpp(gpp, in_force), policy, now)


def text_of(value: Any, read: Callable[[str], T | Invalid]) -> T | Invalid:
    """A text read by its format. Everything else was not written by a consent tool."""
    return read(value) if isinstance(value, str) else Invalid("is no text")


def _gcs(value: Any, name: str, chosen: Collection[str]) -> list[Reading]:
    """`gcs` is a short form of what `consent` says in full: one that cannot be read has no value beside what is
    `chosen` there, and denies what is not."""
    gcs = text_of(value, read_gcs)
    if isinstance(gcs, Invalid):
        return [unreadable_signal(name, gcs.reason, set(GCS_PURPOSES) - set(chosen))]
    return [Reading(name, gcs.signals())]


def _gcd(value: Any, name: str, chosen: Collection[str]) -> list[Reading]:
    """Likewise, and letter by letter."""
    gcd = text_of(value, read_gcd)
    if isinstance(gcd, Invalid):
        return [unreadable_signal(name, gcd.reason, set(GCD_PURPOSES) - set(chosen))]
    found = [Reading(name, gcd.signals())]
    if unknown := gcd.unknown():
        found.append(unreadable_signal(name, "a letter that is not known", unknown - set(chosen)))
    return found


def _gpp(raw: RawSignals) -> tuple[GppString | Invalid | None, frozenset[int] | None]:
    """The GPP string, None when nothing speaks of GPP, and the sections in force. Sections that are said to be in force
    without a string cannot be read."""
    in_force = read_gpp_sid(raw.gpp_sid)
    if raw.gpp is None or raw.gpp == "":
        return (Invalid("gpp_sid without gpp") if in_force else None), in_force
    gpp = text_of(raw.gpp, read_gpp)
    if in_force is not None and not is_legible(raw.gpp_sid) and not isinstance(gpp, Invalid):
        in_force |= frozenset(gpp.section_ids)
    return gpp, in_force


def _tcf(raw: RawSignals, section: TCString | Invalid | None, policy: ConsentPolicy, now: int) -> TcfReading:
    """The TC string, why it may not be used, and what it says: a refusal for ads when it may not. `section`: the one in
    GPP, which serves where there is no other.

    `gdpr: 0` makes any string meaningless; `gdpr: 1` without one is a page that forgot it.
    """
    gdpr = read_flag(raw.gdpr).value
    if gdpr is False:
        return TcfReading([], gdpr=False)
    found = [(text_of(value, read_tcf), name) for value, name in raw.tcf]
    if not found and section is not None:
        found = [(section, "gpp.tcfeuv2")]
    if not found:
        also = ANALYTICS if policy.tcf_analytics else ()
        missing = [denied_for_ads(GDPR, "1 without a TC string", "1", also)] if gdpr else []
        return TcfReading(missing, gdpr=gdpr, spoken=gdpr is not None)
    (string, name), *others = found
    why_not, reading = _read_tcf(string, name, policy, now)
    spellings = [(name, [reading])]
    for other, its_name in others:
        spellings.append((its_name, [_read_tcf(other, its_name, policy, now)[1]]))
        if why_not is None and other != string:
            why_not = f"{name} differs from {its_name}"  # nobody knows which vendors were accepted
    return TcfReading(merge_spellings(spellings), None if isinstance(string, Invalid) else string, why_not, gdpr)


def _read_tcf(found: TCString | Invalid, name: str, policy: ConsentPolicy, now: int) -> tuple[str | None, Reading]:
    """Why a string may not be used, and what it says."""
    also = ANALYTICS if policy.tcf_analytics else ()
    if isinstance(found, Invalid):
        return found.reason, denied_for_ads(name, found.reason, "unreadable", also)
    if (why := why_not_valid(found, now)) is not None:
        return why, denied_for_ads(name, why, "not valid", also)
    return None, Reading(name, tcf_signals(found, analytics=policy.tcf_analytics, exempt=frozenset(policy.tcf_exempt)))


Strength = tuple[State, SignalKind]
"""What a signal says, without where it was read."""
Spelling = tuple[str, Sequence[Reading]]
"""The name of a field, and what it says."""

_STRICTEST_FIRST: tuple[Strength | None, ...] = (
    ("denied", "explicit"),
    ("denied", "default"),
    None,
    ("granted", "default"),
    ("granted", "explicit"),
)
_ORDER: Mapping[Strength, int] = {
    ("denied", "explicit"): 0,
    ("granted", "explicit"): 1,
    ("denied", "default"): 2,
    ("granted", "default"): 3,
}
"""Within one layer a choice comes before a preset, and a refusal before a grant."""
_RANK = {strength: rank for rank, strength in enumerate(_STRICTEST_FIRST)}


def merge_spellings(spellings: Sequence[Spelling]) -> list[Reading]:
    """What an event says that speaks of one kind in several spellings. Where they differ, the stricter counts purpose
    by purpose: one is granted only as far as every spelling grants it. A spelling that is silent of it does not."""
    readings = [reading for _, said in spellings for reading in said]
    if len(spellings) < 2:
        return readings
    strongest = [_strongest(said) for _, said in spellings]
    if all(one == strongest[0] for one in strongest):
        return readings
    least = {
        purpose: min(_RANK[one.get(purpose)] for one in strongest)
        for purpose in {purpose for one in strongest for purpose in one}
    }
    kept = [
        _only(reading, lambda purpose, signal: signal.state == "denied" or _rank(signal) <= least[purpose])
        for reading in readings
    ]
    (first, _), *others = spellings
    names = " and ".join(name for name, _ in others)
    return [*kept, Reading(first, problems=(f"{first}:differs from {names}, and the stricter counts",))]


def over(own: Sequence[Reading], beneath: Sequence[Reading]) -> list[Reading]:
    """An event's own readings, and of those beneath them the refusals that they do not answer. A preset of the event is
    no answer to what a visitor chose."""
    strongest = _strongest(own)
    sale = all(reading.sale_opt_out is None for reading in own)
    sensitive = all(reading.sensitive_limit is None for reading in own)
    child = all(reading.known_child is None for reading in own)

    def unanswered(purpose: str, signal: Signal) -> bool:
        answer = strongest.get(purpose)
        return signal.state == "denied" and (answer is None or (answer[1], signal.kind) == ("default", "explicit"))

    kept = []
    for reading in beneath:
        left = replace(
            _only(reading, unanswered),
            name=f"ctx.{reading.name}",
            problems=tuple(f"ctx.{problem}" for problem in reading.problems),
            sale_opt_out=reading.sale_opt_out if sale else None,
            sensitive_limit=reading.sensitive_limit if sensitive else None,
            known_child=reading.known_child if child else None,
        )
        kept.append(left)
    return [*own, *kept]


def _strongest(readings: Sequence[Reading]) -> dict[str, Strength]:
    """Purpose → what decides it among some readings: what was chosen before what was preset, and a refusal before a
    grant."""
    found: dict[str, Strength] = {}
    for reading in readings:
        for purpose, signal in reading.signals.items():
            strength: Strength = (signal.state, signal.kind)
            if purpose not in found or _ORDER[strength] < _ORDER[found[purpose]]:
                found[purpose] = strength
    return found


def _only(reading: Reading, wanted: Callable[[str, Signal], bool]) -> Reading:
    """A reading with some of its signals."""
    signals: Mapping[str, Signal] = {
        purpose: signal for purpose, signal in reading.signals.items() if wanted(purpose, signal)
    }
    return replace(reading, signals=signals)


def _rank(signal: Signal) -> int:
    return _RANK[signal.state, signal.kind]
