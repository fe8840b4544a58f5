"""What a source says of consent, whatever its format: a Signal for each purpose it speaks of, together a Reading.

Decoders and cookies of consent tools give Readings; `tagserver.consent.merge` makes one state of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tagserver.event.consent_fields import AD_PURPOSES

State = Literal["granted", "denied", "unset"]
SignalKind = Literal["default", "explicit"]
Author = Literal["visitor", "contract", "unreadable"]
"""Who decided: the visitor, as far as a page or a cookie tells; a contract, for all people of a source; or nobody,
because what stands there cannot be read or believed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one source says of one purpose. `raw` is the value as it was seen."""

    state: Literal["granted", "denied"]
    kind: SignalKind
    raw: str | bool
    by: Author = "visitor"


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


def unreadable_signal(name: str, why: str, purposes: Collection[str] = ()) -> Reading:
    """The reading of a signal that is there and cannot be read: these purposes are denied, and people are told."""
    return Reading(name, dict.fromkeys(purposes, UNREADABLE), problems=(f"{name}:{why}",))


def denied_for_ads(name: str, why: str, raw: str, also: Collection[str] = ()) -> Reading:
    """The reading of a signal that is there and cannot be believed: the three ad purposes are denied, and those that it
    might `also` have spoken of."""
    signal = Signal("denied", "explicit", raw, "unreadable")
    return Reading(name, dict.fromkeys((*AD_PURPOSES, *also), signal), problems=(f"{name}:{why}",))


@dataclass(frozen=True, slots=True)
class Region:
    """Where the visitor is: ISO 3166-1 country, ISO 3166-2 subdivision, and the regime of the site's policy there."""

    country: str | None = None
    subdivision: str | None = None
    regime: Literal["opt_in", "opt_out", "none"] = "opt_in"
