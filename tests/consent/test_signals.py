"""Every signal through the whole gate: where it is read, what it means, how it is merged, and that none of them grants
by accident."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import quote

import pytest

from tagserver.consent.cache import ConsentCache
from tagserver.consent.gate import decide
from tagserver.consent.model.policy import ConsentPolicy, Needs, VendorCheck
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import AD_PURPOSES, of_two_places
from tagserver.inbound.clients.datalayer import read_context

from ..events import NOW, consent_of, event, facts
from .writers import DAY, as_field, gpp_string, head, items_of, tc_string, us_section

META = Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=True)
POLICY = ConsentPolicy()
ALL = dict.fromkeys(AD_PURPOSES, "granted")
YES = tc_string(head(purposes=(1, 2, 3, 4, 7)), consents=as_field((89, 755)), disclosed=as_field((89, 755)))
NO = tc_string(head())
OLD = tc_string(head(purposes=(1, 3, 4, 7), updated=NOW - 397 * DAY))
USNAT = dict.fromkeys(items_of("usnat", 1), 0)


def usnat(**values: int) -> str:
    """A usnat section in which these one-item fields have these values."""
    items = USNAT | {(name, 0): value for name, value in values.items()}
    return us_section("usnat", 1, list(items.values()))


CLEAN = gpp_string({7: usnat(SaleOptOut=2)})
SOLD = gpp_string({7: usnat(SaleOptOut=1)})
CHILD = gpp_string({7: usnat(KnownChildSensitiveDataConsents=1)})


def read(pushed: dict[str, Any], policy: ConsentPolicy = POLICY, **facts: Any) -> ConsentState:
    return consent_of(event(pushed, **facts), policy)


def decision(pushed: dict[str, Any], needs: Needs = META, **facts: Any) -> str:
    return decide(needs, read(pushed, **facts), POLICY).decision


@pytest.mark.parametrize(
    ("pushed", "cookies", "expected"),
    [
        pytest.param({"tcf": YES}, {}, "send", id="a TC string grants"),
        pytest.param({"tcf": NO}, {}, "block", id="a TC string refuses"),
        pytest.param({"gdpr_consent": YES}, {}, "send", id="its other spelling"),
        pytest.param({}, {"euconsent-v2": YES}, "send", id="its cookie"),
        pytest.param({}, {"euconsent-v2": quote(YES, safe="")}, "send", id="its cookie, encoded"),
        pytest.param({"tcf": NO}, {"euconsent-v2": YES}, "block", id="the event beats the cookie"),
        pytest.param({"gdpr_consent": NO}, {"euconsent-v2": YES}, "block", id="the other spelling does, too"),
        pytest.param({"tcf": "garbage"}, {"euconsent-v2": YES}, "block", id="also when it is garbage"),
        pytest.param({"tcf": NO, "consent": ALL}, {}, "block", id="TC refuses, Consent Mode grants"),
        pytest.param({"tcf": YES, "consent": {"ad_storage": "denied"}}, {}, "block", id="the other way round"),
        pytest.param({"tcf": YES[:40], "consent": ALL}, {}, "block", id="a truncated TC string"),
        pytest.param({"tcf": OLD, "consent": ALL}, {}, "block", id="an expired TC string"),
        pytest.param({"tcf": OLD, "gdpr": 0, "consent": ALL}, {}, "send", id="where GDPR does not apply it is nothing"),
        pytest.param({"tcf": YES, "gdpr": 0}, {}, "block", id="and grants nothing"),
        pytest.param({"gdpr": 1, "consent": ALL}, {}, "block", id="GDPR applies, and no string"),
        pytest.param({"gdpr": "1", "tcf": YES}, {}, "send", id="gdpr as text"),
        pytest.param({"gdpr": True, "tcf": YES}, {}, "send", id="gdpr as TCF's interface says it"),
        pytest.param({"gdpr": False, "tcf": NO, "consent": ALL}, {}, "send", id="and that it does not apply"),
        pytest.param({"gdpr": "0", "tcf": NO, "consent": ALL}, {}, "send", id="gdpr 0 as text"),
        pytest.param({"gdpr": "no", "tcf": NO, "consent": ALL}, {}, "send", id="gdpr as another word for no"),
        pytest.param({"gdpr": 2, "tcf": NO, "consent": ALL}, {}, "block", id="gdpr as no word at all applies"),
        pytest.param({"gdpr": 2, "tcf": YES}, {}, "send", id="and a string grants under it"),
        pytest.param({"tcf": YES, "gdpr_consent": YES}, {}, "send", id="two spellings of one TC string"),
        pytest.param({"tcf": YES, "gdpr_consent": NO}, {}, "block", id="two TC strings: the stricter"),
        pytest.param({"tcf": NO, "gdpr_consent": YES}, {}, "block", id="in either order"),
        pytest.param({"tcf": YES, "gdpr_consent": "x"}, {}, "block", id="two TC strings, one unreadable"),
        pytest.param({"tcf": 5, "consent": ALL}, {}, "block", id="a TC string that is a number"),
        pytest.param({"tcf": [YES], "consent": ALL}, {}, "block", id="a TC string in a list"),
        pytest.param({"tcf": "", "consent": ALL}, {}, "send", id="an empty one is none"),
        pytest.param({"tcf": "C" * (1 << 20), "consent": ALL}, {}, "block", id="one of a mebibyte"),
        pytest.param({"tcf": quote(quote(quote("é" + YES)))}, {}, "block", id="one that is encoded three times"),
        pytest.param({"gpp": gpp_string({2: YES})}, {}, "send", id="a TC string in GPP"),
        pytest.param({"gpp": gpp_string({2: NO}), "consent": ALL}, {}, "block", id="a refusal in GPP"),
        pytest.param({"gpp": gpp_string({2: NO}), "tcf": YES}, {}, "send", id="GPP's serves where there is no other"),
        pytest.param({"gpp": gpp_string({2: NO}), "gpp_sid": [7], "consent": ALL}, {}, "restrict", id="not in force"),
        pytest.param({"gpp_sid": "2", "consent": ALL}, {}, "block", id="section 2 in force, and no string"),
        pytest.param({"gpp": CLEAN, "consent": ALL}, {}, "send", id="a clean US section"),
        pytest.param({"gpp": CLEAN}, {}, "block", id="a clean US section grants nothing"),
        pytest.param({"gpp": SOLD, "consent": ALL}, {}, "restrict", id="opted out of sale"),
        pytest.param({"gpp": SOLD, "gpp_sid": "8", "consent": ALL}, {}, "restrict", id="another section in force"),
        pytest.param({"gpp": SOLD, "gpp_sid": [8, "usnat"], "consent": ALL}, {}, "restrict", id="sections unreadable"),
        pytest.param({"gpp": CLEAN, "gpp_sid": "7,x", "consent": ALL}, {}, "send", id="unreadable, and all are clean"),
        pytest.param({"gpp": CHILD, "consent": ALL}, {}, "block", id="a known child"),
        pytest.param({"gpp": "DBACNY~broken", "gpp_sid": [7], "consent": ALL}, {}, "restrict", id="unreadable GPP"),
        pytest.param({"us_privacy": "1YNN", "consent": ALL}, {}, "send", id="US Privacy, not opted out"),
        pytest.param({"us_privacy": "1YYN", "consent": ALL}, {}, "restrict", id="US Privacy, opted out"),
        pytest.param({"us_privacy": "1---", "consent": ALL}, {}, "send", id="US Privacy does not apply"),
        pytest.param({"us_privacy": "1YNX", "consent": ALL}, {}, "restrict", id="US Privacy, garbled"),
        pytest.param({"us_privacy": "1YNN"}, {}, "block", id="US Privacy grants nothing"),
        pytest.param({"consent": ALL}, {"usprivacy": "1YYN"}, "restrict", id="its cookie"),
        pytest.param({"consent": ALL}, {"usprivacy": "1YNN"}, "send", id="its cookie, not opted out"),
        pytest.param({"consent": ALL}, {"usprivacy": '{"uspString": "1YYN"}'}, "restrict", id="its cookie as JSON"),
        pytest.param({"consent": ALL}, {"usprivacy": ' {"uspString": "1YNN"}'}, "send", id="as JSON, not opted out"),
        pytest.param({"consent": ALL}, {"usprivacy": '{"x": 1}'}, "restrict", id="a cookie nobody can read"),
        pytest.param({"us_privacy": "1YNN", "gpc": True, "consent": ALL}, {}, "restrict", id="USP N and GPC"),
        pytest.param({"gcs": "G100", "consent": ALL}, {}, "block", id="gcs refuses, Consent Mode grants"),
        pytest.param({"gcs": "G111"}, {}, "block", id="gcs alone says nothing of ad_user_data"),
        pytest.param({"gcs": "G1", "consent": ALL}, {}, "send", id="a gcs that cannot be read has no value"),
        pytest.param({"x-ga-gcs": "G100", "consent": ALL}, {}, "block", id="gcs as server containers call it"),
        pytest.param({"gcd": "13v3v3v3v5"}, {}, "send", id="gcd, all granted"),
        pytest.param({"gcd": "13r3r3r3r5l1"}, {}, "send", id="gcd, default denied and update granted"),
        pytest.param({"gcd": "13q3r3r3r5"}, {}, "block", id="gcd, ad_storage refused"),
        pytest.param({"gcd": "13p3p3p3p5", "consent": {"update": ALL}}, {}, "send", id="a preset yields to a choice"),
        pytest.param({"gcd": "11t1t1t1t5"}, {}, "block", id="presets are no consent in an unknown region"),
        pytest.param({"x-ga-gcd": "13u3u3u3u5", "consent": ALL}, {}, "block", id="gcd of a server container"),
        pytest.param({"npa": 1, "consent": ALL}, {}, "restrict", id="no personalised ads"),
        pytest.param({"npa": "0", "consent": ALL}, {}, "send", id="npa 0 says nothing"),
    ],
)
def test_decision(pushed: dict[str, Any], cookies: dict[str, str], expected: str) -> None:
    """One visitor's signals, and what a tag that needs ad_storage and ad_user_data does."""
    assert decision(pushed, cookies=cookies) == expected


