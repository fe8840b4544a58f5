"""Personal data where nobody expects it is taken out of what leaves, named by its place, and counted by its kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.metrics.meters import Meters, Picture
from tagserver.outgoing.redaction import clean_data
from tagserver.pipeline.route import route
from tagserver.privacy.rules import STRICT
from tagserver.queue.values import Room
from tagserver.testing import make_event
from tests.config.world import load

from .world import PUSHED, REGISTRY, body_of, decided, seen

LEAKING: dict[str, Any] = {
    "page": {
        "location": "https://shop.example/a?email=a@b.example&color=red&size=M#part",
        "referrer": "https://shop.example/?q=erika%40example.com",
        "title": "Orders of erika@example.com",
    },
    "search_term": "+49 30 1234567",
    "telephone": 493012345678,
    "billing": {"firstName": "Erika", "IBAN": "DE02120300000000202051", "plan": "gold"},
    "erika@example.com": 1,
    "paid": 4111111111111111,
    "order_id": 4111111111111111,
    "gtin": "4006381333931",
    "logo": "logo@2x.png",
    "ecommerce": {
        "items": [{"item_name": "for erika@example.com", "item_id": "4111111111111111"}, {"note": ["a@b.example"]}]
    },
}


def test_personal_data_is_taken_out_where_nobody_expects_it() -> None:
    decision = decided(pushed=PUSHED | LEAKING)
    data = body_of(decision)["seen"]["data"]
    assert data["page"] == {
        "location": "https://shop.example/a?color=red&size=M",
        "referrer": "https://shop.example/",
        "title": "Orders of [redacted:email]",
    }
    assert data["search_term"] == data["telephone"] == "[redacted:phone]"
    assert data["billing"] == {"firstName": "[redacted:name]", "IBAN": "[redacted:iban]", "plan": "gold"}
    assert "erika@example.com" not in data
    assert data["paid"] == "[redacted:card]"
    assert (data["order_id"], data["gtin"], data["logo"]) == (4111111111111111, "4006381333931", "logo@2x.png")
    items = [{"item_name": "for [redacted:email]", "item_id": "4111111111111111"}, {"note": ["[redacted:email]"]}]
    assert data["ecommerce"]["items"] == items
    assert data["user_data"] == PUSHED["user_data"], "to be hashed"


def test_each_is_named_with_its_place_and_never_its_value() -> None:
    decision = decided(pushed=PUSHED | LEAKING)
    told = {one.field: one.why for one in decision.omitted}
    assert told["page.title"] == "cleaned: it held an e-mail address"
    assert told["page.location"] == "cleaned: it held what stands behind the # and an e-mail address"
    assert told["ecommerce.items.item_name"] == "cleaned: it held an e-mail address"
    assert told["[redacted:email]"] == "cleaned: it held an e-mail address"
    assert "erika" not in repr(decision.omitted) + repr(decision.findings)


def test_they_are_counted_by_kind() -> None:
    meters = Meters()
    loaded = load(
        {"container.yaml": "destinations: {d: {type: mirror}}\ntags: [{name: T, destination: d, triggers: [all]}]\n"},
        registry=REGISTRY,
    )
    assert loaded.container is not None
    meters.routed([route(loaded.container, make_event(PUSHED | LEAKING))])
    text = meters.text(Picture("1", {}, {}, {}, Room(0, 1)))
    assert 'tagserver_redacted_total{kind="email"} 6' in text
    assert 'tagserver_redacted_total{kind="card"} 1' in text
    assert "fragment" not in text


def test_parameters_are_looked_through_but_for_who_it_was() -> None:
    tag = """    parameters:
      note: "by {{ user_data.email }}"
      email: "{{ user_data.email }}"
      user_data: {em: "{{ user_data.email }}"}
"""
    decision = decided(tag)
    assert body_of(decision)["parameters"] == {
        "note": "by [redacted:email]",
        "email": "[redacted:email]",
        "user_data": {"em": "erika@example.com"},
    }
    assert {one.path for one in decision.findings} == {"note", "email"}


def test_constants_are_looked_through_once() -> None:
    """A constant in which something is found is taken out of every event; one that is clean lets nothing else through,
    also not what its name seems to lead to."""
    tag = """    parameters:
      plan: gold
      a.b: plain
      a: {b: "{{ page.title }}", c: plain}
      list: [plain, {mail: a@b.example}]
      link: https://shop.example/?email=a
