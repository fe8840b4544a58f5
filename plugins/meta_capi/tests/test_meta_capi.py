"""Meta's Conversions API: the examples of the README, the answers, and what no event may do."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_meta_capi import MetaCapi
from tagserver_meta_capi.answers import read_answer
from tagserver_meta_capi.click import well_formed
from tagserver_meta_capi.fields import page_address
from tagserver_meta_capi.processing import LDU_STATES
from tagserver_meta_capi.settings import MetaSettings

from tagserver.event.event import Event, Facts
from tagserver.inbound.clients.datalayer import Context, read_event
from tagserver.plugin import Built, Outcome, Payload, Response, Secret, Skip
from tagserver.sandbox.rules import refuse
from tagserver.testing import check_destination, expanded, load_examples, make_event, make_settings
from tests.fast_yaml import safe_load

NOW = 1_790_000_000_000
FOLDER = Path(__file__).parent
TOKEN = "EAAB-a-token-that-must-not-leak"
EXAMPLES = [pytest.param(case, id=case["name"]) for case in load_examples(FOLDER.parent / "examples")]
ANSWERS = safe_load((FOLDER / "answers.yaml").read_text())
META = MetaCapi()


def settings(**changes: Any) -> MetaSettings:
    """Settings of a pixel."""
    return MetaSettings(**{"pixel_id": "1234567890", "access_token": Secret(TOKEN)} | changes)


def event(case: dict[str, Any]) -> Event:
    """The event of an example, made as ingest makes it."""
    known = ("cookies", "ip", "user_agent", "region")
    return make_event(case["event"], **{key: case[key] for key in known if key in case})


def payloads(count: int, body: bytes = b"{}") -> list[Payload]:
    """Some deliveries."""
    return [Payload(f"e-{index}", "Purchase", NOW, body) for index in range(count)]


CALLED = {"name": "purchase", "ids": ["1234567890"], "single": False}


@pytest.mark.parametrize(
    ("changed", "name", "omitted"),
    [
        ({}, "purchase", []),
        ({"name": "Lead", "single": True}, "Lead", []),
        ({"ids": ["77"]}, "purchase", ["event_name"]),
        ({"ids": ["77"], "single": True}, None, []),
        ({"ids": []}, "purchase", []),
        ({"name": ""}, "Purchase", []),
        ({"name": 5}, "Purchase", []),
        ({"ids": "77", "single": True}, "purchase", []),
    ],
    ids=["its own name", "single", "another", "another alone", "unknown", "no name", "a number", "no list"],
)
def test_what_the_pages_pixel_has_had(changed: dict[str, Any], name: str | None, omitted: list[str]) -> None:
    """It goes under the pixel's name, byte for byte; a call for another pixel alone is not ours."""
    pushed = {"event": "purchase", "event_id": "e", "user_id": "u", "value": 1, "currency": "EUR"}
    called = read_event({**pushed, "pixel": CALLED | changed}, Facts("browser", NOW), Context({}, client="pixel"))
    if name is None:
        with pytest.raises(Skip) as skipped:
            META.build(called, {}, settings(), "send")
        assert skipped.value.reason == "other_account"
        return
    built = META.build(called, {}, settings(), "send")
    assert (built.body["event_name"], built.name) == (name, name)
    assert [one.field for one in built.omitted] == omitted


@pytest.mark.parametrize("case", EXAMPLES)
def test_example(case: dict[str, Any]) -> None:
    """What goes in, and what goes to Meta."""
    arguments = (
        event(case),
        case.get("parameters", {}),
        settings(**case.get("settings", {})),
        case.get("mode", "send"),
    )
    if "skip" in case:
        with pytest.raises(Skip) as skipped:
            META.build(*arguments)
        assert skipped.value.reason == case["skip"]
        assert sorted(one.field for one in skipped.value.omitted) == case.get("omitted", [])
        return
    built = META.build(*arguments)
    if "body" in case:
        assert built.body == expanded(case["body"])
    for field, value in case.get("has", {}).items():
        assert built.body[field] == expanded(value)
    assert sorted(one.field for one in built.omitted) == sorted(case.get("omitted", []))
    assert built.body["event_name"] == built.name
    assert built.time // 1000 == built.body["event_time"]
    assert refuse(json.loads(msgspec.json.encode(built.body)), NOW / 1000) is None


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case['status']} {case['body'][:60]}")
def test_answer(case: dict[str, Any]) -> None:
    """By code and subcode."""
    response = Response(case["status"], case.get("headers", {}), case["body"].encode())
    outcome = META.classify(response, payloads(case.get("payloads", 2)))
    assert outcome.kind == case["kind"]
    assert outcome.reason == case.get("reason", outcome.reason)
    assert outcome.after == case.get("after", outcome.after)
    assert list(outcome.bad) == case.get("bad", [])
    assert case.get("detail", "") in outcome.detail
    assert case.get("warning", "") in outcome.warning