@pytest.mark.parametrize(
    ("pushed", "ctx", "expected"),
    [
        pytest.param({}, {"tcf": YES}, "send", id="a TC string below"),
        pytest.param({"tcf": YES}, {"tcf": NO}, "send", id="the event's string wins"),
        pytest.param({"gdpr_consent": YES}, {"tcf": NO}, "send", id="in the other spelling"),
        pytest.param({"tcf": NO}, {"gdpr_consent": YES}, "block", id="the other way round"),
        pytest.param({"tcf": NO}, {"gdpr": 0}, "block", id="GDPR below does not void it"),
        pytest.param({"gdpr": 1}, {"tcf": YES}, "block", id="the event speaks of TCF: a grant below falls"),
        pytest.param({"gdpr": 0, "consent": ALL}, {"tcf": NO}, "block", id="and a denial below stands"),
        pytest.param({"gdpr": "undefined"}, {"tcf": YES}, "send", id="a flag that says nothing"),
        pytest.param({"gpp": CLEAN}, {"tcf": YES}, "send", id="a GPP string without one leaves it alone"),
        pytest.param({"gpp": gpp_string({2: NO})}, {"tcf": YES}, "block", id="a GPP string with one is a TC string"),
        pytest.param({"gpp": gpp_string({2: YES})}, {"tcf": NO}, "send", id="whatever it says"),
        pytest.param({"gpp": gpp_string({2: NO}), "gpp_sid": [7]}, {"tcf": YES}, "restrict", id="in force"),
        pytest.param({"gpp": "garbage"}, {"tcf": YES}, "block", id="if it can be read"),
        pytest.param({"gpp": CLEAN}, {"gpp": gpp_string({2: YES})}, "block", id="a grant in GPP below falls"),
        pytest.param({"gpp": CLEAN, "consent": ALL}, {"gpp": gpp_string({2: NO})}, "block", id="a denial stands"),
        pytest.param({"gpp": CLEAN, "consent": ALL}, {"gpp": SOLD}, "send", id="the event's GPP wins"),
        pytest.param({"gpp": CLEAN, "consent": ALL}, {"gpp": CHILD}, "send", id="also of children"),
        pytest.param({"gpp": gpp_string({6: "1YNN"}), "consent": ALL}, {"gpp": CHILD}, "block", id="if it names them"),
        pytest.param({"gpp": gpp_string({5: "x"}), "consent": ALL}, {"gpp": SOLD}, "restrict", id="or sale"),
        pytest.param({"gpp_sid": [7], "consent": ALL}, {"gpp": CLEAN}, "restrict", id="sections without a string"),
        pytest.param({"gpp": "", "consent": ALL}, {"gpp": SOLD}, "restrict", id="an empty string says nothing"),
    ],
)
def test_an_events_strings_stand_above_its_batchs(pushed: dict[str, Any], ctx: dict[str, Any], expected: str) -> None:
    """Kind by kind: of what the event does not name a refusal below counts, and a grant does not."""
    made = event(pushed, read_context(ctx, None, facts()))
    assert decide(META, consent_of(made, POLICY), POLICY).decision == expected


