"""Google Analytics 4: the examples, Google's rules, the answers, and what no event may do."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_ga4 import Ga4
from tagserver_ga4.names import event_fault, name_fault, property_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.visit import cookie_client, cookie_session

from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Built, Outcome, Payload, Response, Skip
from tagserver.plugin.identity import email_gmail_dots_text, letters_text, sha256_hex, street_text
from tagserver.testing import (
    NOW,
    check_destination,
    load_examples,
    make_event,
    make_settings,
    payloads_of,
    run_example,
)
from tests.fast_yaml import safe_load

FOLDER = Path(__file__).parent
SECRET = "a-secret-of-the-stream"
SETTINGS = {"measurement_id": "G-ABC123DEF4", "api_secret": SECRET}
EXAMPLES = [pytest.param(case, id=case["name"]) for case in load_examples(FOLDER.parent / "examples")]
RECOMMENDED = safe_load((FOLDER / "recommended.yaml").read_text())
GA4 = Ga4()

# By its path: every plugin has a module of this name.
_spec = importlib.util.spec_from_file_location("ga4_vendor_rules", FOLDER / "vendor_rules.py")
assert _spec is not None
assert _spec.loader is not None
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)


def settings(**changes: Any) -> Ga4Settings:
    """Settings of a stream."""
    made: Ga4Settings = make_settings(Ga4, SETTINGS | changes)
    return made


def build(
    pushed: dict[str, Any], parameters: dict[str, Any] | None = None, mode: Any = "send", **changes: Any
) -> Built:
    """One event as Google gets it."""
    return GA4.build(make_event({"client_id": "1.2"} | pushed), parameters or {}, settings(**changes), mode)


def body_of(built: Built) -> dict[str, Any]:
    """As it leaves."""
    body: dict[str, Any] = json.loads(msgspec.json.encode(built.body))
    return body


@pytest.mark.parametrize("case", EXAMPLES)
def test_example(case: dict[str, Any]) -> None:
    """What goes in, what goes to Google, and what Google's answer means."""
    run_example(Ga4, case, SETTINGS)


@pytest.mark.parametrize("case", EXAMPLES)
def test_example_keeps_googles_rules(case: dict[str, Any]) -> None:
    """The requests of all examples pass Google's documented rules."""
    if "skip" in case:
        return
    facts = {key: case[key] for key in ("cookies", "ip") if key in case}
    event = make_event(case["event"], **facts)
    chosen = settings(**case.get("settings", {}))
    built = GA4.build(event, case.get("parameters", {}), chosen, case.get("mode", "send"))
    assert rules.faults(body_of(built)) == []


@pytest.mark.parametrize("name", RECOMMENDED)
def test_no_parameter_of_a_recommended_event_is_dropped(name: str) -> None:
    """Each arrives as it is, at the top level as gtag() has it, through what the plugin declares that it reads."""
    wanted = RECOMMENDED[name]
    event = Reads(GA4.reads).view(make_event({"event": name, "client_id": "1.2", **wanted}))
    built = GA4.build(event, {}, settings(event_id_param=""), "send")
    assert built.omitted == ()
    assert built.body["events"][0].get("params", {}) == wanted


def test_the_rules_find_faults() -> None:
    """The validator is no rubber stamp."""
    bad = {"client_id": "", "events": [{"name": "ga_x", "timestamp_micros": 1, "params": {"value": "1", "x": {}}}]}
    assert len(rules.faults(bad)) == 6


def test_it_keeps_the_rules_of_destinations() -> None:
    """With and without user data."""
    assert check_destination(Ga4, SETTINGS) == []
    assert check_destination(Ga4, SETTINGS | {"send_user_data": True, "send_ip": True}) == []


@pytest.mark.parametrize(
    ("rule", "text", "canonical"),
    [
        (email_gmail_dots_text, " Cloudy.SanFrancisco@Gmail.com", "cloudysanfrancisco@gmail.com"),
        (email_gmail_dots_text, "a.b+c@googlemail.com", "ab+c@googlemail.com"),
        (email_gmail_dots_text, "A.B@example.com ", "a.b@example.com"),
        (letters_text, " J0hn-Paul 2 ", "jhnpaul"),
        (street_text, " Hauptstraße 1.  b/c", "hauptstraße 1 bc"),
    ],
)
def test_canonical_texts(rule: Any, text: str, canonical: str) -> None:
    """Google's own rules of what is hashed."""
    assert rule(text) == canonical


