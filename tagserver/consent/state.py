"""What the visitor allowed: signals from any number of sources, merged once per event into one immutable state.

Every source yields a Reading. Readings are merged, never overridden: the most restrictive explicit value wins, a
default only counts where nothing explicit was said, and a granted default is no consent in an opt-in region. A new
kind of signal is one more source of Readings; nothing else changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tagserver.consent.strings.ac import AcString
from tagserver.consent.strings.tcf import TCString
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES

State = Literal["granted", "denied", "unset"]
Kind = Literal["default", "explicit"]
Regime = Literal["opt_in", "opt_out", "none"]


By = Literal["visitor", "contract", "unreadable"]
"""Whose word it is: the visitor's own, as far as a page or a cookie tells; what a contract says for all people of a
source; or nobody's, because what stands there cannot be read or believed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One source's word on one purpose. `raw` is the value as it was seen."""

    state: Literal["granted", "denied"]
    kind: Kind
    raw: str | bool
    by: By = "visitor"


UNREADABLE = Signal("denied", "explicit", "unreadable", "unreadable")
"""What is there and cannot be read denies what it could have spoken of."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one source says. `name` is shown to people (`consent.update`, `source crm (contract, 2026-03)`). The three
    opt-outs are None where it does not speak of them, which counts as no.

    Compared by identity, so that the reading of a source's contract can be a key.
    """

    name: str
    signals: Mapping[str, Signal] = field(default_factory=dict)
    sale_opt_out: bool | None = None
    sensitive_limit: bool | None = None
    known_child: bool | None = None
    problems: tuple[str, ...] = ()

    @property
    def value(self) -> Hashable:
        """All that it says: two readings with the same one lead to the same state."""
        opt_outs = (self.sale_opt_out, self.sensitive_limit, self.known_child)
        return self.name, tuple(self.signals.items()), opt_outs, self.problems


@dataclass(frozen=True, slots=True)
class Evidence:
    """The strings that name vendors. `why_not`: why the TC string may not be used; None when it may, or when there is
    none."""

    tc: TCString | None = None
    why_not: str | None = None
    ac: AcString | None = None

    @property
    def usable(self) -> TCString | None:
        """The TC string, if it may be used."""
        return self.tc if self.why_not is None else None

    def as_dict(self) -> dict[str, Any] | None:
        """Who asked the visitor, and when; the vendors themselves are thousands of numbers."""
        if self.tc is None:
            return None
        return {
            "cmp_id": self.tc.cmp_id,
            "vendor_list_version": self.tc.vendor_list_version,
            "last_updated": self.tc.last_updated,
            "valid": self.why_not is None,
            "invalid_because": self.why_not,
        }


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class Region:
    """Where the visitor is: ISO 3166-1 country, ISO 3166-2 subdivision, and the regime of the site's policy there."""

    country: str | None = None
    subdivision: str | None = None
    regime: Regime = "opt_in"


@dataclass(frozen=True, slots=True)
class Purpose:
    """The merged word on one purpose, with the sources that decided it and the raw values they showed. `own`: one of
    them is the visitor's own word."""

    state: State
    kind: Kind | None = None
    sources: tuple[str, ...] = ()
    raw: tuple[str | bool, ...] = ()
    own: bool = False


UNSET = Purpose("unset")


@dataclass(frozen=True)
class ConsentState:
    """The merged state of one event. A purpose that is not in `purposes` is unset, and unset counts as denied."""

    purposes: Mapping[str, Purpose]
    granted: frozenset[str]
    region: Region = Region()
    sale_opt_out: tuple[str, ...] = ()
    sensitive_limit: bool = False
    known_child: bool = False
    gdpr_applies: bool | None = None
    evidence: Evidence = NO_EVIDENCE
    problems: tuple[str, ...] = ()

    def purpose(self, name: str) -> Purpose:
        """The word on one purpose."""
        return self.purposes.get(name, UNSET)

    @cached_property
    def proof(self) -> str:
        """A short hash of the state, without any identifier: the key of an audit record."""
        parts = [f"{name}={self.purpose(name).state}/{self.purpose(name).kind}" for name in PURPOSES]
        parts += [f"opt_out={bool(self.sale_opt_out)}", f"child={self.known_child}", f"gdpr={self.gdpr_applies}"]
        parts += [f"sensitive={self.sensitive_limit}"]
        parts += [f"region={self.region.country}/{self.region.subdivision}/{self.region.regime}"]
        return hashlib.sha256(";".join(parts).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """The state as `try` shows it."""
        return {
            "purposes": {
                name: {"state": p.state, "kind": p.kind, "sources": list(p.sources), "raw": list(p.raw)}
                for name in PURPOSES
                for p in (self.purpose(name),)
            },
            "sale_opt_out": bool(self.sale_opt_out),
            "sale_opt_out_sources": list(self.sale_opt_out),
            "sensitive_limit": self.sensitive_limit,
            "known_child": self.known_child,
            "gdpr_applies": self.gdpr_applies,
            "tcf": self.evidence.as_dict(),
            "region": {
                "country": self.region.country,
                "subdivision": self.region.subdivision,
                "regime": self.region.regime,
            },
            "problems": list(self.problems),
            "proof": self.proof,
        }


def merge(
    readings: Iterable[Reading],
    region: Region,
    *,
    gdpr_applies: bool | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> ConsentState:
    """One state from all readings. Pure; the order of the readings does not matter."""
    said: dict[str, list[tuple[str, Signal]]] = {}
    opt_out: list[str] = []
    problems: list[str] = []
    sensitive = known_child = False
    for reading in readings:
        for purpose, signal in reading.signals.items():
            said.setdefault(purpose, []).append((reading.name, signal))
        if reading.sale_opt_out:
            opt_out.append(reading.name)
        sensitive = sensitive or bool(reading.sensitive_limit)
        known_child = known_child or bool(reading.known_child)
        problems.extend(reading.problems)
    purposes = {purpose: _merge_one(signals, region) for purpose, signals in said.items()}
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
    )


def denied_for_ads(name: str, why: str, raw: str, also: Iterable[str] = ()) -> Reading:
    """The reading of a signal that is there but cannot be believed: the three ad purposes are denied, and those that it
    might `also` have spoken of."""
    signal = Signal("denied", "explicit", raw, "unreadable")
    return Reading(name, dict.fromkeys((*AD_PURPOSES, *also), signal), problems=(f"{name}:{why}",))
