"""Cookies of consent tools: what was chosen is read, a preset is told apart, and nothing garbled ever grants."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.cache import ConsentCache
from tagserver.consent.cookies.choice import LONGEST
from tagserver.consent.cookies.tools import BY_VENDOR, TOOLS, cmp_readings
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.event.cookies import read_cookies
from tests.fast_yaml import safe_load

from ..events import consent_of, event

CASES = safe_load(Path(__file__).with_name("cookies.yaml").read_text())
GROUPS = {
    "necessary": ["security_storage"],
    "preferences": ["functionality_storage", "personalization_storage"],
    "statistics": ["analytics_storage"],
    "marketing": list(AD_PURPOSES),
}
VENDORS = {"facebook_pixel": frozenset(AD_PURPOSES), "google_analytics": frozenset({"analytics_storage"})}
REFUSED = [case for case in CASES if "refused" in case["name"] or case["name"].endswith((", out", ", denied"))]


def cookies_of(case: dict[str, Any]) -> dict[str, str]:
    """The cookies of a case, packed where the tool packs."""
    packed = {name: base64.b64encode(text.encode()).decode() for name, text in case.get("base64", {}).items()}
    return case.get("cookies", {}) | packed


def policy_of(case: dict[str, Any]) -> ConsentPolicy:
    """The policy that reads them."""
    maps = [{name: frozenset(to) for name, to in case.get(key, {}).items()} for key in ("vendors", "groups")]
    return ConsentPolicy(cmp_cookies=(case["tool"],), cmp_vendors=maps[0], onetrust_groups=maps[1])


def said(readings: list[Reading]) -> dict[str, Any]:
    """Readings in the words of the table."""
    signals = {purpose: signal for reading in readings for purpose, signal in reading.signals.items()}
    return {
        "granted": {purpose for purpose, signal in signals.items() if signal.state == "granted"},
        "denied": {purpose for purpose, signal in signals.items() if signal.state == "denied"},
        "kinds": {signal.kind for signal in signals.values()},
        "sale_opt_out": any(reading.sale_opt_out for reading in readings),
        "problems": [problem for reading in readings for problem in reading.problems],
    }


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """What the table says."""
    granted = {purpose for group in case.get("granted", ()) for purpose in GROUPS[group]}
    denied = {purpose for group in case.get("denied", ()) for purpose in GROUPS[group]}
    denied |= set(case.get("denied_purposes", ()))
    return {
        "granted": granted,
        "denied": denied,
        "kinds": {case.get("kind", "explicit")} if granted or denied else set(),
        "sale_opt_out": case.get("sale_opt_out", False),
        "problems": case.get("problems", []),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_tools_cookies(case: dict[str, Any]) -> None:
    """Granted, denied, chosen or preset, and problems."""
    assert said(cmp_readings(cookies_of(case), policy_of(case))) == expected(case)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_percent_encoding_on_top(case: dict[str, Any], times: int) -> None:
    """The table's cookies may be encoded already; encoded once or twice, a plain one reads the same. Beyond that it is
    read the same or as a refusal, and never as more."""
    cookies = cookies_of(case)
    plain = not any("%" in raw for raw in cookies.values())
    for _ in range(times):
        cookies = {name: quote(raw, safe="") for name, raw in cookies.items()}
    found = said(cmp_readings(cookies, policy_of(case)))
    if plain and times <= 2:
        assert found == expected(case)
    else:
        assert found["granted"] <= expected(case)["granted"]


def test_every_tool_has_its_cases() -> None:
    """Accepted, refused, partly, and garbled."""
    for tool in TOOLS:
        own = [case for case in CASES if case["tool"] == tool]
        assert any(case.get("granted") and not case.get("denied") for case in own), tool
        assert any("marketing" in case.get("denied", ()) and not case.get("problems") for case in own), tool
        assert any(case.get("granted") and "marketing" in case.get("denied", ()) for case in own), tool
        assert any(case.get("problems") for case in own), tool


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_is_read_that_is_not_there_or_not_listed(tool: str) -> None:
    """No cookies, no readings; cookies of a tool that is not listed are leftovers."""
    assert cmp_readings({}, ConsentPolicy(cmp_cookies=tuple(TOOLS), cmp_vendors=VENDORS)) == []
    for case in CASES:
        if case["tool"] == tool:
            others = tuple(name for name in TOOLS if name != tool)
            assert cmp_readings(cookies_of(case), ConsentPolicy(cmp_cookies=others, cmp_vendors=VENDORS)) == []


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_no_prefix_of_a_refusal_grants(case: dict[str, Any]) -> None:
    """Wherever it is cut off."""
    cookies, policy = cookies_of(case), policy_of(case)
    for name, raw in cookies.items():
        for size in range(len(raw)):
            cut = {**cookies, name: raw[:size]}
            assert said(cmp_readings(cut, policy))["granted"] <= {"security_storage"}, raw[:size]


def test_there_are_refusals_of_every_tool() -> None:
    """For the test above."""
    assert {case["tool"] for case in REFUSED} == set(TOOLS)


NAMES = sorted({name for case in CASES for name in cookies_of(case)})
WORDS = ("true", "yes", "allow", "accept", "1", "all", "%")
RANDOM = st.text(max_size=60).filter(lambda text: not any(word in text.lower() for word in WORDS))
EVERYTHING = ConsentPolicy(cmp_cookies=tuple(TOOLS), cmp_vendors=VENDORS, onetrust_groups={"4": frozenset(AD_PURPOSES)})


@given(st.dictionaries(st.sampled_from(NAMES), RANDOM, max_size=4))
def test_no_text_without_a_word_for_yes_grants(cookies: dict[str, str]) -> None:
    """Whatever stands in the cookies."""
    for reading in cmp_readings(cookies, EVERYTHING):
        assert all(signal.state == "denied" for signal in reading.signals.values())


@given(
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(max_size=20),
        st.text(max_size=80) | st.sampled_from([raw for case in CASES for raw in cookies_of(case).values()]),
        max_size=6,
    )
)
def test_no_cookies_break_it(cookies: dict[str, str]) -> None:
    """Every mixture gives readings."""
    for reading in cmp_readings(cookies, EVERYTHING):
        assert reading.name.startswith("cmp")


@pytest.mark.parametrize(
    "raw", ["[" * LONGEST, '{"a":' * 3000, "{" + "a" * LONGEST, "%" * 99, "\ud800", "9" * 10_000, "!" * 9999, "é" * 9]
)
@pytest.mark.parametrize("name", NAMES)
def test_hostile_cookies(name: str, raw: str) -> None:
    """Deep, long, and not text at all: never a grant."""
    assert said(cmp_readings({name: raw}, EVERYTHING))["granted"] == set()


@pytest.mark.parametrize("case", [one for one in CASES if not one.get("problems")], ids=lambda case: case["name"])
def test_a_cookie_that_is_too_long_counts_as_a_refusal(case: dict[str, Any]) -> None:
    """16 KiB are read, not a byte more."""
    cookies = {name: raw + " " * LONGEST for name, raw in cookies_of(case).items() if raw}
    found = said(cmp_readings(cookies, policy_of(case)))
    assert found["granted"] == set()
    if expected(case)["granted"]:
        assert set(AD_PURPOSES) <= found["denied"]


def test_two_tools_that_disagree() -> None:
    """Both are kept, for the merge to take the stricter one, and people are told."""
    policy = ConsentPolicy(cmp_cookies=("complianz", "osano"))
    told = cmp_readings({"cmplz_marketing": "allow", "cookieconsent_status": "deny"}, policy)
    assert said(told)["problems"] == ["cmp_cookies:disagree"]
    agreed = cmp_readings({"cmplz_marketing": "deny", "cookieconsent_status": "deny"}, policy)
    assert said(agreed)["problems"] == []


def test_a_preset_beside_a_choice_is_no_disagreement() -> None:
    """The choice counts."""
    policy = ConsentPolicy(cmp_cookies=("cookiebot", "osano"))
    assert said(cmp_readings({"CookieConsent": "-1", "cookieconsent_status": "deny"}, policy))["problems"] == []


@pytest.mark.parametrize("tool", sorted(BY_VENDOR - {"commanders_act"}))
def test_without_a_map_of_vendors_nothing_is_granted(tool: str) -> None:
    """The names are the site's own."""
    for case in CASES:
        if case["tool"] == tool:
            assert said(cmp_readings(cookies_of(case), ConsentPolicy(cmp_cookies=(tool,))))["granted"] == set()