@pytest.mark.parametrize("below", [{"tcf": YES, "addtl_consent": "1~89"}, {"addtl_consent": "1~89"}])
def test_providers_go_with_their_string(below: dict[str, Any]) -> None:
    """An additional string is void beside the TC string of another event; the batch's own string has it."""
    needs = Needs(META.purposes, ads=True, restricted=True, vendor=VendorCheck("ac_id", 89))
    for pushed, expected in (({"tcf": YES}, "block"), ({"tcf": YES, "addtl_consent": "1~89"}, "send")):
        made = event(pushed, read_context(below, None, facts()))
        assert decide(needs, consent_of(made, POLICY), POLICY).decision == expected
    alone = event({"gpp": CLEAN}, read_context({"tcf": YES, "addtl_consent": "1~89"}, None, facts()))
    assert decide(needs, consent_of(alone, POLICY), POLICY).decision == "send"


def test_vendors_of_two_strings_are_nobodys() -> None:
    """Where `tcf` and `gdpr_consent` differ, no vendor counts as accepted."""
    other = tc_string(head(purposes=(1, 2, 3, 4, 7)), consents=as_field((89,)), disclosed=as_field((89,)))
    needs = Needs(META.purposes, ads=True, restricted=True, vendor=VendorCheck("gvl_id", 89))
    assert decide(needs, read({"tcf": YES}), POLICY).decision == "send"
    verdict = decide(needs, read({"tcf": YES, "gdpr_consent": other}), POLICY)
    assert (verdict.decision, verdict.detail) == ("block", "gvl_id 89: tcf differs from gdpr_consent")


