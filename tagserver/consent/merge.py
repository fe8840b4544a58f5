"""From all that is said of consent to one state.

Each kind of signal gives Readings; what an event says goes before what its batch's context says. All readings together
are merged, never overridden: the most restrictive explicit value wins, a default only counts where nothing explicit was
said, and a granted default is no consent in an opt-in region. A new kind of signal is one more source of Readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tagserver.consent.cookies.tools import cmp_readings, header_readings
from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.google import AcString, read_ac
from tagserver.consent.decoders.us import read_usp
from tagserver.consent.layers import Layer, TcfReading, over, text_of
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading, Region, Signal, State, unreadable_signal
from tagserver.consent.signals import Found, RawSignals, read_flag
from tagserver.consent.state import NO_EVIDENCE, ConsentState, Evidence, Purpose
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
    if country is None or not policy.opt_in_regions.isdisjoint((country, subdivision)):
        return Region(country, subdivision, "opt_in")
    return Region(country, subdivision, "opt_out" if country == "US" else "none")


def cookie_readings(event: Event, policy: ConsentPolicy) -> list[Reading]:
    """What consent tools keep in cookies, and what is wrong with the cookies as a whole."""
    found = cmp_readings(event.cookies, policy) if policy.cmp_cookies else []
    return found + header_readings(event.facts.headers.get("cookie"), policy)


def state_of(
    raw: RawSignals, region: Region, policy: ConsentPolicy, now: int, others: Sequence[Reading] = ()
) -> ConsentState:
    """The state that follows from an event's signals. `now` (ms since 1970 UTC) is what the age of strings is measured
    against; `others` are readings of consent tools' cookies and of the contract behind the event's key. Never raises:
    where a decoder fails, everything is denied."""
    try:
        return _state_of(raw, region, policy, now, others)
    except MemoryError:
        raise  # the visitor has refused nothing
    except Exception as error:
        refusal = dict.fromkeys(PURPOSES, Signal("denied", "explicit", "failed", "unreadable"))
        problem = f"gate:{type(error).__name__}"
        return merge([Reading("gate", refusal, sale_opt_out=True, problems=(problem,))], region)


def _state_of(
    raw: RawSignals, region: Region, policy: ConsentPolicy, now: int, others: Sequence[Reading]
) -> ConsentState:
    own = Layer(raw, region, policy, now)
    if raw.beneath is None:
        readings, tcf, ac = [*own.consent_mode, *own.gcs, *own.gcd, *own.gpp], own.tcf, raw.ac
    else:
        readings, tcf, ac = _over_context(own, Layer(raw.beneath, region, policy, now), raw.ac, raw.beneath)
    readings += [*tcf.readings, *_flags(raw), *_opt_outs(raw, policy, region), *others]
    providers, unread = _providers(ac)
    readings += unread
    applies = True if tcf.gdpr is None and tcf.readings else tcf.gdpr
    return merge(readings, region, gdpr_applies=applies, evidence=Evidence(tcf.string, tcf.why_not, providers))


def _over_context(
    own: Layer, beneath: Layer, ac: Found | None, context: RawSignals
) -> tuple[list[Reading], TcfReading, Found | None]:
    """An event's own readings over those of its batch's context, kind by kind. Vendors are those of the string that
    counts: the additional string of another one is void."""
    readings = [
        *over(own.consent_mode, beneath.consent_mode),
        *over(own.gcs, beneath.gcs),
        *over(own.gcd, beneath.gcd),
        *over(own.gpp, beneath.gpp),
    ]
    if own.tcf.spoken or not (context.tcf or beneath.tcf.gdpr is not None):
        return readings, own.tcf._replace(readings=over(own.tcf.readings, beneath.tcf.readings)), ac
    return readings, beneath.tcf, ac or context.ac  # the event has a GPP string, which might have held one and does not


def _providers(ac: Found | None) -> tuple[AcString | None, list[Reading]]:
    if ac is None:
        return None, []
    found = text_of(ac[0], read_ac)
    return (None, [unreadable_signal(ac[1], found.reason)]) if isinstance(found, Invalid) else (found, [])


def _flags(raw: RawSignals) -> Iterator[Reading]:
    """`npa`, which only takes away, and what is odd about flags."""
    flags = [(name, read_flag(value)) for value, name in raw.npa]
    for name, flag in flags:
        if flag.value:
            yield Reading(name, {"ad_personalization": Signal("denied", "explicit", "1")})
    if len({flag.value for _, flag in flags}) > 1:
        one, other = NPA
        yield Reading(one, problems=(f"{one}:differs from {other}, and the stricter counts",))
    for name, flag in [*flags, (GPC, read_flag(raw.gpc)), (GDPR, read_flag(raw.gdpr))]:
        if not flag.plain:
            yield Reading(name, problems=(f"{name}:neither yes nor no, which counts as yes",))


def _opt_outs(raw: RawSignals, policy: ConsentPolicy, region: Region) -> Iterator[Reading]:
    """US Privacy, Global Privacy Control (the header, which page scripts cannot forge, or the field that a backend
    copies) and, by option, DNT. None of them grants anything."""
    if raw.usp is not None:
        value, name = raw.usp
        usp = text_of(value, read_usp)
        if isinstance(usp, Invalid):
            yield Reading(name, sale_opt_out=True, problems=(f"{name}:uspv1: {usp.reason}",))
        else:
            yield Reading(name, sale_opt_out=usp.sale_opt_out)
    if policy.gpc != "ignore" and (policy.gpc_scope == "global" or region.country == "US"):
        if _says_one(raw.sec_gpc):
            yield Reading("Sec-GPC", sale_opt_out=True)
        if read_flag(raw.gpc).value:
            yield Reading(GPC, sale_opt_out=True)
    if policy.dnt == "restrict" and _says_one(raw.dnt):
        yield Reading("DNT", sale_opt_out=True)


def _says_one(header: str | None) -> bool:
    """Whether a header that stands once or more says 1: a proxy or an extension may have added another."""
    return header is not None and any(one.strip() == "1" for one in header.split(","))


def merge(
    readings: Iterable[Reading],
    region: Region,
    *,
    gdpr_applies: bool | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> ConsentState:
    """One state from all readings. Pure; the order of the readings does not matter."""
    found: dict[str, list[tuple[str, Signal]]] = {}
    opt_out: list[str] = []
    problems: list[str] = []
    sensitive = known_child = False
    for reading in readings:
        for purpose, signal in reading.signals.items():
            found.setdefault(purpose, []).append((reading.name, signal))
        if reading.sale_opt_out:
            opt_out.append(reading.name)
        sensitive = sensitive or bool(reading.sensitive_limit)
        known_child = known_child or bool(reading.known_child)
        problems.extend(reading.problems)
    purposes = {purpose: _merge_one(signals, region) for purpose, signals in found.items()}
    return ConsentState(
        purposes=purposes,
        granted=frozenset(name for name, purpose in purposes.items() if purpose.state == "granted"),
        region=region,
        sale_opt_out=tuple(opt_out),
        sensitive_limit=sensitive,
        known_child=known_child,
        gdpr_applies=gdpr_applies,
        evidence=evidence,
        problems=tuple(problems),
    )


def _merge_one(signals: list[tuple[str, Signal]], region: Region) -> Purpose:
    explicit = [pair for pair in signals if pair[1].kind == "explicit"]
    heard = explicit or signals
    denied = [pair for pair in heard if pair[1].state == "denied"]
    deciding = denied or heard
    state: State = "denied" if denied else "granted"
    if state == "granted" and not explicit and region.regime == "opt_in":
        state = "unset"  # a preset is not consent
    return Purpose(
        state,
        "explicit" if explicit else "default",
        tuple(name for name, _ in deciding),
        tuple(signal.raw for _, signal in deciding),
        any(signal.by == "visitor" for _, signal in deciding),
        all(signal.by == "contract" for _, signal in deciding),
    )