def test_meta_text_never_reaches_an_outcome() -> None:
    """It may hold the token or a visitor's data, and comes in any language."""
    error = {"code": 190, "message": f"Malformed access token {TOKEN}", "error_user_msg": "erika@example.com"}
    outcome = read_answer(Response(400, {}, json.dumps({"error": error}).encode()), payloads(1))
    assert TOKEN not in repr(outcome)
    assert "erika" not in repr(outcome)


def test_request_joins_the_stored_bytes() -> None:
    """Nothing is decoded again; the token stands in a header and nowhere else."""
    chosen = settings(test_event_code="TEST1", partner_agent="tagserver", app_secret=Secret("shh"))
    request = META.request(payloads(2, b'{"a":1.0}'), chosen)
    assert request.method == "POST"
    assert request.url == "https://graph.facebook.com/v26.0/1234567890/events"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.content.startswith(b'{"data":[{"a":1.0},{"a":1.0}],')
    body = json.loads(request.content)
    assert body["test_event_code"] == "TEST1"
    assert body["partner_agent"] == "tagserver"
    assert len(body["appsecret_proof"]) == 64
    assert TOKEN not in request.url + request.content.decode()
    assert "shh" not in request.content.decode()
    assert META.request(payloads(1), settings()).content == b'{"data":[{}]}'


def test_secrets_do_not_show() -> None:
    """Neither in a repr of the settings nor in a body."""
    chosen = settings(app_secret=Secret("shh-shh"))
    assert TOKEN not in repr(chosen)
    assert "shh-shh" not in repr(chosen)


def test_the_window_ends_before_metas() -> None:
    """Seven days less four hours after the event, 62 for a till."""
    person = {"event": "page_view", "user_id": "u"}
    hours = 3_600_000
    web = META.build(event({"event": person}), {}, settings(), "send")
    till = META.build(event({"event": person | {"action_source": "physical_store"}}), {}, settings(), "send")
    assert web.expires == NOW + 7 * 24 * hours - 4 * hours
    assert till.expires == NOW + 62 * 24 * hours - 4 * hours


def test_every_state_with_a_code() -> None:
    """1000 to 1013, each for a state of the US."""
    assert sorted(LDU_STATES.values()) == list(range(1000, 1014))
    assert all(state.startswith("US-") for state in LDU_STATES)


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("https://a.example/p?x=1&E-Mail=e%40x&y=%20a+b", "https://a.example/p?x=1&y=%20a+b"),
        ("https://a.example/?e%6Dail=x", "https://a.example/"),
        ("https://u:p@a.example:8443/p", "https://a.example:8443/p"),
        ("https://a.example/#token=1&x=2", "https://a.example/#x=2"),
        ("https://a.example/#/route?email=x", "https://a.example/#/route?email=x"),
        ("HTTPS://A.example", "HTTPS://A.example"),
        ("https://a.example/?", "https://a.example/?"),
        ("/relative", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://a b.example/", None),
        (7, None),
    ],
)
def test_addresses(sent: object, clean: str | None) -> None:
    """Without credentials and personal keys; byte for byte otherwise."""
    assert page_address(make_settings(MetaCapi, {"pixel_id": "1", "access_token": "t"})).read(sent) == clean


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("fb.1.1700000000000.abc-_X", True),
        ("fb.0.1.x.AQYCAQEB", True),
        ("fb.1.1.x.BQ", True),
        ("fb.1.1.x.zz", False),
        ("fb.1.1.", False),
        ("fb.1.x.y", False),
        ("fc.1.1.y", False),
        ("fb.1.1.a b", False),
        (7, False),
    ],
)
def test_click_shape(value: object, fine: bool) -> None:
    """Four parts, or five with an appendix that Meta's parameter builder writes."""
    assert (well_formed("fbc", value) is not None) is fine


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("pixel_id", "12a", False),
        ("api_version", "26", False),
        ("api_version", "v26.0", True),
        ("api_url", "graph.facebook.com", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("partner_agent", "x" * 23, False),
        ("partner_agent", "1a", False),
        ("partner_agent", "acme", True),
        ("default_country", "Germany", False),
        ("default_country", "de", True),
    ],
)
def test_settings_are_checked(field: str, value: str, fine: bool) -> None:
    """A mistake is found by `check`, not at Meta."""
    check = MetaSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


