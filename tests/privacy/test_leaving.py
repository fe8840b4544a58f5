"""What leaves for a tag: by what the visitor granted, and without personal data where nobody expects it; whatever the
plugin would do. Looked at with a destination that sends all that it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import Event
from tagserver.metrics.meters import Meters, Picture
from tagserver.outgoing.redaction import clean_data
from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Mode, Payload, Request
from tagserver.plugin.registry import Registry
from tagserver.privacy.rules import STRICT
from tagserver.queue.values import Room
from tagserver.testing import make_event
from tests.config.world import BoxSettings, load
from tests.kit.anything import any_json


class Mirror(Destination):
    """Sends everything that it sees, and needs nothing."""

    type = "mirror"
    Settings = BoxSettings
    consent = ConsentNeeds((), restricted=True)
    limits = Limits()
    reads: tuple[str, ...] = ("*",)
    clear = ("seen", "parameters.user_data")

    def hosts(self, settings: Any) -> Sequence[str]:
        return ("mirror.example",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        seen = {
            "data": dict(event.data),
            "clicks": dict(event.clicks),
            "cookies": dict(event.cookies),
            "headers": dict(event.facts.headers),
            "ip": event.facts.ip,
            "agent": event.facts.user_agent,
            "query": dict(event.page.query),
            "hash": event.page.hash,
            "email": list(event.identity.email[0]),
            "granted": sorted(event.granted),
        }
        return Built({"mode": mode, "seen": seen, "parameters": dict(parameters)}, event.name, event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        return Request("POST", "https://mirror.example", {}, payloads[0].body)


class Ads(Mirror):
    """The same for ads."""

    type = "ads"
    ads = True
    consent = ConsentNeeds(("ad_storage",), restricted=True)


class Processor(Ads):
    """One that works for the site alone in its limited mode, and can name California."""

    type = "processor"
    consent = ConsentNeeds(("ad_storage",), restricted=True, processor=True, locates=frozenset({"US-CA"}))


class Narrow(Mirror):
    """Sees the title alone."""

    type = "narrow"
    reads = ("page.title",)


REGISTRY = Registry.of(Mirror, Ads, Processor, Narrow)
PUSHED: dict[str, Any] = {
    "client_id": "c-1",
    "session_id": "s-1",
    "user_id": "u-1",
    "fbp": "fb.1.2.3",
    "gclid": "from-the-event",
    "cookie": {"_fbc": "fb.1.2.sent"},
    "page": {"location": "https://shop.example/a?fbclid=F&color=red", "title": "A"},
    "user_data": {"email": "erika@example.com", "address": {"city": "Berlin"}, "fbc": "fb.1.2.x", "madid": "m-1"},
}
FACTS: dict[str, Any] = {
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    "headers": {
        "accept-language": "de",
        "cookie": "_fbp=1",
        "x-forwarded-for": "198.51.100.7",
        "user-agent": "Chrome",
        "referer": "https://shop.example/?fbclid=F&email=a",
    },
    "cookies": {"_fbp": "fb.1.2.3", "_ga": "GA1.1.1.2", "ttclid": "T", "_rdt_em": "a" * 64, "ab": "b"},
}
TAG = "tags:\n  - name: T\n    destination: d\n    triggers: [all]\n"
ALL = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")


def decided(
    tag: str = "", pushed: Mapping[str, Any] = PUSHED, granted: Sequence[str] = ALL, type_: str = "mirror", **more: Any
) -> Decision:
    """The decision of one tag. `tag`: further lines of it; `privacy` (a keyword): that block."""
    privacy = more.pop("privacy", "")
    text = f"{privacy}\ndestinations: {{d: {{type: {type_}}}}}\n{TAG}{tag}"
    loaded = load({"container.yaml": text}, registry=REGISTRY)
    assert loaded.container is not None, loaded.problems
    event = make_event({"consent": dict.fromkeys(granted, "granted"), **pushed}, **FACTS | more)
    (decision,) = route(loaded.container, event).decisions
    return decision


def body_of(decision: Decision) -> dict[str, Any]:
    assert decision.built is not None, decision
    body: dict[str, Any] = msgspec.json.decode(decision.body)
    return body


def seen(*arguments: Any, **more: Any) -> dict[str, Any]:
    """What the destination saw."""
    found: dict[str, Any] = body_of(decided(*arguments, **more))["seen"]
    return found


# ── what consent keeps back
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── what is taken out
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    meters.routed(route(loaded.container, make_event(PUSHED | LEAKING)))
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


def test_too_deep_is_left_out() -> None:
    deep: Any = "erika@example.com"
    for _ in range(100):
        deep = {"a": deep}
    decision = decided(pushed={"deep": deep, "b": 1})
    assert "erika" not in decision.body.decode()
    assert body_of(decision)["seen"]["data"]["b"] == 1
