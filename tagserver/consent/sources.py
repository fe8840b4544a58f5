"""Where consent is read from. Each function here is one source; `read_consent` asks them all and merges what they
say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tagserver.consent.mode import consent_mode
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import ConsentState, Reading, Regime, Region, Signal, denied_for_ads, merge
from tagserver.event import Event


def source_consent(source: str, consent: Mapping[str, str], basis: str) -> Reading:
    """What the contract behind a key says for all its events (`collect.keys.NAME.consent`, with its `basis`).

    `consent`: purpose → `granted` or `denied`, checked by the configuration.
    """
    signals = {
        purpose: Signal("granted" if word == "granted" else "denied", "explicit", word)
        for purpose, word in consent.items()
    }
    return Reading(f"source {source} ({basis})", signals)


UNREAD_STRINGS = ("tcf", "gdpr_consent", "gcs", "gcd", "gpp")
"""Fields of an event that hold a consent string which this version does not decode."""


def region_of(event: Event, policy: ConsentPolicy) -> Region:
    """The visitor's region from the request's trusted headers; an unknown country counts as opt-in."""
    country, subdivision = event.facts.country, event.facts.region
    regime: Regime
    if country is None or not policy.opt_in_regions.isdisjoint((country, subdivision)):
        regime = "opt_in"
    else:
        regime = "opt_out" if country == "US" else "none"
    return Region(country, subdivision, regime)


FIELDS = ("consent", "consent_state", "gdpr", "gpc", "us_privacy", *UNREAD_STRINGS)
"""The fields of an event that say something about consent. With the headers `Sec-GPC` and `DNT`, the region and the
source they are all that a state is made of."""

_encode = msgspec.json.Encoder().encode


class ConsentReader:
    """Reads the consent of events under one policy.

    Visitors say the same few things over and over: a state is worked out once for each combination of signals and
    then remembered. What is longer than `LONGEST` is one visitor's own and is not.
    """

    LONGEST = 1024
    MOST = 1024

    def __init__(self, policy: ConsentPolicy) -> None:
        self._policy = policy
        self._known: dict[tuple[Any, ...], ConsentState] = {}

    def read(self, event: Event, source: Reading | None = None) -> ConsentState:
        """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
        data, facts = event.data, event.facts
        headers = facts.headers
        get = data.get
        try:
            said = _encode([get(field) for field in FIELDS])
        except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
            return read_consent(event, self._policy, source)
        key = (said, headers.get("sec-gpc"), headers.get("dnt"), facts.country, facts.region, source)
        state = self._known.get(key)
        if state is None:
            state = read_consent(event, self._policy, source)
            if len(said) <= self.LONGEST:
                if len(self._known) >= self.MOST:
                    self._known.clear()
                self._known[key] = state
        return state


def read_consent(event: Event, policy: ConsentPolicy, source: Reading | None = None) -> ConsentState:
    """The merged state of one event. `source` is what the contract behind its key says. Never raises."""
    region = region_of(event, policy)
    readings = list(_event_consent(event, region))
    if source is not None:
        readings.append(source)
    readings.extend(_opt_outs(event, policy, region))
    gdpr = _gdpr(event)
    readings.extend(_unread(event, gdpr))
    return merge(readings, region, gdpr_applies=gdpr, vendor_signal=_vendor_signal(event))


def _event_consent(event: Event, region: Region) -> list[Reading]:
    data = event.data
    for field in ("consent", "consent_state"):
        if data.get(field) is not None:
            return consent_mode(data[field], region, field=field)
    return []


def _opt_outs(event: Event, policy: ConsentPolicy, region: Region) -> Iterator[Reading]:
    """Global Privacy Control, from the header that page scripts cannot forge or the field a backend copies; DNT by
    option."""
    if policy.gpc != "ignore" and (policy.gpc_scope == "global" or region.country == "US"):
        if event.facts.headers.get("sec-gpc") == "1":
            yield Reading("Sec-GPC", sale_opt_out=True)
        if event.data.get("gpc") in (True, 1, "1", "true"):
            yield Reading("gpc", sale_opt_out=True)
    if policy.dnt == "restrict" and event.facts.headers.get("dnt") == "1":
        yield Reading("DNT", sale_opt_out=True)


def _gdpr(event: Event) -> bool | None:
    value = event.data.get("gdpr")
    if value in (1, "1", True):
        return True
    return False if value in (0, "0", False) and value is not None else None


def _vendor_signal(event: Event) -> bool:
    return bool(event.data.get("tcf") or event.data.get("gdpr_consent"))


def _unread(event: Event, gdpr: bool | None) -> Iterator[Reading]:
    """A string that may hold a refusal and cannot be read counts as one; US Privacy alone only opts out of sale."""
    data = event.data
    if gdpr is not False:
        for field in UNREAD_STRINGS:
            if data.get(field):
                yield denied_for_ads(field, "not_read_by_this_version", "unread")
    if data.get("us_privacy"):
        yield Reading("us_privacy", sale_opt_out=True, problems=("us_privacy:not_read_by_this_version",))
