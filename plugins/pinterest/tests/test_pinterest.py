"""Pinterest's Conversions API: the examples, the answers, the README, and what no event may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_pinterest import Pinterest
from tagserver_pinterest.names import DOUBTFUL_EVENTS, EVENT_NAMES, PINTEREST_EVENTS
from tagserver_pinterest.settings import PinterestSettings

from tagserver.plugin import Payload
from tagserver.plugin.identity import sha256_hex
from tagserver.testing import NOW, check_destination, request_of
from tests.kit.anything import any_json
from tests.kit.pushed import pushed_events, tag_parameters
from tests.kit.vendor_checks import VendorChecks

TOKEN = "a-pinterest-token-that-must-not-leak"
SETTINGS = {"ad_account_id": "549755885175", "access_token": TOKEN}
PINTEREST = VendorChecks(Pinterest, SETTINGS, Path(__file__).parent)
SIGN_UP = {"event": "sign_up", "user_data": {"email": "a@b.example"}}


@pytest.mark.parametrize("case", PINTEREST.examples, ids=lambda case: case["name"])
def test_example(case: dict[str, Any]) -> None:
    PINTEREST.check_example(case)


@pytest.mark.parametrize("case", PINTEREST.answers, ids=lambda case: f"{case['status']} {case['body'][:60]}")
def test_answer(case: dict[str, Any]) -> None:
    """By what is said of each event, then by status."""
    PINTEREST.check_answer(case)


def test_it_keeps_the_rules() -> None:
    assert check_destination(Pinterest, SETTINGS) == []
    assert check_destination(Pinterest, {**SETTINGS, "forward_unmapped": True, "value_from_items": True}) == []


def test_readme() -> None:
    PINTEREST.check_readme(EVENT_NAMES)


def test_postal_codes_are_digits_and_money_is_text() -> None:
    """The two rules of Pinterest's own."""
    address = {"postal_code": "M1 1AE", "country": "GB"}
    pushed = {"user_data": {"email": "a@b.example", "address": address}, "value": 20.5, "currency": "GBP"}
    body = PINTEREST.build({"event": "purchase", **pushed}).body
    assert body["user_data"]["zp"] == [sha256_hex("11")]
    assert body["custom_data"]["value"] == "20.5"


def test_a_request_of_several() -> None:
    """The stored bytes joined, nothing beside them, the token in a header alone."""
    payloads = [Payload(f"e-{index}", "checkout", NOW, b'{"a":1.0}') for index in range(2)]
    request = request_of(Pinterest(), payloads, PINTEREST.chosen())
    assert request.content == b'{"data":[{"a":1.0},{"a":1.0}]}'
    assert TOKEN not in request.url
    assert TOKEN not in repr(PINTEREST.chosen())


def test_each_event_has_its_own_fate() -> None:
    """One bad event of three is named by Pinterest, and the others are delivered."""
    built = [PINTEREST.build(SIGN_UP) for _ in range(3)]
    built[1].body["event_time"] = NOW
    assert [one.kind for one in PINTEREST.sent(built)[1]] == ["delivered", "rejected", "delivered"]


def test_a_dead_token_pauses_with_what_to_do() -> None:
    answer, (outcome,) = PINTEREST.sent([PINTEREST.build(SIGN_UP)], access_token="revoked")
    assert (answer.status, outcome.kind) == (401, "paused")
    assert "access_token" in outcome.detail


def test_another_account_pauses_with_what_to_do() -> None:
    answer, (outcome,) = PINTEREST.sent([PINTEREST.build(SIGN_UP)], ad_account_id="1")
    assert (answer.status, outcome.kind) == (404, "paused")
    assert "ad_account_id" in outcome.detail


def test_expires_before_pinterests_limit() -> None:
    """Seven days less four hours."""
    assert PINTEREST.build(SIGN_UP).expires == NOW + (7 * 24 - 4) * 3_600_000


def test_every_name_of_the_map_is_one_of_pinterests() -> None:
    assert set(EVENT_NAMES.values()) <= PINTEREST_EVENTS
    assert not DOUBTFUL_EVENTS & PINTEREST_EVENTS


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("ad_account_id", "549755885175", True),
        ("ad_account_id", "act_1", False),
        ("api_url", "api.pinterest.com", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("default_country", "Germany", False),
        ("max_age_days", 0, False),
        ("max_age_days", 7, True),
        ("max_age_days", 31, False),
        ("events", {"a": "start_trial"}, True),
        ("events", {"a": "custom"}, True),
        ("events", {"a": "Checkout"}, False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at Pinterest."""
    check = PinterestSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


USER = "em ph ge db ln fn ct st zp country external_id hashed_maids client_ip_address click_id partner_id colour"
SHOP = "value currency contents content_ids order_id search_string content_name num_items predicted_ltv opt_out_type np"
TOP = "event_time action_source event_source_url opt_out partner_name language wifi app_id app_info device_type value"
changes = st.sampled_from([{"forward_unmapped": True}, {"value_from_items": True, "default_country": "DE"}])


@given(
    pushed_events("epik cookie"),
    tag_parameters(TOP, user_data=USER, custom_data=SHOP),
    st.sampled_from(["send", "restrict"]),
    changes,
)
def test_build_is_total(pushed: dict[str, Any], own: dict[str, Any], mode: Any, changed: dict[str, Any]) -> None:
    body = PINTEREST.check_total(pushed, own, mode, **changed)
    if body is not None and mode == "restrict":
        assert body["opt_out"] is True
        assert "LDP" in body["custom_data"]["opt_out_type"]


@given(st.integers(100, 599), st.binary(max_size=200) | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    PINTEREST.check_any_answer(status, body)


@given(st.sampled_from([200, 400, 422]), any_json, st.lists(any_json, min_size=1, max_size=3))
def test_any_json_has_a_meaning(status: int, said: Any, events: list[Any]) -> None:
    PINTEREST.check_any_answer(status, json.dumps({"code": said, "details": said, "events": events}).encode())
