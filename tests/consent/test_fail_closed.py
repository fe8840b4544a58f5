"""Consent fails closed: no word that is added, garbled or said twice ever loosens what was decided without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.consent.cache import ConsentCache
from tagserver.consent.gate import decide
from tagserver.consent.merge import source_consent
from tagserver.consent.model.policy import ConsentPolicy, Needs
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import AD_PURPOSES, FIELDS, KINDS, PURPOSES
from tagserver.inbound.clients.datalayer import read_context
from tests.examples import examples

from ..events import consent_of, event, facts
from .writers import gpp_string, head, items_of, tc_string, us_section

POLICY = ConsentPolicy()
CACHE = ConsentCache(POLICY)
"""Of all the events of these tests."""
META = Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=True)
ALL = dict.fromkeys(PURPOSES, "granted")
CONTRACT = source_consent("crm", ALL, "contract")
STRICTEST_FIRST = ("block", "restrict", "send")
KNOWN: list[dict[str, str]] = [{}, {"country": "US", "region": "US-CA"}, {"country": "DE"}]


def state(
    pushed: dict[str, Any], ctx: Any = None, contract: Reading | None = None, known: dict[str, str] | None = None
) -> ConsentState:
    """The state of an event in its batch."""
    about: dict[str, Any] = known or {}
    made = event(pushed, read_context(ctx, None, facts(**about)), **about)
    found = consent_of(made, POLICY, contract)
    assert CACHE.read(made, contract).as_dict() == found.as_dict()
    return found


def looser(one: ConsentState, other: ConsentState) -> bool:
    """Whether `one` allows anything that `other` does not."""
    ranks = [STRICTEST_FIRST.index(decide(META, found, POLICY).decision) for found in (one, other)]
    forgotten = bool(other.sale_opt_out) > bool(one.sale_opt_out) or other.known_child > one.known_child
    return not one.granted <= other.granted or ranks[0] > ranks[1] or forgotten


# What a page may say, and what none of its readers knows.
WORD = st.sampled_from(["granted", "denied", True, False, " DENIED", None])
PURPOSE = st.sampled_from([*AD_PURPOSES, "analytics_storage"])
REGION = st.sampled_from([["US-CA"], ["US"], ["DE", "FR"], "US"])
SAID = st.dictionaries(PURPOSE, WORD, max_size=4)
DEFAULT = st.builds(lambda said, region: said | region, SAID, st.just({}) | REGION.map(lambda one: {"region": one}))
COMMAND = st.builds(lambda said: ["consent", "default", said], DEFAULT) | st.builds(
    lambda said: ["consent", "update", said], SAID
)
CONSENT = st.one_of(
    SAID,
    st.fixed_dictionaries({}, optional={"default": DEFAULT | st.lists(DEFAULT, max_size=3), "update": SAID}),
    st.lists(COMMAND, max_size=4),
    st.lists(COMMAND.map(lambda one: {str(place): part for place, part in enumerate(one)}), max_size=3),
)
JUNK = st.sampled_from(["no", "yes", "revoked", "x", 0, 1, 2.5, -1, [], ["denied"], {"a": 1}, [[]], "grantedd", ""])
NEVER_EMPTY = {(name,) for name in (*PURPOSES, "region")}
"""Where something empty is something that cannot be read."""
FLAGS = {"gdpr", "npa", "x-ga-npa", "gpc"}
TC = [tc_string(head(purposes=purposes)) for purposes in ((1, 3, 4, 7), (1, 7), ())]
USNAT = items_of("usnat", 1)
US = [us_section("usnat", 1, [1 if name == yes else 2 for name, _ in USNAT]) for yes in ("", "SaleOptOut")]
WORDS: dict[str, st.SearchStrategy[Any]] = {
    "consent": CONSENT,
    "consent_state": CONSENT,
    "gcs": st.sampled_from(["G111", "G100", "G1-1", "G101"]),
    "x-ga-gcs": st.sampled_from(["G111", "G110"]),
    "gcd": st.sampled_from(["13v3v3v3v5", "13r3q3l3t5", "13p3p3p3p5"]),
    "tcf": st.sampled_from(TC),
    "gdpr_consent": st.sampled_from(TC),
    "gdpr": st.sampled_from([0, 1, "no"]),
    "gpp": st.sampled_from([gpp_string({7: US[0]}), gpp_string({7: US[1]}), *(gpp_string({2: text}) for text in TC)]),
    "us_privacy": st.sampled_from(["1YNN", "1YYN"]),
    "npa": st.sampled_from([0, 1]),
    "gpc": st.sampled_from([True, False]),
}
EVENT = st.fixed_dictionaries({}, optional=WORDS)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a value that may be garbled: all but the names of keys."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(deeper for key, one in inside for deeper in places(one, (*way, key)))]


def garbled(value: Any, way: tuple[Any, ...], junk: Any) -> Any:
    """The value with junk at a place."""
    if not way:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = garbled(value[way[0]], way[1:], junk)
    return copy


def chosen(*layers: dict[str, Any]) -> bool:
    """Whether Consent Mode is spoken in full."""
    return any(layer.get(name) for layer in layers for name in ("consent", "consent_state"))


@settings(max_examples=examples(600), deadline=None)
@given(st.data(), EVENT, EVENT, st.sampled_from([None, CONTRACT]), st.sampled_from(KNOWN))
def test_garbling_a_word_never_loosens(data: st.DataObject, pushed: Any, ctx: Any, contract: Any, known: Any) -> None:
    """Whatever stands at whatever place of an event or its context, and whatever else was said."""
    clear = state(pushed, ctx, contract, known)
    layer = data.draw(st.sampled_from([one for one in (pushed, ctx) if one] or [None]))
    if layer is None:
        return
    name = data.draw(st.sampled_from(sorted(layer)))
    way = data.draw(st.sampled_from(places(layer[name])))
    junk = data.draw(JUNK)
    if way[-1:] not in NEVER_EMPTY and junk in ("", [], {}):
        return  # to say nothing is no damage
    if name in FLAGS and junk in ("no", 0):
        return  # nor is to say no
    if name in ("gcs", "x-ga-gcs", "gcd", "x-ga-gcd") and chosen(pushed, ctx):
        return  # a broken short form has no value beside a choice that the event says in full
    if name == "gdpr" and {"tcf", "gdpr_consent", "gpp"} & (pushed.keys() | ctx.keys()):
        return  # to say that GDPR applies is to say that the string counts
    broken = {**layer, name: garbled(layer[name], way, junk)}
    after = state(broken, ctx, contract, known) if layer is pushed else state(pushed, broken, contract, known)
    assert not looser(after, clear), (pushed, ctx, name, way, junk)


NO_IN_FULL = ["denied", False, "no", 0, {"ad_storage": "denied"}, {"update": {"ad_storage": False}}, {"a": 1}]
REFUSALS: dict[str, list[Any]] = {
    **dict.fromkeys(("consent", "consent_state"), NO_IN_FULL),
    **{name: ["G100", "G1", 5, "x"] for name in ("gcs", "x-ga-gcs")},
    **{name: ["13q3q3q3q5", "x", [], "13z3z3z3z5"] for name in ("gcd", "x-ga-gcd")},
    **{name: [TC[2], "x", 5, ["x"]] for name in ("tcf", "gdpr_consent")},
    **{name: [1, "on", [1], 2] for name in ("gdpr", "npa", "x-ga-npa", "gpc")},
    "us_privacy": ["1YYN", "x", 5],
    "gpp": [gpp_string({7: US[1]}), gpp_string({2: TC[2]}), "x", {}],
    "gpp_sid": ["x", [7.5], {}],
    "addtl_consent": ["x", 5, "2~~dv.89"],
}


def test_there_is_a_refusal_in_every_field() -> None:
    """For the tests below."""
    assert set(REFUSALS) == FIELDS
    assert {name for kind in KINDS for name in (*kind.fields, *kind.beside)} == FIELDS


@settings(max_examples=examples(600), deadline=None)
@given(st.data(), EVENT, EVENT, st.sampled_from([None, CONTRACT]), st.sampled_from(KNOWN), st.booleans())
def test_adding_a_refusal_never_loosens(
    data: st.DataObject, pushed: Any, ctx: Any, contract: Any, known: Any, below: bool
) -> None:
    """Clear or not, in the event or in its context."""
    layer = ctx if below else pushed
    name = data.draw(st.sampled_from(sorted(REFUSALS.keys() - layer.keys())))
    more = {**layer, name: data.draw(st.sampled_from(REFUSALS[name]))}
    if name == "gdpr" and "gpp" in pushed.keys() | ctx.keys():
        return  # to say that GDPR applies is to say that a TC string in it counts
    before = state(pushed, ctx, contract, known)
    after = state(pushed, more, contract, known) if below else state(more, ctx, contract, known)
    assert not looser(after, before), (pushed, ctx, name, more[name])


@settings(max_examples=examples(300), deadline=None)
@given(EVENT, EVENT, st.sampled_from([None, CONTRACT]), st.sampled_from(KNOWN))
def test_a_context_adds_nothing_to_kinds_of_which_the_event_speaks(
    pushed: Any, ctx: Any, contract: Any, known: Any
) -> None:
    """It may take away."""
    spoken = {name for kind in KINDS if any(name in pushed for name in kind.fields) for name in kind.fields}
    below = {name: value for name, value in ctx.items() if name in spoken}
    assert state(pushed, below, contract, known).granted <= state(pushed, None, contract, known).granted


@given(CONSENT, CONSENT, st.sampled_from(KNOWN))
def test_two_spellings_grant_what_both_grant(one: Any, other: Any, known: Any) -> None:
    """No more, whichever is which."""
    both = state({"consent": one, "consent_state": other}, known=known)
    assert both.granted == state({"consent": other, "consent_state": one}, known=known).granted
    assert both.granted <= state({"consent": one}, known=known).granted & state({"consent": other}, known=known).granted


@given(st.sampled_from([name for name in REFUSALS if name not in ("addtl_consent", "gpp_sid")]), st.data())
def test_a_refusal_beats_a_contract(name: str, data: st.DataObject) -> None:
    """Clear or not, in each field."""
    pushed = {name: data.draw(st.sampled_from(REFUSALS[name]))}
    assert decide(META, state({}, contract=CONTRACT), POLICY).decision == "send"
    assert decide(META, state(pushed, contract=CONTRACT), POLICY).decision != "send"
    assert decide(META, state({}, pushed, CONTRACT), POLICY).decision != "send"


@pytest.mark.parametrize(
    ("pushed", "withdrawn"),
    [
        ({"consent": "denied"}, set(PURPOSES)),
        ({"consent": False}, set(PURPOSES)),
        ({"consent": True}, set()),
        ({"consent": "revoked"}, set()),
        ({"consent": {"marketing": False}}, set()),
        ({"consent": {"ad_storage": "denied", "ad_user_data": "revoked"}}, {"ad_storage"}),
        ({"consent": {"update": {"ad_storage": None, "ad_user_data": False}}}, {"ad_user_data"}),
        ({"consent": {"ad_storage": "granted"}, "consent_state": {"ad_storage": "denied"}}, {"ad_storage"}),
        ({"consent": {"default": {"ad_storage": "denied"}}}, set()),
        ({"gcs": "G100"}, {"ad_storage", "analytics_storage"}),
        ({"gcs": "x"}, set()),
        ({"tcf": TC[2]}, set(AD_PURPOSES)),
        ({"tcf": "x"}, set()),
        ({"gdpr": 1}, set()),
    ],
)
def test_only_a_word_that_can_be_read_takes_back(pushed: dict[str, Any], withdrawn: set[str]) -> None:
    """What cannot be read is a refusal for its event: nobody has said that what was granted before is over."""
    assert state(pushed, contract=CONTRACT).withdrawn == withdrawn
    assert not state(pushed, contract=CONTRACT).explicitly_granted


def test_a_contract_grants_nothing_again() -> None:
    """The visitor's own word does."""
    assert not state({}, contract=CONTRACT).explicitly_granted
    assert state({"consent": {"ad_storage": True}}, contract=CONTRACT).explicitly_granted == {"ad_storage"}


