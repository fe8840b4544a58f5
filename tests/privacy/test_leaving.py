"""What leaves for a tag, by what the visitor granted, whatever the plugin would do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.anything import any_json

from .world import ALL, FACTS, PUSHED, body_of, decided, seen


def test_with_all_granted_everything_is_seen() -> None:
    decision = decided()
    found = body_of(decision)["seen"]
    assert found["data"]["user_data"]["email"] == "erika@example.com"
    assert found["clicks"]["fbclid"] == "F"
    assert found["cookies"].keys() == {*FACTS["cookies"], "_fbc"}
    assert (found["ip"], found["agent"]) == (FACTS["ip"], FACTS["user_agent"])
    assert found["data"]["page"] == PUSHED["page"]
    assert found["granted"] == sorted(ALL)
    assert decision.omitted == ()


def test_without_ad_storage() -> None:
    decision = decided(granted=["ad_user_data", "ad_personalization", "analytics_storage"])
    found = body_of(decision)["seen"]
    assert found["clicks"] == {}
    assert found["cookies"] == {"_ga": "GA1.1.1.2", "ab": "b"}
    assert found["data"]["page"]["location"] == "https://shop.example/a?color=red"
    assert found["query"] == {"color": "red"}
    assert found["data"].keys().isdisjoint({"fbp", "gclid", "cookie", "click"})
    assert found["data"]["user_data"] == {"email": "erika@example.com", "address": {"city": "Berlin"}}
    assert found["data"]["client_id"] == "c-1"
    assert found["ip"] == "198.51.100.0"
    assert found["headers"].keys().isdisjoint({"cookie", "x-forwarded-for"})
    assert found["email"], "who it was is another purpose's"
    told = {one.field: one.why for one in decision.omitted}
    assert told["click.fbclid"] == told["cookie._fbp"] == told["fbp"] == "ad_storage is not granted"
    assert told["ip"] == "is cut: ad_storage is not granted"


def test_without_any_storage_not_even_the_sites_own_ids() -> None:
    found = seen(granted=["ad_user_data"])
    assert found["cookies"] == {}
    assert found["data"].keys().isdisjoint({"client_id", "session_id"})
    assert found["data"]["user_id"] == "u-1"


def test_without_ad_user_data_nobody_is_seen() -> None:
    decision = decided(granted=["ad_storage", "analytics_storage", "ad_personalization"])
    found = body_of(decision)["seen"]
    assert found["data"].keys().isdisjoint({"user_data", "user_id"})
    assert (found["ip"], found["email"]) == (None, [])
    assert found["agent"] == "Chrome (mobile)"
    assert found["clicks"]["fbclid"] == "F"
    assert "_rdt_em" not in found["cookies"]
    assert found["headers"] == {"accept-language": "de", "referer": "https://shop.example/?fbclid=F"}
    told = {one.field: one.why for one in decision.omitted}
    assert told["user_data"] == told["user_id"] == told["ip"] == "ad_user_data is not granted"
    assert "family" in told["user_agent"]


FROM_GOOGLE = {
    "ecid": "1",
    "client_hints": {"model": "X"},
    "client_device": {"model": "X"},
    "client_location": {"c": "B"},
}


@pytest.mark.parametrize(
    ("granted", "stay"),
    [
        (ALL, {*FROM_GOOGLE}),
        (["ad_storage", "analytics_storage", "ad_personalization"], {"ecid"}),
        (["ad_user_data", "analytics_storage"], {"ecid", "client_hints", "client_device"}),
        (["ad_user_data"], {"client_hints", "client_device"}),
        ([], set()),
    ],
)
def test_what_googles_tag_tells_of_the_browser(granted: list[str], stay: set[str]) -> None:
    """Its id goes with the site's own ones, its hints with the agent, and its place with the address."""
    found = seen(pushed={**PUSHED, **FROM_GOOGLE}, granted=granted)["data"]
    assert FROM_GOOGLE.keys() & found.keys() == stay


