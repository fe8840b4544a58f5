"""The consent of one event: everything that was said, merged into one state. Each kind of signal gives Readings; what
an event says stands above what its batch's context says; what cookies and contracts say is merged with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tagserver.consent.cookies.header import header_readings
from tagserver.consent.cookies.readers import cmp_readings
from tagserver.consent.flags import read_flag
from tagserver.consent.layers import above
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.signals import Found, Said, said_of
from tagserver.consent.state import ConsentState, Evidence, Reading, Regime, Region, Signal, merge
from tagserver.consent.strings.ac import AcString, read_ac
from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.opt_outs import usp_opt_outs
from tagserver.consent.strings.usp import read_usp
from tagserver.consent.words import Tcf, Words, opted_out, text_of, unread
from tagserver.event.consent_fields import GDPR, GPC, NPA, PURPOSES
from tagserver.event.event import Event


def source_consent(source: str, consent: Mapping[str, str], basis: str) -> Reading:
    """What the contract behind a key says for all its events (`collect.keys.NAME.consent`, with its `basis`).

    `consent`: purpose → `granted` or `denied`, checked by the configuration.
    """
    signals = {
        purpose: Signal("granted" if word == "granted" else "denied", "explicit", word, "contract")
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
        refusal = dict.fromkeys(PURPOSES, Signal("denied", "explicit", "failed", "unreadable"))
        problem = f"gate:{type(error).__name__}"
        return merge([Reading("gate", refusal, sale_opt_out=True, problems=(problem,))], region)


def _state_of(said: Said, region: Region, policy: ConsentPolicy, now: int, others: Sequence[Reading]) -> ConsentState:
    own = Words(said, region, policy, now)
    if said.beneath is None:
        readings, tcf, ac = [*own.consent_mode, *own.gcs, *own.gcd, *own.gpp], own.tcf, said.ac
    else:
        readings, tcf, ac = _above(own, Words(said.beneath, region, policy, now), said.ac, said.beneath)
    readings += [*tcf.readings, *_flags(said), *_opt_outs(said, policy, region), *others]
    providers, unreadable = _providers(ac)
    readings += unreadable
    applies = True if tcf.gdpr is None and tcf.readings else tcf.gdpr
    return merge(readings, region, gdpr_applies=applies, evidence=Evidence(tcf.string, tcf.why_not, providers))


def _above(own: Words, beneath: Words, ac: Found | None, context: Said) -> tuple[list[Reading], Tcf, Found | None]:
    """An event's words above those of its batch's context, kind by kind. Vendors are those of the string that counts:
    the additional string of another one is void."""
    readings = [
        reading
        for kind in ("consent_mode", "gcs", "gcd", "gpp")
        for reading in above(getattr(own, kind), getattr(beneath, kind))
    ]
    if own.tcf.spoken or not (context.tcf or beneath.tcf.gdpr is not None):
        return readings, own.tcf._replace(readings=above(own.tcf.readings, beneath.tcf.readings)), ac
    return readings, beneath.tcf, ac or context.ac  # the event has a GPP string, which might have held one and does not


def _providers(ac: Found | None) -> tuple[AcString | None, list[Reading]]:
    if ac is None:
        return None, []
    found = text_of(ac[0], read_ac)
    return (None, [unread(ac[1], found.reason)]) if isinstance(found, Invalid) else (found, [])


def _flags(said: Said) -> Iterator[Reading]:
    """`npa`, which only takes away, and what is odd about flags."""
    flags = [(name, read_flag(value)) for value, name in said.npa]
    for name, flag in flags:
        if flag.said:
            yield Reading(name, {"ad_personalization": Signal("denied", "explicit", "1")})
    if len({flag.said for _, flag in flags}) > 1:
        yield Reading(NPA[0], problems=(f"{NPA[0]}:differs from {NPA[1]}, and the stricter counts",))
    for name, flag in [*flags, (GPC, read_flag(said.gpc)), (GDPR, read_flag(said.gdpr))]:
        if not flag.plain:
            yield Reading(name, problems=(f"{name}:neither yes nor no, which counts as yes",))


def _says_one(header: str | None) -> bool:
    """Whether a header that stands once or more says 1: a proxy or an extension may have added another."""
    return header is not None and any(one.strip() == "1" for one in header.split(","))


def _opt_outs(said: Said, policy: ConsentPolicy, region: Region) -> Iterator[Reading]:
    """US Privacy, Global Privacy Control (the header, which page scripts cannot forge, or the field that a backend
    copies) and, by option, DNT. None of them grants anything."""
    if said.usp is not None:
        yield opted_out(said.usp[1], usp_opt_outs(text_of(said.usp[0], read_usp)))
    if policy.gpc != "ignore" and (policy.gpc_scope == "global" or region.country == "US"):
        if _says_one(said.sec_gpc):
            yield Reading("Sec-GPC", sale_opt_out=True)
        if read_flag(said.gpc).said:
            yield Reading(GPC, sale_opt_out=True)
    if policy.dnt == "restrict" and _says_one(said.dnt):
        yield Reading("DNT", sale_opt_out=True)