def test_the_context_is_named_as_a_source() -> None:
    """For the person who asks why; and what could not be read below."""
    state = consent_of(event({"consent": {"ad_storage": True}}, read_context({"consent": "x"}, None, facts())), POLICY)
    assert state.purpose("ad_storage").sources == ("consent",)
    assert state.purpose("ad_user_data").sources == ("ctx.consent",)
    assert state.problems == ("ctx.consent:neither an object nor a list",)


def test_presets_count_where_no_opt_in_is_asked_for() -> None:
    """The same `gcd` in Texas and in Germany; what the event says about its region is not believed."""
    assert decision({"gcd": "11t1t1t1t5"}, country="US", region="US-TX") == "send"
    assert decision({"gcd": "11t1t1t1t5"}, country="DE") == "block"
    assert decision({"gcd": "11t1t1t1t5", "geo": {"country": "US"}}, country="DE") == "block"


@pytest.mark.parametrize(
    ("check", "pushed", "expected"),
    [
        (VendorCheck("gvl_id", 755), {"tcf": YES}, "send"),
        (VendorCheck("gvl_id", 7), {"tcf": YES}, "block"),
        (VendorCheck("gvl_id", 755), {"tcf": YES, "gdpr": 0, "consent": ALL}, "send"),
        (VendorCheck("gvl_id", 755), {"consent": ALL}, "send"),
        (VendorCheck("ac_id", 89), {"tcf": YES, "addtl_consent": "2~89.122~dv.61"}, "send"),
        (VendorCheck("ac_id", 89), {"tcf": YES, "addtl_consent": "2~189~dv.89"}, "block"),
        (VendorCheck("ac_id", 89), {"tcf": YES}, "block"),
        (VendorCheck("ac_id", 89), {"tcf": YES, "addtl_consent": "2~89"}, "block"),
        (VendorCheck("ac_id", 89), {"tcf": YES, "addtl_consent": "1~89"}, "send"),
        (VendorCheck("gvl_id", 89), {"tcf": tc_string(head(purposes=(1, 7)), consents=as_field((89,)))}, "block"),
        (
            VendorCheck("gvl_id", 89),
            {
                "tcf": tc_string(
                    head(purposes=(1, 3, 4, 7)),
                    consents=as_field((89,)),
                    disclosed=as_field((89,)),
                    restricted=[(7, 0, [(89, 89)])],
                )
            },
            "block",
        ),
    ],
)
def test_vendor_check(check: VendorCheck, pushed: dict[str, Any], expected: str) -> None:
    """A tag with a vendor's number, where GDPR is in play."""
    needs = Needs(META.purposes, ads=True, restricted=True, vendor=check)
    verdict = decide(needs, read(pushed), POLICY)
    assert verdict.decision == expected
    assert verdict.reason == ("vendor" if expected == "block" else "")


