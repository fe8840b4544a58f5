"""What the signals of an event mean: each function is one kind of signal and gives Readings; `read_consent` asks them
all and merges what they say. A signal that is there and cannot be believed takes away, and never gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tagserver.consent.cookies.header import header_readings
from tagserver.consent.cookies.readers import cmp_readings
from tagserver.consent.mode import consent_mode
from tagserver.consent.needs import PURPOSES, ConsentPolicy
from tagserver.consent.said import Said, said_of
from tagserver.consent.state import ConsentState, Evidence, Reading, Regime, Region, Signal, denied_for_ads, merge
from tagserver.consent.strings.ac import AcString, read_ac
from tagserver.consent.strings.gcd import read_gcd
from tagserver.consent.strings.gcs import read_gcs
from tagserver.consent.strings.google_signals import gcd_signals, gcs_signals
from tagserver.consent.strings.gpp import GppString, read_gpp, tcf_in_gpp
from tagserver.consent.strings.gpp_sid import read_gpp_sid
from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.opt_outs import OptOuts, gpp_opt_outs, usp_opt_outs
from tagserver.consent.strings.tcf import TCString, read_tcf
from tagserver.consent.strings.tcf_purposes import tcf_signals
from tagserver.consent.strings.usp import read_usp
from tagserver.consent.strings.validity import why_not_valid
from tagserver.event import Event

TRUE = (True, 1, "1", "true")
FALSE = (False, 0, "0", "false")

T = TypeVar("T")


def source_consent(source: str, consent: Mapping[str, str], basis: str) -> Reading:
    """What the contract behind a key says for all its events (`collect.keys.NAME.consent`, with its `basis`).

    `consent`: purpose → `granted` or `denied`, checked by the configuration.
    """
    signals = {
        purpose: Signal("granted" if word == "granted" else "denied", "explicit", word)
        for purpose, word in consent.items()
    }
    return Reading(f"source {source} ({basis})", signals)


def region_of(event: Event, policy: ConsentPolicy) -> Region:
    """The visitor's region from what operations trust; an unknown country counts as opt-in. What the event itself says
    of a region is not even read: anybody can claim to be elsewhere."""
    country, subdivision = event.facts.country, event.facts.region
    regime: Regime
    if country is None or not policy.opt_in_regions.isdisjoint((country, subdivision)):
        regime = "opt_in"
    else:
        regime = "opt_out" if country == "US" else "none"
    return Region(country, subdivision, regime)


def read_consent(event: Event, policy: ConsentPolicy, source: Reading | None = None) -> ConsentState:
    """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
    others = [*cookie_readings(event, policy), *([] if source is None else [source])]
    return state_of(said_of(event), region_of(event, policy), policy, event.received, others)


def cookie_readings(event: Event, policy: ConsentPolicy) -> list[Reading]:
    """What consent tools keep in cookies, and what is wrong with the cookies as a whole."""
    found = cmp_readings(event.cookies, policy) if policy.cmp_cookies else []
    return found + header_readings(event.facts.headers.get("cookie"), policy)


def state_of(
    said: Said, region: Region, policy: ConsentPolicy, now: int, others: Sequence[Reading] = ()
) -> ConsentState:
    """The state that follows from what was said. `now` (ms since 1970 UTC) is what the age of strings is measured
    against; `others` are readings of consent tools' cookies and of the contract behind the event's key. Never raises: a
    reader that fails is a refusal of everything."""
    try:
        return _state_of(said, region, policy, now, others)
    except MemoryError:
        raise  # the visitor has refused nothing
    except Exception as error:
        refusal = dict.fromkeys(PURPOSES, Signal("denied", "explicit", "failed"))
        problem = f"gate:{type(error).__name__}"
        return merge([Reading("gate", refusal, sale_opt_out=True, problems=(problem,))], region)


def _state_of(said: Said, region: Region, policy: ConsentPolicy, now: int, others: Sequence[Reading]) -> ConsentState:
    in_force = read_gpp_sid(said.gpp_sid)
    gpp = _gpp(said, in_force is not None)
    gdpr = _flag(said.gdpr)
    tc, why_not, tcf = _tcf(said, gpp, in_force, gdpr, policy, now)
    readings = [*_consent_mode(said, region), *_google(said), *tcf, *others]
    readings += _opt_outs(said, policy, region, gpp, in_force)
    if said.gdpr is not None and gdpr is None:
        readings.append(Reading("gdpr", problems=("gdpr:neither 0 nor 1",)))
    ac, problem = _ac(said)
    if problem is not None:
        readings.append(problem)
    applies = True if gdpr is None and tcf else gdpr
    return merge(readings, region, gdpr_applies=applies, evidence=Evidence(tc, why_not, ac))


