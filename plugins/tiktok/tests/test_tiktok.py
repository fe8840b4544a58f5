"""TikTok's Events API: the examples, the answers, the README, and what no event may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_tiktok import TikTok
from tagserver_tiktok.names import EVENT_NAMES
from tagserver_tiktok.settings import TikTokSettings

from tagserver.plugin import Payload
from tagserver.plugin.identity import sha256_hex
from tagserver.testing import NOW, check_destination, make_event, request_of
from tests.kit.anything import any_json
from tests.kit.pushed import pushed_events, tag_parameters
from tests.kit.vendor_checks import VendorChecks

TOKEN = "a-tiktok-token-that-must-not-leak"
SETTINGS = {"pixel_code": "C123", "access_token": TOKEN}
TIKTOK = VendorChecks(TikTok, SETTINGS, Path(__file__).parent)


@pytest.mark.parametrize("case", TIKTOK.examples, ids=lambda case: case["name"])
def test_example(case: dict[str, Any]) -> None:
    TIKTOK.check_example(case)


@pytest.mark.parametrize("case", TIKTOK.answers, ids=lambda case: f"{case['status']} {case['body'][:40]}")
def test_answer(case: dict[str, Any]) -> None:
    """By TikTok's code, whatever the status says."""
    TIKTOK.check_answer(case)


def test_it_keeps_the_rules() -> None:
    assert check_destination(TikTok, SETTINGS) == []
    assert check_destination(TikTok, {**SETTINGS, "event_source": "crm", "value_from_items": True}) == []


def test_readme() -> None:
    TIKTOK.check_readme(EVENT_NAMES)


def test_telephone_numbers_are_hashed_with_their_plus_sign() -> None:
    """The one difference to Meta, Pinterest and Snapchat that costs every match."""
    body = TIKTOK.build({"event": "page_view", "user_data": {"phone_number": "+44 844 412 4653"}}).body
    assert body["user"]["phone"] == [sha256_hex("+448444124653")]
    assert body["user"]["phone"] != [sha256_hex("448444124653")]


def test_a_request_of_several() -> None:
    """The stored bytes joined, the token in a header alone, the slash at the end of the address."""
    payloads = [Payload(f"e-{index}", "Purchase", NOW, b'{"a":1.0}') for index in range(2)]
    request = request_of(TikTok(), payloads, TIKTOK.chosen(test_event_code='T"1'))
    assert request.content.endswith(b',"data":[{"a":1.0},{"a":1.0}]}')
    assert json.loads(request.content)["test_event_code"] == 'T"1'
    assert TOKEN not in request.url + request.content.decode()
    assert request.headers["access-token"] == TOKEN
    assert request.url.endswith("/")
    assert TOKEN not in repr(TIKTOK.chosen())


def test_one_bad_event_has_the_whole_request_refused_and_is_found_by_halving() -> None:
    """TikTok answers 200 and names nobody."""
    good = TIKTOK.build({"event": "sign_up", "user_data": {"email": "a@b.example"}})
    bad = TIKTOK.build({"event": "sign_up", "user_data": {"email": "a@b.example"}})
    bad.body["event_time"] = NOW
    answer, outcomes = TIKTOK.sent([good, bad])
    assert answer.status == 200
    assert {one.kind for one in outcomes} == {"split"}
    assert TIKTOK.sent([bad])[1][0].kind == "rejected"
    assert TIKTOK.sent([good])[1][0].kind == "delivered"


def test_a_dead_token_pauses_with_what_to_do() -> None:
    built = TIKTOK.build({"event": "sign_up", "user_data": {"email": "a@b.example"}})
    answer, (outcome,) = TIKTOK.sent([built], access_token="revoked")
    assert (answer.status, outcome.kind, outcome.reason) == (200, "paused", "40105")
    assert "access_token" in outcome.detail


def test_expires_before_tiktoks_limit() -> None:
    """28 days less four hours."""
    assert TIKTOK.build({"user_data": {"email": "a@b.example"}}).expires == NOW + (28 * 24 - 4) * 3_600_000


@pytest.mark.parametrize(("name", "theirs"), [*EVENT_NAMES.items(), ("login", "login"), ("view_item_list",) * 2])
def test_names(name: str, theirs: str) -> None:
    """TikTok takes any name: what has no standard name goes under its own."""
    assert TikTok().event_name(make_event({"event": name}), TIKTOK.chosen()) == theirs


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("pixel_code", "CQ1AB2C3D4E5F6G7H8", True),
        ("pixel_code", "a/b", False),
        ("api_url", "business-api.tiktok.com", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("default_country", "Germany", False),
        ("max_age_days", 0, False),
        ("max_age_days", 28, True),
        ("max_age_days", 29, False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at TikTok."""
    check = TikTokSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


USER = "email phone external_id first_name last_name zip_code city state country ttclid ttp ip user_agent locale"
SHOP = "value currency contents content_ids content_type order_id shop_id query search_string description num_items"
changes = st.sampled_from([{}, {"value_from_items": True, "default_country": "DE"}, {"limited_data_use": True}])


@given(
    pushed_events("ttclid cookie"),
    tag_parameters(
        "event_time limited_data_use", user=USER, properties=SHOP, page="url referrer title", lead="lead_id", stage="a"
    ),
    st.sampled_from(["send", "restrict"]),
    changes,
)
def test_build_is_total_and_pure(
    pushed: dict[str, Any], own: dict[str, Any], mode: Any, changed: dict[str, Any]
) -> None:
    body = TIKTOK.check_total(pushed, own, mode, **changed)
    assert body is None or mode == "send" or body["limited_data_use"] is True


@given(st.integers(100, 599), st.binary(max_size=200) | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    TIKTOK.check_any_answer(status, body)


@given(st.integers(100, 599), any_json)
def test_any_code_has_a_meaning(status: int, code: Any) -> None:
    TIKTOK.check_any_answer(status, json.dumps({"code": code, "request_id": code}).encode())
