"""LinkedIn's Conversions API: the examples, the answers, versions, the README, and what no event may do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_linkedin import LinkedIn
from tagserver_linkedin.settings import LinkedInSettings
from tagserver_linkedin.version import ends

from tagserver.plugin import Payload
from tagserver.testing import NOW, check_destination, request_of
from tests.kit.anything import any_json
from tests.kit.pushed import pushed_events, tag_parameters
from tests.kit.vendor_checks import VendorChecks

TOKEN = "a-linkedin-token-that-must-not-leak"
CONVERSIONS = {"purchase": "104012", "generate_lead": "7"}
SETTINGS = {"access_token": TOKEN, "conversions": CONVERSIONS}
# LinkedIn wants the list of identifiers also where it is empty.
LINKEDIN = VendorChecks(LinkedIn, SETTINGS, Path(__file__).parent, empty=[".user.userIds"])
PURCHASE = {"event": "purchase", "user_data": {"email": "a@b.example"}, "value": 20.5, "currency": "EUR"}


@pytest.mark.parametrize("case", LINKEDIN.examples, ids=lambda case: case["name"])
def test_example(case: dict[str, Any]) -> None:
    LINKEDIN.check_example(case)


@pytest.mark.parametrize("case", LINKEDIN.answers, ids=lambda case: f"{case['status']} {case['body'][:60]}")
def test_answer(case: dict[str, Any]) -> None:
    """By element, by index, then by status."""
    LINKEDIN.check_answer(case)


def test_it_keeps_the_rules() -> None:
    assert check_destination(LinkedIn, SETTINGS) == []
    assert check_destination(LinkedIn, {**SETTINGS, "send_ip": True, "value_from_items": True}) == []


def test_readme() -> None:
    LINKEDIN.check_readme({})


def test_amounts_are_decimal_text_and_moments_milliseconds() -> None:
    """Whatever the page wrote."""
    body = LINKEDIN.build({**PURCHASE, "timestamp": 1_789_999_999_999}).body
    assert body["conversionValue"] == {"amount": "20.5", "currencyCode": "EUR"}
    assert body["conversionHappenedAt"] == 1_789_999_999_999


def test_no_consent_is_half_enough() -> None:
    """LinkedIn has no limited mode: without all three purposes nothing is sent."""
    assert LinkedIn.consent.purposes == ("ad_storage", "ad_user_data", "ad_personalization")
    assert not LinkedIn.consent.restricted


def test_a_request_of_several() -> None:
    """The stored bytes joined, the token in a header alone."""
    payloads = [Payload(f"e-{index}", "7", NOW, b'{"a":1.0}') for index in range(2)]
    request = request_of(LinkedIn(), payloads, LINKEDIN.chosen())
    assert request.content == b'{"elements":[{"a":1.0},{"a":1.0}]}'
    assert TOKEN not in request.url + repr(LINKEDIN.chosen())


def test_the_bad_ones_of_a_batch_are_named() -> None:
    """LinkedIn stores nothing of it: the named ones go alone next time, the rest together."""
    built = [LINKEDIN.build(PURCHASE) for _ in range(5)]
    for index in (1, 3):
        built[index].body["conversionHappenedAt"] = 1_789_000_000
    outcomes = LINKEDIN.sent(built)[1]
    assert {(one.kind, one.bad) for one in outcomes} == {("split", (1, 3))}
    assert LINKEDIN.sent([built[1]])[1][0].kind == "rejected"
    assert {one.kind for one in LINKEDIN.sent([built[0], built[2], built[4]])[1]} == {"delivered"}


@pytest.mark.parametrize(
    ("changed", "status", "remedy"),
    [
        ({"access_token": "revoked"}, 401, "access_token"),
        ({"conversions": {"purchase": "1"}}, 404, "conversions"),
        ({"linkedin_version": "202505"}, 426, "raise linkedin_version"),
    ],
)
def test_what_no_event_is_to_blame_for_pauses_with_what_to_do(changed: Any, status: int, remedy: str) -> None:
    answer, (outcome,) = LINKEDIN.sent([LINKEDIN.build(PURCHASE, **changed)], **changed)
    assert (answer.status, outcome.kind) == (status, "paused")
    assert remedy in outcome.detail


@pytest.mark.parametrize(
    ("version", "day"),
    [("202511", date(2026, 11, 16)), ("202604", date(2027, 4, 16)), ("202613", None), ("v2", None), ("", None)],
)
def test_a_version_lives_for_a_year(version: str, day: date | None) -> None:
    """The first is LinkedIn's own announcement."""
    assert ends(version) == day


def test_the_end_of_the_version_is_known_beforehand() -> None:
    assert LinkedIn().version_ends(LINKEDIN.chosen(linkedin_version="202608")) == date(2027, 8, 16)


def test_expires_before_linkedins_limit() -> None:
    """Ninety days less four hours."""
    assert LINKEDIN.build(PURCHASE).expires == NOW + (90 * 24 - 4) * 3_600_000


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("conversions", {"purchase": "104012"}, True),
        ("conversions", {}, False),
        ("conversions", {"purchase": "urn:lla:1"}, False),
        ("linkedin_version", "202604", True),
        ("linkedin_version", "2026-04", False),
        ("linkedin_version", "202600", False),
        ("api_url", "api.linkedin.com", False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`, not at LinkedIn."""
    check = LinkedInSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


USER = (
    "SHA256_EMAIL LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID PLAINTEXT_IP_ADDRESS ACXIOM_ID firstName lastName countryCode "
    "title companyName externalIds lead colour"
)
changes = st.sampled_from([{"send_ip": True}, {"value_from_items": True}])


@given(
    pushed_events("li_fat_id cookie"),
    tag_parameters("conversionHappenedAt value currency", user=USER, conversionValue="amount currencyCode tax"),
    changes,
)
def test_build_is_total(pushed: dict[str, Any], own: dict[str, Any], changed: dict[str, Any]) -> None:
    rules = dict.fromkeys(["purchase", "search", "an event of the shop's own"], "7")
    LINKEDIN.check_total(pushed, own, "send", conversions=rules, **changed)


@given(st.integers(100, 599), st.binary(max_size=200) | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    LINKEDIN.check_any_answer(status, body)


@given(st.sampled_from([200, 401, 422]), any_json, st.lists(any_json, min_size=1, max_size=3))
def test_any_json_has_a_meaning(status: int, said: Any, elements: list[Any]) -> None:
    LINKEDIN.check_any_answer(status, json.dumps({"code": said, "message": said, "elements": elements}).encode())