def test_no_identifier_of_a_cookie_is_repeated() -> None:
    """What is shown of a signal is the tool's word, never the cookie, which holds the visitor's id."""
    for case in CASES:
        for reading in cmp_readings(cookies_of(case), policy_of(case)):
            assert all(len(str(signal.raw)) < 30 for signal in reading.signals.values())


# ── through the whole gate


def state(header: str, policy: ConsentPolicy, **pushed: Any) -> ConsentState:
    """The state of an event whose request has this header."""
    return consent_of(event(pushed, headers={"cookie": header}, cookies=read_cookies(header)), policy)


GRANTED = "cmplz_marketing=allow"
COMPLIANZ = ConsentPolicy(cmp_cookies=("complianz",))


@pytest.mark.parametrize("value", [False, True, {"marketing": False}, [], ["x"], "undefined"], ids=str)
@pytest.mark.parametrize("name", ["CookieConsent", "euconsent-v2"])
def test_a_cookie_in_an_event_that_is_no_text_is_not_lost(name: str, value: Any) -> None:
    """What a backend's framework has made of it cannot be read, and is there."""
    found = state("", ConsentPolicy(cmp_cookies=("cookiebot",)), cookie={name: value})
    assert {found.purpose(purpose).state for purpose in AD_PURPOSES} == {"denied"}
    assert state("", ConsentPolicy(cmp_cookies=("klaro",)), cookie={"CookieConsent": value}).purposes == {}