"""
    decision = decided(tag, {"event": "x", "page": {"title": "Orders of erika@example.com"}})
    assert decision.tag.constants == {"plan"}
    assert body_of(decision)["parameters"] == {
        "plan": "gold",
        "a.b": "plain",
        "a": {"b": "Orders of [redacted:email]", "c": "plain"},
        "list": ["plain", {"mail": "[redacted:email]"}],
        "link": "https://shop.example/",
    }


@pytest.mark.parametrize("scheme", ["https:", "HTTP:", "shop:", "android-app:", ""])
def test_an_address_is_cleaned_wherever_it_stands(scheme: str) -> None:
    """Also a link into an app."""
    link = f"{scheme}//order/812?x=1&token=9f8b&first_name=Nora"
    pushed = {"event": "x", "link": link, "ecommerce": {"items": [{"item_id": "A", "link": f" {link}"}]}}
    (clean, found) = clean_data(pushed, STRICT)
    assert clean["link"] == clean["ecommerce"]["items"][0]["link"] == f"{scheme}//order/812?x=1"
    assert [one.path for one in found] == ["link", "ecommerce.items.link"]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n ", "\u00a0", "\u2003", "\u3000", "\x1f"])
@pytest.mark.parametrize("more", ["", "a b " * 20_000], ids=["alone", "in a large event"])
@pytest.mark.parametrize(
    ("link", "clean"),
    [("/order?x=1&token=9f8b", "/order?x=1"), ("?name=Nora&x=1", "?x=1"), ("//a.example/#b", "//a.example/")],
)
def test_a_part_of_an_address_is_cleaned_behind_a_blank(link: str, clean: str, blank: str, more: str) -> None:
    """However large the event is, and whatever else is in it."""
    kept, found = clean_data({"event": "x", "link": blank + link, "more": more}, STRICT)
    assert (kept["link"], kept["more"], [one.path for one in found]) == (clean, more, ["link"])


@pytest.mark.parametrize("links", ["https://a.example/x?y=1", "/x?y=1", " a/b?", "a / b ? c"])
def test_an_address_with_nothing_in_it_stays_byte_for_byte(links: str) -> None:
    data = {"event": "x", "links": [links, {"link": links}]}
    assert clean_data(data, STRICT) == (data, [])


def test_a_long_text_goes_on_cut_where_there_is_something_to_look_for() -> None:
    """Its end was not looked at. One in which there is nothing to look for goes on as it is."""
    long = "a plain text " * 1000
    (clean, found) = clean_data({"event": "x", "a": long, "b": f"{long} @", "c": f"{long} a@b.example"}, STRICT)
    assert (clean["a"], clean["b"], clean["c"]) == (long, long[:4096], long[:4096])
    assert [one.path for one in found] == ["b", "c"]
    assert {one.why for one in found} == {"cleaned: it held more than 4096 characters, and something to look for"}


def test_a_tag_may_have_it_for_a_reason() -> None:
    decision = decided("    redact_override: our own system\n    parameters: {mail: a@b.example}\n", PUSHED | LEAKING)
    body = body_of(decision)
    assert body["seen"]["data"]["page"] == LEAKING["page"]
    assert body["seen"]["data"]["search_term"] == "+49 30 1234567"
    assert body["parameters"] == {"mail": "a@b.example"}
    assert decision.omitted == ()


def test_the_reason_is_not_one_for_click_ids() -> None:
    decision = decided("    redact_override: our own system\n", PUSHED, ["ad_user_data"])
    assert "fbclid" not in decision.body.decode()


def test_without_click_ids_the_rest_stays_as_it_came() -> None:
    """What the reason is for is not lost with what it is not for."""
    decision = decided("    redact_override: our own system\n", PUSHED | LEAKING, ["ad_user_data"])
    data = body_of(decision)["seen"]["data"]
    assert (data["page"], data["search_term"], data["billing"]) == (
        LEAKING["page"],
        LEAKING["search_term"],
        LEAKING["billing"],
    )


def test_a_reason_is_needed() -> None:
    text = (
        "destinations: {d: {type: mirror}}\ntags: [{name: T, destination: d, triggers: [all], redact_override: ''}]\n"
    )
    loaded = load({"container.yaml": text}, registry=REGISTRY)
    assert [one.message for one in loaded.problems] == ["redact_override needs its reason"]


def test_the_sites_list_of_keys() -> None:
    page = {"page": {"location": "https://shop.example/?utm_source=a&color=red&x=1&fbclid=F&UTM_TERM=b"}}
    privacy = "privacy: {query_allow: [Color, 'utm_*']}"
    location = "https://shop.example/?utm_source=a&color=red&fbclid=F&UTM_TERM=b"
    assert seen(pushed=page, privacy=privacy)["data"]["page"]["location"] == location
    assert seen(pushed=page, privacy="privacy: {query_allow: []}")["query"] == {"fbclid": "F"}


@pytest.mark.parametrize("key", ["'*'", "a*b", "''", "' '"])
def test_a_key_that_is_none(key: str) -> None:
    loaded = load({"container.yaml": f"privacy: {{query_allow: [{key}]}}"}, registry=REGISTRY)
    assert [one.code for one in loaded.problems if one.path.startswith("privacy")] == ["E115"]


def test_an_event_in_which_nothing_is_found_is_shared() -> None:
    """Nothing is copied that need not be."""
    event = make_event(PUSHED)
    assert clean_data(event.data, STRICT)[0] is event.data


PIECES = [
    "/",
    "?",
    "://",
    "tel:",
    "eyJ",
    "@",
    "%40",
    "+",
    "49301234567",
    "4111 1111-1111 1111",
    "a.example",
    "{",
    "[",
    '"',
]
SIGNS = st.lists(st.sampled_from([*PIECES, *" :=&-a\\\t\u00a0\u3000"]), max_size=6).map("".join)
KEYS = st.sampled_from(["page", "ecommerce", "items", "item_name", "title", "location", "email", "my_phone", "x"])
VALUES = st.recursive(
    st.one_of(SIGNS, st.sampled_from([None, 1, 4111111111111111])),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_the_quick_look_misses_nothing(data: dict[str, Any]) -> None:
    """Beside something that is found, each value is looked at for itself."""
    beside, found = clean_data({**data, "zz": "erika@example.com"}, STRICT)
    assert beside["zz"] == "[redacted:email]"
    assert clean_data(data, STRICT)[0] == {name: value for name, value in beside.items() if name != "zz"}
    assert clean_data(data, STRICT)[1] == [one for one in found if one.path != "zz"]


def test_too_deep_is_left_out() -> None:
    deep: Any = "erika@example.com"
    for _ in range(100):
        deep = {"a": deep}
    decision = decided(pushed={"deep": deep, "b": 1})
    assert "erika" not in decision.body.decode()
    assert body_of(decision)["seen"]["data"]["b"] == 1