# ── nothing grants by accident

NO = tc_string(head())
REFUSED: list[tuple[str, str]] = [
    ("tcf", NO),
    ("gdpr_consent", NO),
    ("gpp", gpp_string({2: NO})),
    ("gcs", "G100"),
    ("gcd", "13q3q3q3q5"),
    ("us_privacy", "1YYN"),
    ("addtl_consent", "2~~dv.89"),
]


@settings(max_examples=examples(300))
@given(st.sampled_from(REFUSED), st.integers(0, 600), st.booleans(), st.integers(0, 5))
def test_no_damage_to_a_refusal_grants(refusal: tuple[str, str], place: int, cut: bool, bit: int) -> None:
    """Cut anywhere, or with any bit of its letters turned, but for the bits that are the visitor's answers."""
    field, text = refusal
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place %= len(text)
    if cut:
        damaged = text[:place]
    elif text[place] in letters and field in ("tcf", "gdpr_consent") and not 152 // 6 <= place <= 176 // 6:
        damaged = text[:place] + letters[letters.index(text[place]) ^ 1 << bit] + text[place + 1 :]
    else:
        damaged = text[:place]
    assert state({field: damaged}).granted.isdisjoint(AD_PURPOSES)


@given(st.sampled_from([field for field, _ in REFUSED]), st.text(max_size=200))
def test_random_text_grants_nothing(field: str, text: str) -> None:
    """Beside an honest refusal, and alone."""
    assert not state({field: text}).granted
    refused = state({field: text, "consent": dict.fromkeys(PURPOSES, "denied")})
    assert decide(META, refused, POLICY).decision == "block"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([field for field, _ in REFUSED] + ["gdpr", "gpp_sid", "gpc", "npa"]), ANYTHING))
def test_any_value_in_any_field_is_survived_and_grants_nothing(pushed: dict[str, Any]) -> None:
    """The gate is total."""
    found = state(pushed)
    assert not found.granted
    json.dumps(found.as_dict())