def test_the_first_of_two_cookies_counts_and_people_are_told() -> None:
    """Of cookies that are read; nobody cares for others."""
    made = state(f"{GRANTED}; cmplz_marketing=deny; a=1; a=2; klaro=1; klaro=2", COMPLIANZ)
    assert set(AD_PURPOSES) <= made.granted
    assert made.problems == ("cookie cmplz_marketing:stands twice, and the first one counts",)
    twice = "euconsent-v2=x; euconsent-v2=y"
    assert "cookie euconsent-v2:stands twice, and the first one counts" in state(twice, COMPLIANZ).problems


def test_a_header_that_is_too_long_may_hold_a_refusal() -> None:
    """Its last cookie is cut off; where consent tools are listed, nothing is granted."""
    long = f"{GRANTED}; a={'x' * LONGEST}; cmplz_preferences=allow"
    made = state(long, COMPLIANZ, consent=dict.fromkeys(AD_PURPOSES, "granted"))
    assert made.granted.isdisjoint(AD_PURPOSES)
    assert made.problems == ("cmp.header:longer than 16384 characters",)
    unlisted = state(long, ConsentPolicy(), consent=dict.fromkeys(AD_PURPOSES, "granted"))
    assert set(AD_PURPOSES) <= unlisted.granted
    assert unlisted.problems == ("cookies:longer than 16384 characters",)
    cut = "a=" + "x" * (LONGEST - 12) + "; b=123456789; c=1"
    assert read_cookies(cut).keys() == {"a"}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_names_of_cookies(tool: str) -> None:
    """Each cookie of the table that says something is one of its tool's."""
    for case in CASES:
        if case["tool"] == tool and cmp_readings(cookies_of(case), policy_of(case)):
            assert all(re.fullmatch(TOOLS[tool].cookies, name) for name in cookies_of(case)), case["name"]


@given(st.lists(st.sampled_from(CASES), min_size=1, max_size=6))
def test_what_is_remembered_of_one_visitor_is_no_other_visitors(cases: list[dict[str, Any]]) -> None:
    """A state that was worked out before is the one that is worked out afresh: opt-outs, too."""
    policy = ConsentPolicy(cmp_cookies=tuple(TOOLS), cmp_vendors=VENDORS)
    cache = ConsentCache(policy)
    for case in cases:
        made = event({}, cookies=cookies_of(case))
        assert cache.read(made).as_dict() == consent_of(made, policy).as_dict()


def test_an_opt_out_is_not_forgotten() -> None:
    """Two visitors who differ in nothing else."""
    cache = ConsentCache(ConsentPolicy(cmp_cookies=("shopify",)))
    for sold, opted_out in (("1", False), ("0", True)):
        answers = {"a": "1", "m": "1", "p": "1", "s": sold}
        made = event({}, cookies={"_tracking_consent": json.dumps({"con": {"CMP": answers}})})
        assert bool(cache.read(made).sale_opt_out) is opted_out
