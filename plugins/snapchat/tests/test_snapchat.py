"""Snapchat's Conversions API: the examples, the answers, the README, and what no event may do."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_snapchat import Snapchat
from tagserver_snapchat.answers import read_answer
from tagserver_snapchat.names import EVENT_NAMES, SNAP_EVENTS
from tagserver_snapchat.settings import SnapchatSettings

from tagserver.plugin import Built, Outcome, Payload, Response, Skip
from tagserver.testing import NOW, check_destination, load_examples, make_event, make_settings, run_example
from tests.fast_yaml import safe_load

FOLDER = Path(__file__).parent
TOKEN = "a-snap-token-that-must-not-leak"
SETTINGS = {"pixel_id": "pixel-1", "access_token": TOKEN}
EXAMPLES = [pytest.param(case, id=case["name"]) for case in load_examples(FOLDER.parent / "examples")]
ANSWERS = safe_load((FOLDER / "answers.yaml").read_text())
refuse = runpy.run_path(str(FOLDER / "vendor_rules.py"))["refuse"]
SNAP = Snapchat()
FACTS = ("cookies", "ip", "user_agent", "country", "region")


def settings(**changes: Any) -> SnapchatSettings:
    """Settings of a pixel."""
    made: SnapchatSettings = make_settings(Snapchat, {**SETTINGS, **changes})
    return made


def payloads(count: int, body: bytes = b"{}") -> list[Payload]:
    """Some deliveries."""
    return [Payload(f"e-{index}", "PURCHASE", NOW, body) for index in range(count)]


@pytest.mark.parametrize("case", EXAMPLES)
def test_example(case: dict[str, Any]) -> None:
    """What goes in, and what goes to Snap, which would take it."""
    run_example(Snapchat, case, SETTINGS)
    if "skip" in case:
        return
    event = make_event(case["event"], **{key: case[key] for key in FACTS if key in case})
    built = SNAP.build(
        event, case.get("parameters", {}), settings(**case.get("settings", {})), case.get("mode", "send")
    )
    body = json.loads(msgspec.json.encode(built.body))
    assert refuse(body, NOW / 1000) is None
    assert body["event_name"] == built.name
    assert body["event_time"] == built.time // 1000
    assert built.expires is not None
    assert built.expires > NOW


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case['status']} {case['body'][:40]}")
def test_answer(case: dict[str, Any]) -> None:
    """By status, and by Snap's word for it."""
    outcome = SNAP.classify(Response(case["status"], {}, case["body"].encode()), payloads(case.get("payloads", 2)))
    assert outcome.kind == case["kind"]
    assert outcome.reason == case.get("reason", outcome.reason)
    assert "erika" not in repr(outcome)


def test_it_keeps_the_rules() -> None:
    """Those of every destination."""
    assert check_destination(Snapchat, SETTINGS) == []
    assert check_destination(Snapchat, {**SETTINGS, "validate": True, "value_from_items": True}) == []


def test_request_joins_the_stored_bytes() -> None:
    """Nothing is decoded again; the token stands in the query, escaped, and nowhere else."""
    request = SNAP.request(payloads(2, b'{"a":1.0}'), settings(access_token="a b&c"))
    assert request.content == b'{"data":[{"a":1.0},{"a":1.0}]}'
    assert request.url == "https://tr.snapchat.com/v3/pixel-1/events?access_token=a%20b%26c"
    assert set(request.headers) == {"content-type"}
    assert TOKEN not in repr(settings())


def test_names() -> None:
    """Every name of the map is one of Snap's."""
    assert set(EVENT_NAMES.values()) <= SNAP_EVENTS
    for name, own in EVENT_NAMES.items():
        assert SNAP.event_name(make_event({"event": name}), settings()) == own
    assert SNAP.event_name(make_event({"event": "other"}), settings()) == "other"


