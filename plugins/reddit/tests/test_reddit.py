"""Reddit's Conversions API: the examples, the answers, the README, and what no event may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_reddit import Reddit
from tagserver_reddit.names import EVENT_NAMES, TRACKING_TYPES
from tagserver_reddit.settings import RedditSettings

from tagserver.plugin import Payload
from tagserver.testing import NOW, check_destination, make_event, request_of
from tests.kit.anything import any_json
from tests.kit.pushed import pushed_events, tag_parameters
from tests.kit.vendor_checks import VendorChecks

TOKEN = "a-reddit-token-that-must-not-leak"
SETTINGS = {"pixel_id": "a2_abc123", "access_token": TOKEN}
REDDIT = VendorChecks(Reddit, SETTINGS, Path(__file__).parent)
SIGN_UP = {"event": "sign_up", "user_data": {"email": "a@b.example"}}


@pytest.mark.parametrize("case", REDDIT.examples, ids=lambda case: case["name"])
def test_example(case: dict[str, Any]) -> None:
    REDDIT.check_example(case)


@pytest.mark.parametrize("case", REDDIT.answers, ids=lambda case: f"{case['status']} {case['body'][:60]}")
def test_answer(case: dict[str, Any]) -> None:
    """By status; Reddit's word is kept, its sentence is not."""
    REDDIT.check_answer(case)


def test_it_keeps_the_rules() -> None:
    assert check_destination(Reddit, SETTINGS) == []
    assert check_destination(Reddit, {**SETTINGS, "forward_unmapped": True, "value_from_items": True}) == []


def test_readme() -> None:
    REDDIT.check_readme(EVENT_NAMES)


@pytest.mark.parametrize("email", ["Al.ice$+Apple@Example.Com", "alice@example.com", " ALICE+x+y@example.com "])
def test_all_spellings_of_an_address_have_one_hash(email: str) -> None:
    """The first two are Reddit's own sample."""
    body = REDDIT.build({"event": "page_view", "user_data": {"email": email}}).body
    assert body["user"]["email"] == "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976"


@pytest.mark.parametrize(
    ("changed", "own", "name"),
    [
        ({}, {}, "SIGN_UP"),
        ({"events": {"sign_up": "CUSTOM"}}, {}, "sign_up"),
        ({}, {"event_name": "CUSTOM", "custom_event_name": "Member"}, "Member"),
    ],
)
def test_a_repeat_is_known_by_the_name_that_reddit_counts(changed: Any, own: Any, name: str) -> None:
    """Two custom events of one id are two; `same_event` must not take them for one."""
    assert REDDIT.build(SIGN_UP, own, **changed).name == name


def test_a_request_of_several() -> None:
    """The stored bytes joined, the token in a header alone."""
    payloads = [Payload(f"e-{index}", "PURCHASE", NOW, b'{"a":1.0}') for index in range(2)]
    request = request_of(Reddit(), payloads, REDDIT.chosen())
    assert request.content == b'{"data":{"events":[{"a":1.0},{"a":1.0}]}}'
    assert json.loads(request_of(Reddit(), payloads, REDDIT.chosen(test_id='t"1')).content)["data"]["test_id"] == 't"1'
    assert TOKEN not in request.url + repr(REDDIT.chosen())


def test_one_bad_event_has_the_whole_request_refused_and_is_found_by_halving() -> None:
    good, bad = REDDIT.build(SIGN_UP), REDDIT.build(SIGN_UP)
    bad.body["event_at"] = NOW // 1000
    assert {one.kind for one in REDDIT.sent([good, bad])[1]} == {"split"}
    assert REDDIT.sent([bad])[1][0].kind == "rejected"
    assert REDDIT.sent([good])[1][0].kind == "delivered"


@pytest.mark.parametrize(
    ("changed", "status", "remedy"),
    [({"access_token": "revoked"}, 401, "access_token"), ({"pixel_id": "t2_other"}, 404, "pixel_id")],
)
def test_what_no_event_is_to_blame_for_pauses_with_what_to_do(changed: Any, status: int, remedy: str) -> None:
    answer, (outcome,) = REDDIT.sent([REDDIT.build(SIGN_UP)], **changed)
    assert (answer.status, outcome.kind) == (status, "paused")
    assert remedy in outcome.detail


def test_expires_before_reddits_limit() -> None:
    """Seven days less four hours."""
    assert REDDIT.build(SIGN_UP).expires == NOW + (7 * 24 - 4) * 3_600_000


def test_every_type_of_the_map_is_one_of_reddits() -> None:
    assert set(EVENT_NAMES.values()) <= TRACKING_TYPES
    for name, kind in EVENT_NAMES.items():
        assert Reddit().event_name(make_event({"event": name}), REDDIT.chosen()) in (kind, name)


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("pixel_id", "a2_abc123", True),
        ("pixel_id", "a/b", False),
        ("api_url", "ads-api.reddit.com", False),
        ("api_url", "http://127.0.0.1:9000", True),
        ("default_country", "Germany", False),
        ("events", {"a": "CUSTOM"}, True),
        ("events", {"a": "Purchase"}, False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at Reddit."""
    check = RedditSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


USER = "email external_id phone_number ip_address user_agent uuid idfa aaid screen_dimensions data_processing_options"
changes = st.sampled_from([{"forward_unmapped": True}, {"value_from_items": True, "default_country": "DE"}])


@given(
    pushed_events("rdt_cid cookie"),
    tag_parameters(
        "custom_event_name event_at action_source click_id event_source_url value",
        user=USER,
        metadata="value currency item_count products conversion_id colour",
    ),
    st.sampled_from(["send", "restrict"]),
    changes,
)
def test_build_is_total(pushed: dict[str, Any], own: dict[str, Any], mode: Any, changed: dict[str, Any]) -> None:
    body = REDDIT.check_total(pushed, own, mode, **changed)
    if body is not None and mode == "restrict":
        assert body["user"]["data_processing_options"]["modes"] == ["LDU"]


@given(st.integers(100, 599), st.binary(max_size=200) | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    REDDIT.check_any_answer(status, body)


@given(st.sampled_from([200, 400, 401]), any_json)
def test_any_error_has_a_meaning(status: int, said: Any) -> None:
    REDDIT.check_any_answer(status, json.dumps({"error": {"reason": said}, "data": said}).encode())