def test_phone_has_its_plus() -> None:
    """Google hashes E.164 with the plus sign."""
    body = build({"user_data": {"phone_number": "+1 (555) 010-0100"}, "event": "login"}, send_user_data=True).body
    assert body["user_data"] == {"sha256_phone_number": [sha256_hex("+15550100100")]}


@pytest.mark.parametrize(
    ("cookies", "client", "session"),
    [
        (
            {"_ga": "GA1.1.123456789.1700000000", "_ga_X": "GS1.1.1700000001.3.1.17"},
            "123456789.1700000000",
            "1700000001",
        ),
        ({"_ga": "GA1.2-2.1.2", "_ga_X": "GS2.1.o3$g1$s1700000002$t9"}, "1.2", "1700000002"),
        ({"_ga": "GA1.1.1", "_ga_X": "GS2.1.o3$g1"}, None, None),
        ({"_ga": "nonsense", "_ga_X": "GS3.1.1"}, None, None),
        ({}, None, None),
    ],
)
def test_cookies(cookies: dict[str, str], client: str | None, session: str | None) -> None:
    """Google's cookies, in both formats of the session."""
    assert cookie_client(cookies) == client
    assert cookie_session(cookies, "G-X") == session


def test_names() -> None:
    """What Google takes, and what it keeps for itself."""
    assert [event_fault(name) is None for name in ("purchase", "first_visit", "gtm.js", "9x", "a-b", "")] == [True] + [
        False
    ] * 5
    assert name_fault("größe") is None
    assert name_fault("x" * 40) is None
    assert name_fault("x" * 41) is not None
    assert property_fault("user_id") is not None
    assert property_fault("x" * 25) is not None


def test_only_one_visitor_in_a_request() -> None:
    """Events share a request when everything around them is the same, and the group tells nothing to a reader."""
    first, second = build({"event": "login"}), build({"event": "search", "event_id": "e-2"})
    other = build({"event": "login", "client_id": "3.4"})
    named = build({"event": "login", "user_id": "u"})
    restricted = build({"event": "login"}, mode="restrict")
    assert first.group == second.group
    assert len({first.group, other.group, named.group, restricted.group}) == 4
    assert "1.2" not in str(first.group)
    request = GA4.request(payloads_of([first, second]), settings())
    body = json.loads(request.content)
    assert [event["name"] for event in body["events"]] == ["login", "search"]
    assert body["client_id"] == "1.2"
    assert rules.faults(body) == []
    assert SECRET not in request.content.decode()


def test_secrets_are_encoded() -> None:
    """A secret with signs of its own stays one value of the query."""
    request = GA4.request(payloads_of([build({"event": "login"})]), settings(api_secret="a&b=c d"))
    assert request.url.endswith("&api_secret=a%26b%3Dc+d")


def test_a_stand_in() -> None:
    """Another address, with or without a slash."""
    chosen = settings(api_url="http://127.0.0.1:9000/")
    url = GA4.request(payloads_of([build({"event": "login"})]), chosen).url
    assert url.startswith("http://127.0.0.1:9000/mp/collect?")


def test_25_parameters() -> None:
    """What Google reports by stays, what comes last goes."""
    parameters = {f"p{index}": index for index in range(40)}
    built = build(
        {"event": "purchase", "value": 1, "currency": "EUR", "transaction_id": "t", "items": [{"item_id": "a"}]},
        parameters,
    )
    params = built.body["events"][0]["params"]
    assert len(params) == 25
    assert {"value", "currency", "transaction_id", "items", "p0"} <= params.keys()
    assert "params.p39" in [one.field for one in built.omitted]
    assert rules.faults(body_of(built)) == []


def test_many_items() -> None:
    """200 at most, and never more than a body may hold."""
    few = build({"event": "view_item_list", "items": [{"item_id": index} for index in range(300)]})
    assert len(few.body["events"][0]["params"]["items"]) == 200
    fat = {f"p{index}": "ü" * 100 for index in range(27)}
    many = build({"event": "view_item_list", "items": [{"item_id": index, **fat} for index in range(200)]})
    assert rules.faults(body_of(many)) == []
    assert [one.field for one in many.omitted] == ["params.items"]


def test_long_texts() -> None:
    """Texts are cut, ids are left out: an id that is cut is another id."""
    built = build(
        {"event": "purchase", "transaction_id": "t", "event_id": "i" * 101, "coupon": "x", "page_title": "ä" * 400},
        {"note": "n" * 101, "content_id": "c" * 101},
    )
    params = built.body["events"][0]["params"]
    assert params["note"] == "n" * 100
    assert len(params["page_title"]) == 300
    assert "event_id" not in params
    assert "content_id" not in params
    assert (
        len(build({"event": "login"}, {"note": "n" * 600}, max_value_length=500).body["events"][0]["params"]["note"])
        == 500
    )