def test_a_tag_that_needs_another_purpose_sees_no_more_than_was_granted() -> None:
    """As Google Analytics does, which needs `analytics_storage` alone."""
    decision = decided("    consent: [analytics_storage]\n", granted=["analytics_storage"])
    assert (decision.decision, decision.reason) == ("send", "fired")
    found = body_of(decision)["seen"]
    assert "user_data" not in found["data"]
    assert found["data"]["client_id"] == "c-1"
    assert "erika" not in decision.body.decode()


PARAMETERS = """    parameters:
      user_data: {em: "{{ user_data.email }}", fbp: fb.1.2.3, ct: berlin}
      browser: "{{ cookie._fbp }}"
      click: "{{ click.fbclid }}"
      where: "{{ ip }}"
      page: "{{ page.location }}"
      id: "{{ user_id }}"
"""


def test_parameters_are_made_of_what_may_be_seen() -> None:
    given = body_of(decided(PARAMETERS))["parameters"]
    assert given["user_data"] == {"em": "erika@example.com", "fbp": "fb.1.2.3", "ct": "berlin"}
    assert (given["browser"], given["where"], given["id"]) == ("fb.1.2.3", "198.51.100.7", "u-1")
    decision = decided(PARAMETERS, granted=[])
    assert body_of(decision)["parameters"] == {"page": "https://shop.example/a?color=red"}
    assert "user_data" in {one.field for one in decision.omitted}
    without_storage = body_of(decided(PARAMETERS, granted=["ad_user_data"]))["parameters"]
    assert without_storage["user_data"] == {"em": "erika@example.com", "ct": "berlin"}


def test_an_override_counts_the_purposes_that_it_lists_and_no_others() -> None:
    tag = "    consent: []\n    consent_override: our own system, by contract\n"
    found = seen(tag, granted=[])
    assert found["data"]["user_data"]["email"] == "erika@example.com"
    assert found["ip"] == FACTS["ip"]
    assert found["granted"] == []


OPTED_OUT = PUSHED | {"gpc": True}


def test_an_opt_out_of_sale_keeps_back_the_person_and_the_address() -> None:
    decision = decided(pushed=OPTED_OUT, type_="ads")
    found = body_of(decision)["seen"]
    assert decision.decision == "restrict"
    assert "user_data" not in found["data"]
    assert found["ip"] is None
    assert found["clicks"]["fbclid"] == "F"
    assert {one.why for one in decision.omitted if one.field == "user_data"} == {"opted out of sale"}


@pytest.mark.parametrize(("region", "ip"), [("US-CA", None), ("US-VA", FACTS["ip"]), (None, FACTS["ip"])])
def test_a_processor_has_the_person_and_the_address_where_it_must_locate(region: str | None, ip: str | None) -> None:
    found = seen(pushed=OPTED_OUT, type_="processor", region=region, country="US" if region else None)
    assert found["data"]["user_data"]["email"] == "erika@example.com"
    assert found["ip"] == ip


def test_an_opt_out_of_sale_is_about_ads() -> None:
    assert seen(pushed=OPTED_OUT)["data"]["user_data"]["email"] == "erika@example.com"


@given(pushed=st.dictionaries(st.sampled_from([*PUSHED, "x"]), any_json), granted=st.sets(st.sampled_from(ALL)))
def test_whatever_is_pushed_the_plugin_is_asked(pushed: dict[str, Any], granted: set[str]) -> None:
    """But for half an emoji, which no JSON can hold, it can be sent."""
    decision = decided(PARAMETERS, pushed, sorted(granted))
    assert decision.decision in ("send", "restrict") or "cannot be written as JSON" in decision.detail


def test_only_what_a_destination_would_have_seen_is_named() -> None:
    decision = decided(type_="narrow", granted=[], pushed=PUSHED | {"note": "erika@example.com"})
    assert decision.omitted == ()