def test_readme_names_every_setting() -> None:
    """With the sentence of the code."""
    readme = (FOLDER.parent / "README.md").read_text()
    for field in MetaSettings.__dataclass_fields__.values():
        assert f"| `{field.name}` | {field.metadata['doc']} |" in readme


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**50)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(
        ["app", "physical_store", "business_messaging", "fb.1.1.x", "https://a.example/?x=1", "LDU", "1"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), json_values))


user_data = objects("email phone_number address external_id fbc fbp lead_id madid sha256_phone_number") | json_values
item = objects("item_id item_name price quantity item_category") | json_values
shop = objects("value currency transaction_id predicted_ltv items") | st.fixed_dictionaries({"items": st.lists(item)})
EVENT_FIELDS = (
    "event_time action_source event_source_url referrer_url opt_out data_processing_options "
    "data_processing_options_country data_processing_options_state app_data messaging_channel original_event_data "
    "attribution_data customer_segmentation event_id custom_data contents content_ids num_items value currency status"
)
META_KEYS = "em ph fn ln ge db ct st zp country external_id client_ip_address client_user_agent fbc fbp lead_id page_id"
pushed = st.builds(
    lambda top, known, who, sold: {**top, **known, "user_data": who, "ecommerce": sold},
    objects(EVENT_FIELDS + " user_id fbclid search_term x-fb-ck-fbc timestamp page cookie"),
    st.fixed_dictionaries({"event": st.sampled_from(["purchase", "begin_checkout", "anything"])}),
    user_data,
    shop,
)
parameters = st.builds(
    lambda top, who, rest: {**top, **({"user_data": who} if who is not None else {}), **rest},
    objects(EVENT_FIELDS + " event_name app_data"),
    st.none() | objects(META_KEYS) | json_values,
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), json_values, max_size=2),
)
known_settings = st.sampled_from(
    [settings(), settings(core_setup=True), settings(value_from_items=True, external_id="raw", default_country="de")]
)


def built(raw: dict[str, Any], given_: dict[str, Any], chosen: MetaSettings, mode: Any) -> Built | Skip:
    """What build makes of an event; only Skip may be raised."""
    facts = Facts("browser", NOW, ip="198.51.100.7", user_agent="Mozilla/5.0")
    try:
        return META.build(read_event(raw | {"event_id": "e-1"}, facts), given_, chosen, mode)
    except Skip as skip:
        return skip


@given(pushed, parameters, known_settings, st.sampled_from(["send", "restrict"]))
def test_build_is_total_and_pure(raw: dict[str, Any], given_: dict[str, Any], chosen: MetaSettings, mode: Any) -> None:
    """Any event, any parameters: a body that JSON can hold, the same each time, and nothing changed."""
    before = copy.deepcopy(given_)
    first, second = built(raw, given_, chosen, mode), built(raw, given_, chosen, mode)
    assert repr(given_) == repr(before)
    if isinstance(first, Skip):
        assert isinstance(second, Skip)
        assert (first.reason, first.detail) == (second.reason, second.detail)
        return
    assert not isinstance(second, Skip)
    assert first.body == second.body
    text = msgspec.json.encode(first.body)
    body = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in a body"))
    if mode == "restrict":
        assert body["opt_out"] is True
        assert body["data_processing_options"] == ["LDU"]
    assert refuse(body, NOW / 1000) is None


@given(st.integers(100, 599), st.dictionaries(st.text(max_size=30), st.text(max_size=30)), st.binary(max_size=200))
def test_any_answer_has_a_meaning(status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, any headers, any bytes."""
    for count in (1, 3):
        outcome = read_answer(Response(status, headers, body), payloads(count))
        assert isinstance(outcome, Outcome)
        assert outcome.kind != "delivered" or 200 <= status < 300


@given(
    st.integers(100, 599), json_values, objects("code error_subcode is_transient error_data fbtrace_id") | json_values
)
def test_any_error_has_a_meaning(status: int, usage: Any, error: Any) -> None:
    """Whatever JSON stands where an error should."""
    headers = {"x-business-use-case-usage": json.dumps({"1": [{"estimated_time_to_regain_access": usage}], "2": usage})}
    outcome = read_answer(Response(status, headers, json.dumps({"error": error}).encode()), payloads(2))
    assert outcome.kind != "delivered"
    assert outcome.after is None or 0 < outcome.after <= 3600
    assert all(0 <= index < 2 for index in outcome.bad)


def test_it_keeps_the_rules_of_the_kit() -> None:
    """As a stranger's destination would."""
    assert check_destination(MetaCapi, {"pixel_id": "1234567890", "access_token": TOKEN}) == []