def test_expiry() -> None:
    """72 hours less four, from the event's time."""
    built = build({"event": "login", "timestamp": NOW - 3_600_000})
    assert built.expires == NOW - 3_600_000 + 68 * 3_600_000


def test_batches_at_the_validation_server() -> None:
    """It names the events; the others are not blamed."""
    body = {
        "validationMessages": [{"fieldPath": "events[1].params.x", "description": "secret", "validationCode": "X_Y_Z"}]
    }
    payloads = payloads_of([build({"event": "login"}), build({"event": "login"})])
    outcome = GA4.classify(Response(200, {}, json.dumps(body).encode()), payloads)
    assert (outcome.kind, outcome.reason, outcome.bad) == ("split", "validation/X_Y_Z", (1,))
    assert "secret" not in repr(outcome)
    assert GA4.classify(Response(413, {}, b""), payloads).kind == "split"


def test_readme_names_every_setting() -> None:
    """With the sentence of the code."""
    readme = (FOLDER.parent / "README.md").read_text()
    for field in Ga4Settings.__dataclass_fields__.values():
        assert f"| `{field.name}` | {field.metadata['doc']} |" in readme


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("measurement_id", "UA-1-1", False),
        ("measurement_id", "G-ABC123DEF4", True),
        ("api_url", "google", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("default_country", "Germany", False),
        ("default_country", "de", True),
        ("event_id_param", "ga_x", False),
        ("event_id_param", "", True),
        ("engagement_time_msec", -1, False),
        ("max_value_length", 200, False),
        ("max_item_params", 28, False),
        ("params", ["fine", "not fine"], False),
        ("params", ["fine"], True),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at Google, which never answers."""
    check = Ga4Settings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**50)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["https://a.example/?email=x", "GRANTED", "1", "a@b.de", "x" * 600]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), any_json))


item = objects("item_id item_name price quantity index currency own coupon") | any_json
shop = objects("value currency transaction_id items coupon tax") | st.fixed_dictionaries({"items": st.lists(item)})
person = objects("email phone_number address sha256_email_address") | st.fixed_dictionaries(
    {"address": objects("first_name last_name street city region postal_code country")}
)
events = st.builds(
    lambda top, name, who, sold: {**top, "event": name, "user_data": who, "ecommerce": sold},
    objects("event_id timestamp client_id user_id session_id page cookie search_term value level engagement_time_msec"),
    st.sampled_from(["purchase", "refund", "page_view"]) | st.text(st.characters(codec=None), min_size=1, max_size=45),
    person | any_json,
    shop | any_json,
)
parameters = st.builds(
    lambda known, rest: {**rest, **known},
    objects(
        "event_name event_id client_id user_id timestamp_micros user_properties user_data consent user_location device "
        "non_personalized_ads ip_override validation_behavior params items value currency session_id page_location"
    ),
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), any_json, max_size=3),
)
chosen = st.sampled_from(
    [settings(), settings(send_user_data=True, send_ip=True, default_country="DE", params=["level", "page"])]
)


@given(events, parameters, chosen, st.sampled_from(["send", "restrict"]))
def test_build_is_total(pushed: dict[str, Any], set_: dict[str, Any], settings_: Ga4Settings, mode: Any) -> None:
    """Any event, any parameters: a body by Google's rules, or a Skip, and nothing else."""
    event = make_event(pushed, cookies={"_ga": "GA1.1.1.2"}, ip="198.51.100.7")
    try:
        built = GA4.build(event, set_, settings_, mode)
    except Skip:
        return
    body = body_of(built)
    assert rules.faults(body) == []
    if mode == "restrict":
        assert "user_data" not in body
        assert set(body["consent"].values()) == {"DENIED"}
    GA4.request(payloads_of([built]), settings_)


@given(
    st.integers(100, 599),
    st.binary(max_size=200) | any_json.map(lambda one: json.dumps({"validationMessages": one}).encode()),
)
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    """Any status and any bytes."""
    for count in (1, 3):
        outcome = GA4.classify(Response(status, {}, body), [Payload("e", "x", NOW, b"{}")] * count)
        assert isinstance(outcome, Outcome)
        assert outcome.kind != "delivered" or 200 <= status < 300