def test_expires_before_snaps_limit() -> None:
    """37 days less four hours."""
    event = make_event({"event": "page_view", "user_data": {"email": "a@b.example"}})
    assert SNAP.build(event, {}, settings(), "send").expires == NOW + (37 * 24 - 4) * 3_600_000


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("pixel_id", "6dbf4d30-8fd8-44a8-8e4d-f0b7eb1a2b3c", True),
        ("pixel_id", "a/b", False),
        ("api_url", "tr.snapchat.com", False),
        ("api_url", "http://[", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("default_country", "Germany", False),
        ("default_country", "de", True),
        ("max_age_days", 0, False),
        ("max_age_days", 38, False),
        ("max_age_days", 37, True),
        ("events", {"a": "CUSTOM_EVENT_1"}, True),
        ("events", {"a": "Custom"}, False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at Snap."""
    check = SnapchatSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


def test_readme_names_every_setting() -> None:
    """With the sentence of the code, and every name of the map."""
    readme = (FOLDER.parent / "README.md").read_text()
    for field in SnapchatSettings.__dataclass_fields__.values():
        assert f"| `{field.name}` | {field.metadata['doc']} |" in readme
    for name, own in EVENT_NAMES.items():
        assert f"| `{name}` | {own} |" in readme


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**50)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["WEB", "app", "PURCHASE", "https://a.example/?x=1", "LDU", "1", "a@b.example", "+49301234567"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), json_values))


address = objects("first_name last_name city region postal_code country")
person = st.builds(
    lambda who, where: {**who, "address": where},
    objects("email phone_number external_id madid lead_id gender date_of_birth sha256_email_address sc_click_id"),
    address | json_values,
)
item = objects("item_id item_name price quantity item_category item_brand") | json_values
shop = objects("value currency transaction_id items") | st.fixed_dictionaries({"items": st.lists(item, max_size=3)})
FIELDS = (
    "event_time action_source event_source_url user_data custom_data app_data integration event_id event_name "
    "data_processing_options data_processing_options_country data_processing_options_state value currency "
    "contents content_ids num_items brands sign_up_method search_string method search_term predicted_ltv"
)
pushed = st.builds(
    lambda name, top, who, sold: {**top, "event": name, "user_data": who, "ecommerce": sold, "event_id": "e-1"},
    st.sampled_from(["purchase", "add_to_cart", "sign_up", "anything"]),
    objects(FIELDS + " user_id ScCid timestamp page cookie"),
    person | json_values,
    shop | json_values,
)
USER = "em ph fn ln ge db ct st zp country external_id client_ip_address client_user_agent sc_click_id madid idfv"
parameters = st.builds(
    lambda top, who, rest: {**top, "user_data": who, **rest},
    objects(FIELDS),
    objects(USER) | json_values,
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), json_values, max_size=2),
)
chosen_settings = st.sampled_from(
    [settings(), settings(value_from_items=True, default_country="DE"), settings(events={"anything": "CUSTOM_EVENT_1"})]
)


def built(raw: dict[str, Any], own: dict[str, Any], chosen: SnapchatSettings, mode: Any) -> Built | Skip:
    """What build makes of an event; only Skip may be raised."""
    event = make_event(raw, ip="198.51.100.7", user_agent="Mozilla/5.0")
    try:
        return SNAP.build(event, own, chosen, mode)
    except Skip as skip:
        return skip


@given(pushed, parameters, chosen_settings, st.sampled_from(["send", "restrict"]))
def test_build_is_total_and_pure(raw: dict[str, Any], own: dict[str, Any], chosen: SnapchatSettings, mode: Any) -> None:
    """Any event, any parameters: an event that Snap takes, the same each time, and nothing changed; or Skip."""
    before = copy.deepcopy(own)
    first, second = built(raw, own, chosen, mode), built(raw, own, chosen, mode)
    assert repr(own) == repr(before)
    if isinstance(first, Skip):
        assert isinstance(second, Skip)
        assert (first.reason, first.detail) == (second.reason, second.detail)
        return
    assert not isinstance(second, Skip)
    assert first.body == second.body
    body = json.loads(msgspec.json.encode(first.body), parse_constant=lambda name: pytest.fail(f"{name} in a body"))
    assert refuse(body, NOW / 1000) is None
    if mode == "restrict":
        assert body["data_processing_options"] == ["LDU"]


@given(st.integers(100, 599), st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    """Any status, any bytes."""
    for count in (1, 3):
        outcome = read_answer(Response(status, {}, body), payloads(count))
        assert isinstance(outcome, Outcome)
        assert outcome.kind != "delivered" or 200 <= status < 300


@given(json_values, json_values)
def test_any_json_answer_has_a_meaning(status: Any, reason: Any) -> None:
    """Whatever stands where Snap's words should."""
    body = json.dumps({"status": status, "reason": reason}).encode()
    assert read_answer(Response(400, {}, body), payloads(2)).kind == "split"
    assert read_answer(Response(200, {}, body), payloads(1)).kind in ("delivered", "rejected")