def test_the_state_says_where_each_decision_came_from() -> None:
    """For the person who asks why."""
    state = read({"tcf": YES, "consent": {"ad_storage": "denied"}, "us_privacy": "1YNX", "addtl_consent": "x"})
    shown = state.as_dict()
    assert shown["purposes"]["ad_storage"]["sources"] == ["consent"]
    assert shown["purposes"]["ad_user_data"]["sources"] == ["tcf"]
    assert shown["purposes"]["ad_user_data"]["raw"] == ["P1 yes, P7 yes"]
    assert shown["sale_opt_out_sources"] == ["us_privacy"]
    assert shown["gdpr_applies"] is True
    assert shown["tcf"]["valid"] is True
    assert shown["tcf"]["cmp_id"] == 300
    assert [problem.partition(":")[0] for problem in state.problems] == ["us_privacy", "addtl_consent"]


def test_an_unusable_string_is_named_with_its_reason() -> None:
    """`valid` and `invalid_because`, as the printout of a string has them."""
    shown = read({"tcf": OLD}).as_dict()["tcf"]
    assert (shown["valid"], shown["invalid_because"]) == (False, "last_updated is more than 396 days ago")


def test_settings_for_tcf() -> None:
    """Analytics by purposes 1 and 8, and countries in which purpose 1 is not asked for."""
    said = {"tcf": tc_string(head(purposes=(1, 8)))}
    assert "analytics_storage" not in read(said).granted
    assert "analytics_storage" in read(said, ConsentPolicy(tcf_analytics=True)).granted
    for unusable in ({"tcf": YES[:40]}, {"tcf": OLD}, {"gdpr": 1}):
        both = {**unusable, "consent": {"analytics_storage": "granted"}}
        assert "analytics_storage" in read(both).granted
        assert "analytics_storage" not in read(both, ConsentPolicy(tcf_analytics=True)).granted
    unasked = {"tcf": tc_string(head(purposes=(3, 4, 7), purpose_one=True, country="AT"))}
    assert "ad_storage" not in read(unasked).granted
    assert "ad_storage" in read(unasked, ConsentPolicy(tcf_exempt=("AT",))).granted


