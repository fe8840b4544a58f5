"""Promise 3: no consent, no call. Missing, unknown or garbled consent counts as denied; all purposes, not any."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.gate import decide
from tagserver.consent.merge import merge, source_consent
from tagserver.consent.model.policy import ConsentPolicy, Needs, VendorCheck
from tagserver.consent.model.reading import Reading, Region
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES
from tagserver.inbound.clients.datalayer import read_context
from tests.fast_yaml import safe_load

from ..events import consent_of, event, facts
from ..inbound.test_datalayer import JSON

META = Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=True)
CASES = safe_load(Path(__file__).with_name("cases.yaml").read_text())


def state_of(case: dict[str, Any], policy: ConsentPolicy) -> ConsentState:
    country, region = case.get("geo", (None, None))
    source = source_consent("crm", case["source"], "contract") if "source" in case else None
    known = {"country": country, "region": region, "headers": case.get("headers", {})}
    made = event(case["event"], read_context(case.get("ctx"), None, facts(**known)), **known)
    return consent_of(made, policy, source)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    """Signals in, decision out."""
    policy = ConsentPolicy()
    assert decide(META, state_of(case, policy), policy).decision == case["decision"]


@given(st.fixed_dictionaries({"consent": JSON}))
def test_only_a_word_for_granted_ever_grants(pushed: dict[str, Any]) -> None:
    """Whatever JSON stands in `consent`, a purpose is granted only by the word granted, or true."""
    state = consent_of(event(pushed), ConsentPolicy())
    for name in state.granted:
        assert all(raw is True or str(raw).strip().lower() == "granted" for raw in state.purpose(name).raw)


@given(st.lists(st.sampled_from(["granted", "denied", None]), min_size=3, max_size=3))
def test_send_means_all_three_ad_purposes_and_block_a_needed_one(words: list[str | None]) -> None:
    """The decision table for a destination with a restricted mode, in full."""
    said = {purpose: word for purpose, word in zip(AD_PURPOSES, words, strict=True) if word}
    policy = ConsentPolicy()
    decision = decide(META, consent_of(event({"consent": said}), policy), policy).decision
    needed = said.get("ad_storage") == said.get("ad_user_data") == "granted"
    assert decision == (
        "block" if not needed else "send" if said.get("ad_personalization") == "granted" else "restrict"
    )


@pytest.mark.parametrize("needs", list(itertools.combinations(PURPOSES, 2)))
def test_every_pair_of_purposes_is_needed_in_full(needs: tuple[str, str]) -> None:
    """One of two granted is not enough, whichever they are."""
    policy = ConsentPolicy()
    wanted = Needs(frozenset(needs), ads=False, restricted=True)
    for granted in needs:
        state = consent_of(event({"consent": {granted: "granted"}}), policy)
        assert decide(wanted, state, policy).decision == "block"


def test_restrict_without_a_restricted_mode_is_block() -> None:
    """A destination that has no limited mode is not called when something is missing."""
    policy = ConsentPolicy()
    state = consent_of(event({"consent": {"ad_storage": "granted", "ad_user_data": "granted"}}), policy)
    verdict = decide(Needs(META.purposes, ads=True, restricted=False), state, policy)
    assert (verdict.decision, verdict.reason) == ("block", "consent")


def test_a_vendor_check_that_cannot_be_made_blocks() -> None:
    """Where GDPR is in play, a vendor is accepted only when a list says so."""
    policy = ConsentPolicy()
    granted = dict.fromkeys(AD_PURPOSES, "granted")
    needs = Needs(META.purposes, ads=True, restricted=True, vendor=VendorCheck("ac_id", 89))
    for gdpr, decision in ((1, "block"), (0, "send")):
        state = consent_of(event({"consent": granted, "gdpr": gdpr}), policy)
        assert decide(needs, state, policy).decision == decision


def test_the_detail_names_purpose_state_and_source() -> None:
    """A person reads why: what was needed, what it is, who said so."""
    policy = ConsentPolicy()
    said = {"default": {"ad_storage": "granted"}, "update": {"ad_user_data": "denied"}}
    verdict = decide(META, consent_of(event({"consent": said}), policy), policy)
    assert verdict.detail == (
        "needs ad_storage, is only a preset (consent.default); ad_user_data, is denied (consent.update)"
    )


def test_the_detail_names_purposes_in_their_own_order() -> None:
    """As Google lists them, not by the alphabet."""
    needs = Needs(frozenset(PURPOSES), ads=True, restricted=True)
    verdict = decide(needs, consent_of(event({}), ConsentPolicy()), ConsentPolicy())
    assert verdict.detail == "needs " + "; ".join(f"{name}, is not set" for name in PURPOSES)


@pytest.mark.parametrize(("gpc", "decision"), [("restrict", "restrict"), ("block", "block"), ("ignore", "send")])
def test_gpc_policy(gpc: Any, decision: str) -> None:
    """`gpc:` says what Global Privacy Control does to ads destinations."""
    policy = ConsentPolicy(gpc=gpc)
    made = event({"consent": dict.fromkeys(AD_PURPOSES, "granted")}, headers={"sec-gpc": "1"})
    assert decide(META, consent_of(made, policy), policy).decision == decision


def test_merging_does_not_depend_on_the_order_of_commands_between_sources() -> None:
    """The proof of a state is the same whatever the order of its sources."""
    policy = ConsentPolicy()
    one = consent_of(event({"consent": {"ad_storage": "granted"}, "gpc": True}), policy)
    two = consent_of(event({"gpc": True, "consent": {"ad_storage": "granted"}}), policy)
    assert one.proof == two.proof


ALLOWED = dict.fromkeys(PURPOSES, "granted")
OTHERS: list[dict[str, Any]] = [
    {"event": {"consent": ALLOWED | {"ad_storage": "denied"}}},
    {"event": {"consent": {"default": ALLOWED}}},
    {"event": {"consent": ALLOWED, "gpc": True}},
    {"event": {"consent": ALLOWED, "gdpr": 1}},
    {"event": {"consent": ALLOWED, "gdpr": 0}},
    {"event": {"consent": ALLOWED}, "geo": ("DE", None)},
    {"event": {"consent": ALLOWED}, "geo": ("US", None)},
    {"event": {"consent": ALLOWED}, "geo": ("US", "US-CA")},
]


def test_states_that_differ_have_other_proofs() -> None:
    """In a purpose, in an opt-out, in the law that applies; and equal ones the same, whatever else was said."""
    policy = ConsentPolicy()
    proofs = [state_of(case, policy).proof for case in [{"event": {"consent": ALLOWED}}, *OTHERS]]
    assert len(set(proofs)) == len(proofs)
    again = state_of({"event": {"consent": ALLOWED, "client_id": "c", "x": 1}}, policy)
    assert again.proof == proofs[0]


@pytest.mark.parametrize("what", ["sensitive_limit", "known_child"])
def test_a_limit_and_a_child_have_other_proofs(what: str) -> None:
    """They come with signals of the United States."""
    plain = merge([Reading("a")], Region())
    assert merge([Reading("a", **{what: True})], Region()).proof != plain.proof


def test_a_flood_of_commands_denies() -> None:
    """A choice may stand among the commands that are not read: nothing is granted."""
    granted = ["consent", "update", dict.fromkeys(AD_PURPOSES, "granted")]
    state = consent_of(event({"consent": [granted] * 201}), ConsentPolicy())
    assert not state.granted
