"""The gate: one decision per tag, from what the tag needs and what the visitor allowed.

The table is `requires` means all of them; unset counts as denied; what is missing beyond the requirements
restricts. The same rule is asked again before every attempt, with what was granted when the event came in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.tcf import ANALYTICS, NOT_ALLOWED, TCF_PURPOSES, Vendors
from tagserver.consent.model.policy import ConsentPolicy, Needs, VendorCheck
from tagserver.consent.state import ConsentState, Evidence
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES

Decision = Literal["send", "restrict", "block"]
_ADS = frozenset(AD_PURPOSES)
EARLIER_GPC = "Global Privacy Control with an earlier copy of this order"
GPC = frozenset({"Sec-GPC", "gpc", EARLIER_GPC})
"""The readings of Global Privacy Control, which a site may take as more than an opt-out of sale."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is `consent`, `vendor` or `child` for a block, else empty; `detail` is a sentence for people."""

    decision: Decision
    reason: Literal["", "consent", "vendor", "child"] = ""
    detail: str = ""


SEND = Verdict("send")


def decide(needs: Needs, state: ConsentState, policy: ConsentPolicy) -> Verdict:
    """Send, restrict or block. Pure and total."""
    if state.known_child and needs.ads:
        return Verdict("block", "child", "the visitor is known to be a child")
    if not needs.purposes <= state.granted:
        return Verdict("block", "consent", "needs " + _states(needs.purposes - state.granted, state))
    about_ads = needs.ads or not needs.purposes.isdisjoint(_ADS)
    asked = needs.vendor if about_ads and state.gdpr_applies is True else None
    if asked is not None and (why := why_not_accepted(asked, needs.purposes, state.evidence)) is not None:
        return Verdict("block", "vendor", why)
    if not about_ads:
        return SEND
    if policy.gpc == "block" and (sources := [name for name in state.sale_opt_out if name in GPC]):
        return Verdict("block", "consent", f"opted out of sale ({', '.join(sources)})")
    not_granted = _ADS - state.granted
    if not not_granted and not state.sale_opt_out:
        return SEND
    why = _states(not_granted, state) if not_granted else f"opted out of sale ({', '.join(state.sale_opt_out)})"
    if needs.restricted:
        return Verdict("restrict", "", why)
    return Verdict("block", "consent", f"{why}, and the destination has no restricted mode")


def why_not_accepted(vendor: VendorCheck, purposes: Collection[str], evidence: Evidence) -> str | None:
    """Why the visitor has not accepted a vendor for these purposes; None when he has. Google's additional string is
    void without a TC string that may be used."""
    tc = evidence.usable
    if tc is None:
        return f"{vendor.kind} {vendor.id}: {evidence.why_not or 'no TC string'}"
    if vendor.kind == "ac_id":
        if evidence.ac is None:
            return f"ac_id {vendor.id}: no additional consent string"
        return None if vendor.id in evidence.ac.consented else f"no consent for provider {vendor.id}"
    vendors = tc.vendors
    return vendors.reason if isinstance(vendors, Invalid) else _why_not_in_tcf(vendors, vendor.id, purposes)


def _why_not_in_tcf(vendors: Vendors, vendor: int, purposes: Collection[str]) -> str | None:
    """Why a vendor of the IAB's list is not accepted. It must have been shown, too: a string without that segment
    accepts nobody."""
    if vendor not in vendors.consents:
        return f"no consent for vendor {vendor}"
    if vendors.disclosed is None or vendor not in vendors.disclosed:
        return f"vendor {vendor} was not disclosed"
    numbers = {number for name in purposes for number in (*TCF_PURPOSES.get(name, ()), *ANALYTICS.get(name, ()))}
    for restriction in vendors.restrictions:
        binds = restriction.kind == NOT_ALLOWED and restriction.purpose in numbers
        if binds and vendor in restriction.vendors:
            return f"the publisher does not allow vendor {vendor} purpose {restriction.purpose}"
    return None


def _states(purposes: frozenset[str], state: ConsentState) -> str:
    """`ad_user_data, is denied (consent.update); ad_storage, is not set`, in the purposes' own order."""
    sentences = []
    for name in sorted(purposes, key=lambda name: (PURPOSES.index(name) if name in PURPOSES else 99, name)):
        purpose = state.purpose(name)
        word: str = "not set" if purpose.state == "unset" else purpose.state
        if purpose.kind == "default" and purpose.state == "unset":
            word = "only a preset"
        sentences.append(f"{name}, is {word}" + (f" ({', '.join(purpose.sources)})" if purpose.sources else ""))
    return "; ".join(sentences)