def test_a_decoder_that_fails_refuses() -> None:
    """Whatever is wrong inside: denied, and named."""

    class Broken(ConsentPolicy):
        @property
        def tcf_analytics(self) -> bool:  # type: ignore[override]  # (a property that raises)
            raise ZeroDivisionError

    policy = object.__new__(Broken)
    for name in ("opt_in_regions", "gpc", "gpc_scope", "dnt", "cmp_cookies", "tcf_exempt"):
        object.__setattr__(policy, name, getattr(POLICY, name))
    state = read({"tcf": YES, "consent": ALL}, policy)
    assert not state.granted
    assert state.problems == ("gate:ZeroDivisionError",)
    assert decide(META, state, POLICY).decision == "block"


def test_twelve_states_of_three_purposes_and_opt_out() -> None:
    """The condensed decision table, in full, for an ads tag and for one that is not."""
    words = ("granted", "denied", None)
    analytics = Needs(frozenset({"analytics_storage"}), ads=False, restricted=False)
    for storage, user, personal, measured in itertools.product(words, repeat=4):
        for opted_out, child in itertools.product((False, True), repeat=2):
            said = {"ad_storage": storage, "ad_user_data": user, "ad_personalization": personal}
            pushed: dict[str, Any] = {"consent": {**said, "analytics_storage": measured}}
            if opted_out:
                pushed["gpc"] = True
            if child:
                pushed["gpp"] = CHILD
            if storage != "granted" or user != "granted" or child:
                expected = "block"
            else:
                expected = "send" if personal == "granted" and not opted_out else "restrict"
            assert decision(pushed) == expected
            assert decision(pushed, analytics) == ("send" if measured == "granted" else "block")


COOKIEBOT = "{stamp:'x',necessary:true,preferences:true,statistics:true,marketing:MARKETING,method:'explicit',ver:1}"


@pytest.mark.parametrize(
    ("listed", "marketing", "pushed", "expected"),
    [
        (("cookiebot",), "true", {}, "send"),
        (("cookiebot",), "false", {}, "block"),
        (("cookiebot",), "false", {"consent": ALL}, "block"),
        (("cookiebot",), "true", {"consent": {"update": {"ad_storage": "denied"}}}, "block"),
        (("cookiebot",), "garbled", {"consent": ALL}, "block"),
        ((), "false", {"consent": ALL}, "send"),
    ],
)
def test_a_consent_tools_cookie_counts_where_it_is_listed(
    listed: tuple[str, ...], marketing: str, pushed: dict[str, Any], expected: str
) -> None:
    """Merged with all other signals, and remembered with them."""
    policy = ConsentPolicy(cmp_cookies=listed)
    cache = ConsentCache(policy)
    made = event(pushed, cookies={"CookieConsent": COOKIEBOT.replace("MARKETING", marketing)})
    for state in (consent_of(made, policy), cache.read(made), cache.read(made)):
        assert decide(META, state, policy).decision == expected


@pytest.mark.parametrize(
    ("below", "above", "made"),
    [
        ({"a": 1, "gcs": "G100"}, {"a": 2}, {"a": 2, "gcs": "G100"}),
        ({"gcs": "G100"}, {"gcs": ""}, {"gcs": "G100"}),
        ({"gcs": "G100"}, {"gcs": None}, {"gcs": "G100"}),
        ({"gcs": ""}, {"gcs": "G111"}, {"gcs": "G111"}),
        ({"gcs": "G111"}, {"gcs": "G111"}, {"gcs": "G111"}),
        ({"gcs": "G100"}, {"gcs": "G111"}, {"gcs": "G111", "consent": "unreadable"}),
        ({"consent": NO}, {"consent": ALL}, {"consent": "unreadable"}),
        ({"consent": ""}, {"consent": ALL}, {"consent": "unreadable"}),
        ({"npa": "undefined"}, {"npa": "0"}, {"npa": "0"}),
        ({"us_privacy": "1YYN"}, {"us_privacy": "1NNN"}, {"us_privacy": "1NNN", "consent": "unreadable"}),
    ],
)
def test_of_two_places_no_refusal_is_lost(below: dict[str, Any], above: dict[str, Any], made: dict[str, Any]) -> None:
    """Of one request: what says nothing takes nothing away, and nobody chooses between two that differ."""
    assert of_two_places(below, above) == made