def _flag(value: Any) -> bool | None:
    """0 or 1 in the ways that pages write them. Never a cast: the text 0 is true to Python."""
    if isinstance(value, str):
        value = value.strip().lower()
    if not isinstance(value, str | int):
        return None
    return True if value in TRUE else False if value in FALSE else None


def _text(value: Any, read: Callable[[str], T | Invalid]) -> T | Invalid:
    """Read a text by its format. Everything else was not written by a consent tool."""
    return read(value) if isinstance(value, str) else Invalid("is no text")


def _consent_mode(said: Said, region: Region) -> list[Reading]:
    return [] if said.mode is None else consent_mode(said.mode[0], region, field=said.mode[1])


def _google(said: Said) -> Iterator[Reading]:
    """`gcs`, `gcd`, and `npa`, which only takes away."""
    if said.gcs is not None:
        gcs = _text(said.gcs[0], read_gcs)
        yield _unread(said.gcs[1], gcs) if isinstance(gcs, Invalid) else Reading(said.gcs[1], gcs_signals(gcs))
    if said.gcd is not None:
        gcd = _text(said.gcd[0], read_gcd)
        yield _unread(said.gcd[1], gcd) if isinstance(gcd, Invalid) else Reading(said.gcd[1], gcd_signals(gcd))
    if said.npa is not None and _flag(said.npa[0]):
        yield Reading(said.npa[1], {"ad_personalization": Signal("denied", "explicit", "1")})


def _unread(name: str, why: Invalid) -> Reading:
    """A signal without a value: nothing follows from it, and people are told."""
    return Reading(name, problems=(f"{name}:{why.reason}",))


def _gpp(said: Said, in_force: bool) -> GppString | Invalid | None:
    """None when nobody speaks of GPP. Sections that are said to be in force without a string cannot be read."""
    if said.gpp is None or said.gpp == "":
        return Invalid("gpp_sid without gpp") if in_force else None
    return _text(said.gpp, read_gpp)


def _tcf(
    said: Said,
    gpp: GppString | Invalid | None,
    in_force: frozenset[int] | None,
    gdpr: bool | None,
    policy: ConsentPolicy,
    now: int,
) -> tuple[TCString | None, str | None, list[Reading]]:
    """The TC string, why it may not be used, and what it says: a refusal for ads when it may not.

    `gdpr: 0` makes any string meaningless; `gdpr: 1` without one is a page that forgot it.
    """
    if gdpr is False:
        return None, None, []
    found: TCString | Invalid | None
    if said.tcf is not None:
        found, name = _text(said.tcf[0], read_tcf), said.tcf[1]
    else:
        found, name = (None if gpp is None else tcf_in_gpp(gpp, in_force)), "gpp.tcfeuv2"
    if found is None:
        return None, None, [denied_for_ads("gdpr", "1 without a TC string", "1")] if gdpr else []
    if isinstance(found, Invalid):
        return None, found.reason, [denied_for_ads(name, found.reason, "unreadable")]
    if (why := why_not_valid(found, now)) is not None:
        return found, why, [denied_for_ads(name, why, "not valid")]
    signals = tcf_signals(found, analytics=policy.tcf_analytics, exempt=frozenset(policy.tcf_exempt))
    return found, None, [Reading(name, signals)]


def _ac(said: Said) -> tuple[AcString | None, Reading | None]:
    if said.ac is None:
        return None, None
    found = _text(said.ac[0], read_ac)
    return (None, _unread(said.ac[1], found)) if isinstance(found, Invalid) else (found, None)


def _opt_outs(
    said: Said,
    policy: ConsentPolicy,
    region: Region,
    gpp: GppString | Invalid | None,
    in_force: frozenset[int] | None,
) -> Iterator[Reading]:
    """US strings, Global Privacy Control (the header, which page scripts cannot forge, or the field that a backend
    copies) and, by option, DNT. None of them grants anything."""
    if said.usp is not None:
        yield _opted_out(said.usp[1], usp_opt_outs(_text(said.usp[0], read_usp)))
    if gpp is not None:
        yield _opted_out("gpp", gpp_opt_outs(gpp, in_force))
    if policy.gpc != "ignore" and (policy.gpc_scope == "global" or region.country == "US"):
        if said.sec_gpc is not None and said.sec_gpc.strip() == "1":
            yield Reading("Sec-GPC", sale_opt_out=True)
        if _flag(said.gpc):
            yield Reading("gpc", sale_opt_out=True)
    if policy.dnt == "restrict" and said.dnt == "1":
        yield Reading("DNT", sale_opt_out=True)


def _opted_out(name: str, found: OptOuts) -> Reading:
    return Reading(
        name,
        sale_opt_out=found.sale_opt_out,
        sensitive_limit=found.sensitive_limit,
        known_child=found.known_child,
        problems=tuple(f"{name}:{problem}" for problem in found.problems),
    )
