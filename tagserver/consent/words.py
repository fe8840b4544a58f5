"""What one layer says, an event itself or its batch's context beneath it, of each kind of signal that can leave
purposes out: Consent Mode, Google's short forms of it, GPP and the TCF.

A signal that is there and cannot be believed takes away, and never gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

from tagserver.consent.flags import read_flag
from tagserver.consent.layers import together
from tagserver.consent.mode import consent_mode
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.signals import Found, Said
from tagserver.consent.state import UNREADABLE, Reading, Region, denied_for_ads
from tagserver.consent.strings.gcd import read_gcd
from tagserver.consent.strings.gcs import read_gcs
from tagserver.consent.strings.google_signals import (
    GCD_PURPOSES,
    GCS_PURPOSES,
    gcd_signals,
    gcs_signals,
    unknown_letters,
)
from tagserver.consent.strings.gpp import GppString, read_gpp, tcf_in_gpp
from tagserver.consent.strings.gpp_sid import is_legible, read_gpp_sid
from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.opt_outs import OptOuts, gpp_opt_outs
from tagserver.consent.strings.tcf import TCString, read_tcf
from tagserver.consent.strings.tcf_purposes import ANALYTICS, tcf_signals
from tagserver.consent.strings.validity import why_not_valid
from tagserver.event.consent_fields import GDPR, GPP, GPP_SID

T = TypeVar("T")


class Tcf(NamedTuple):
    """What is said under the TCF. `string`, and why it may not be used; `gdpr`: whether it applies, as far as somebody
    says; `spoken`: somebody speaks of it."""

    readings: list[Reading]
    string: TCString | None = None
    why_not: str | None = None
    gdpr: bool | None = None
    spoken: bool = True


class Words:
    """The readings of each kind. `now`: ms since 1970 UTC, for the age of a TC string."""

    def __init__(self, said: Said, region: Region, policy: ConsentPolicy, now: int) -> None:
        self.consent_mode = together([(name, consent_mode(value, region, field=name)) for value, name in said.mode])
        chosen = {
            purpose
            for reading in self.consent_mode
            for purpose, signal in reading.signals.items()
            if signal.kind == "explicit"
        }
        self.gcs = together([(name, _gcs(value, name, chosen)) for value, name in said.gcs])
        self.gcd = together([(name, _gcd(value, name, chosen)) for value, name in said.gcd])
        gpp, in_force = _gpp(said)
        self.gpp = _opt_outs_of_gpp(said, gpp, in_force)
        self.tcf = _tcf(said, None if gpp is None else tcf_in_gpp(gpp, in_force), policy, now)


def text_of(value: Any, read: Callable[[str], T | Invalid]) -> T | Invalid:
    """A text read by its format. Everything else was not written by a consent tool."""
    return read(value) if isinstance(value, str) else Invalid("is no text")


def unread(name: str, why: str, purposes: Collection[str] = ()) -> Reading:
    """A signal that is there and cannot be read: these purposes are denied, and people are told."""
    return Reading(name, dict.fromkeys(purposes, UNREADABLE), problems=(f"{name}:{why}",))


def opted_out(name: str, found: OptOuts) -> Reading:
    """The reading of a US string."""
    spoken = found.spoken
    return Reading(
        name,
        sale_opt_out=found.sale_opt_out if "sale_opt_out" in spoken else None,
        sensitive_limit=found.sensitive_limit if "sensitive_limit" in spoken else None,
        known_child=found.known_child if "known_child" in spoken else None,
        problems=tuple(f"{name}:{problem}" for problem in found.problems),
    )


def _gcs(value: Any, name: str, chosen: Collection[str]) -> list[Reading]:
    """`gcs` is a short form of what `consent` says in full: one that cannot be read has no value beside what is
    `chosen` there, and denies what is not."""
    gcs = text_of(value, read_gcs)
    if isinstance(gcs, Invalid):
        return [unread(name, gcs.reason, set(GCS_PURPOSES) - set(chosen))]
    return [Reading(name, gcs_signals(gcs))]


def _gcd(value: Any, name: str, chosen: Collection[str]) -> list[Reading]:
    """Likewise, and letter by letter."""
    gcd = text_of(value, read_gcd)
    if isinstance(gcd, Invalid):
        return [unread(name, gcd.reason, set(GCD_PURPOSES) - set(chosen))]
    found = [Reading(name, gcd_signals(gcd))]
    if unknown := unknown_letters(gcd):
        found.append(unread(name, "a letter that is not known", unknown - set(chosen)))
    return found


def _gpp(said: Said) -> tuple[GppString | Invalid | None, frozenset[int] | None]:
    """The string, None when nobody speaks of GPP, and the sections in force. Sections that are said to be in force
    without a string cannot be read."""
    in_force = read_gpp_sid(said.gpp_sid)
    if said.gpp is None or said.gpp == "":
        return (Invalid("gpp_sid without gpp") if in_force else None), in_force
    gpp = text_of(said.gpp, read_gpp)
    if in_force is not None and not is_legible(said.gpp_sid) and not isinstance(gpp, Invalid):
        in_force |= frozenset(gpp.section_ids)
    return gpp, in_force


def _opt_outs_of_gpp(said: Said, gpp: GppString | Invalid | None, in_force: frozenset[int] | None) -> list[Reading]:
    found = [] if gpp is None else [opted_out(GPP, gpp_opt_outs(gpp, in_force))]
    if not is_legible(said.gpp_sid):
        found.append(unread(GPP_SID, "not a list of sections, so that all count"))
    return found


def _tcf(said: Said, section: TCString | Invalid | None, policy: ConsentPolicy, now: int) -> Tcf:
    """The TC string, why it may not be used, and what it says: a refusal for ads when it may not. `section`: the one in
    GPP, which serves where there is no other.

    `gdpr: 0` makes any string meaningless; `gdpr: 1` without one is a page that forgot it.
    """
    gdpr = read_flag(said.gdpr).said
    if gdpr is False:
        return Tcf([], gdpr=False)
    strings: tuple[Found, ...] = said.tcf
    found = [(text_of(value, read_tcf), name) for value, name in strings]
    if not found and section is not None:
        found = [(section, "gpp.tcfeuv2")]
    if not found:
        also = ANALYTICS if policy.tcf_analytics else ()
        missing = [denied_for_ads(GDPR, "1 without a TC string", "1", also)] if gdpr else []
        return Tcf(missing, gdpr=gdpr, spoken=gdpr is not None)
    (string, name), *others = found
    why_not, reading = _read_tcf(string, name, policy, now)
    spellings = [(name, [reading])]
    for other, its_name in others:
        spellings.append((its_name, [_read_tcf(other, its_name, policy, now)[1]]))
        if why_not is None and other != string:
            why_not = f"{name} differs from {its_name}"  # nobody knows which vendors were accepted
    return Tcf(together(spellings), None if isinstance(string, Invalid) else string, why_not, gdpr)


def _read_tcf(found: TCString | Invalid, name: str, policy: ConsentPolicy, now: int) -> tuple[str | None, Reading]:
    """Why a string may not be used, and what it says."""
    also = ANALYTICS if policy.tcf_analytics else ()
    if isinstance(found, Invalid):
        return found.reason, denied_for_ads(name, found.reason, "unreadable", also)
    if (why := why_not_valid(found, now)) is not None:
        return why, denied_for_ads(name, why, "not valid", also)
    return None, Reading(name, tcf_signals(found, analytics=policy.tcf_analytics, exempt=frozenset(policy.tcf_exempt)))
