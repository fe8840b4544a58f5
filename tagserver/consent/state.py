"""The consent of one event, merged: what was granted, denied or never said, and who said so.

Made by `tagserver.consent.merge`, immutable, and shared by all events and tags for which the same was said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagserver.consent.decoders.google import AcString
from tagserver.consent.decoders.tcf import TCString
from tagserver.consent.model.reading import Region, SignalKind, State
from tagserver.event.consent_fields import PURPOSES


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
class Purpose:
    """What was said of one purpose, merged: with the sources that decided it and the raw values they showed. `own`: the
    visitor himself decided it, by one of them; `contract`: nobody but a contract did."""

    state: State
    kind: SignalKind | None
    sources: tuple[str, ...]
    raw: tuple[str | bool, ...]
    own: bool
    contract: bool = False


UNSET = Purpose("unset", None, (), (), own=False)


@dataclass(frozen=True)
class ConsentState:
    """The merged state of one event. A purpose that is not in `purposes` is unset, and unset counts as denied."""

    purposes: Mapping[str, Purpose]
    granted: frozenset[str]
    region: Region
    sale_opt_out: tuple[str, ...] = ()
    sensitive_limit: bool = False
    known_child: bool = False
    gdpr_applies: bool | None = None
    evidence: Evidence = NO_EVIDENCE
    problems: tuple[str, ...] = ()

    def purpose(self, name: str) -> Purpose:
        """What was said of one purpose."""
        return self.purposes.get(name, UNSET)

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """The purposes that the visitor explicitly denied. What a contract says for all people of a source is not the
        visitor's choice; nor is what cannot be read: it counts as a refusal for its event, but nobody has said that
        what was granted before is over."""
        return self._chosen("denied")

    @cached_property
    def explicitly_granted(self) -> frozenset[str]:
        """The purposes that the visitor explicitly granted; again not by a contract."""
        return self._chosen("granted")

    def _chosen(self, state: State) -> frozenset[str]:
        return frozenset(
            name
            for name, purpose in self.purposes.items()
            if purpose.state == state and purpose.kind == "explicit" and purpose.own
        )

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
