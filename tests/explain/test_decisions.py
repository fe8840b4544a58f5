"""`try`: every tag's decision with its reason, from the functions that decide live."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.config.compile import Loaded
from tagserver.config.server import ServerConfig
from tagserver.consent.model.reading import Reading
from tagserver.explain.try_ import REASONS, try_event
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.enrich import read_facts
from tagserver.pipeline.route import route
from tagserver.plugin import (
    Payload,
)
from tests.examples import examples

from ..config.world import load
from ..events import NOW
from .world import ACCEPTED, DAY, GRANTED, PURCHASE, Ask, purchase

TAG_KEYS = ["tag", "destination", "consent", "decision", "reason", "detail", "request", "omitted"]


@pytest.mark.parametrize(
    ("tag", "event", "expected"),
    [
        ("Meta", PURCHASE, ("send", "send", "fired")),
        ("Meta", purchase(consent=GRANTED | {"ad_personalization": "denied"}), ("restrict", "restrict", "fired")),
        ("Meta", purchase(event="scroll"), (None, "skip", "no_trigger")),
        ("Meta", purchase(ecommerce={"value": 0, "currency": "EUR"}), (None, "skip", "no_trigger")),
        ("Meta", purchase(page={"location": "https://staging.shop.example/"}), ("send", "skip", "exception")),
        ("Meta", purchase(consent={}), ("block", "block", "consent")),
        ("Meta", purchase(consent={"ad_storage": "granted"}), ("block", "block", "consent")),
        ("Meta", purchase(user_data={}, page={}), ("send", "skip", "no_identity")),
        ("Meta", purchase(timestamp=NOW - 8 * DAY), ("send", "skip", "too_old")),
        ("Meta", purchase(ecommerce={"value": 1}), ("send", "skip", "missing_required")),
        ("Meta again", PURCHASE, ("send", "skip", "same_event")),
        ("Meta other", PURCHASE, ("send", "send", "fired")),
        ("Paused", PURCHASE, ("send", "skip", "paused")),
        ("Paused", purchase(consent={}), ("send", "skip", "paused")),
        ("Vendor", purchase(tcf=ACCEPTED), ("block", "block", "vendor")),
        ("Vendor", purchase(gdpr=1), ("block", "block", "consent")),
        ("Vendor", PURCHASE, ("send", "send", "fired")),
        ("Ads", PURCHASE, ("send", "send", "fired")),
        ("Vault", {"event": "anything"}, ("send", "send", "fired")),
        ("Broken", PURCHASE, ("send", "skip", "destination_paused")),
        ("Failing", PURCHASE, ("send", "error", "plugin_error")),
        ("Picky", PURCHASE, ("send", "skip", "missing_required")),
    ],
)
def test_reason(ask: Ask, tag: str, event: dict[str, Any], expected: tuple[str | None, str, str]) -> None:
    """The gate's verdict, the final decision, and the word for it; a request only for what would be sent."""
    shown = ask.tag(tag, event)
    assert (shown["consent"], shown["decision"], shown["reason"]) == expected
    assert list(shown) == TAG_KEYS
    assert shown["reason"] in REASONS
    assert shown["detail"]
    assert (shown["request"] is not None) == (shown["decision"] in ("send", "restrict"))


@pytest.mark.parametrize(
    ("tag", "event", "detail"),
    [
        ("Meta", purchase(event="scroll"), 'event equals "purchase", is "scroll"'),
        ("Meta", purchase(ecommerce={"value": 0}), "buy: ecommerce.value greater_than 0, is 0"),
        (
            "Meta",
            purchase(page={"location": "https://staging.a.example/"}),
            'internal: page.host starts_with "staging", is "staging.a.example"',
        ),
        ("Meta", purchase(consent={}), "ad_storage, is not set; ad_user_data, is not set"),
        ("Meta", purchase(consent=GRANTED | {"ad_user_data": "denied"}), "ad_user_data, is denied"),
        ("Meta again", PURCHASE, "Purchase with this event_id goes to meta already"),
        ("Meta", PURCHASE, "trigger buy"),
        ("Paused", PURCHASE, "the tag is paused"),
        ("Broken", PURCHASE, "the plugin broken fails with ZeroDivisionError"),
        ("Failing", PURCHASE, "KeyError at world.py:"),
        ("Picky", PURCHASE, "it wants a colour"),
        ("Meta", purchase(ecommerce={"value": 1}), "a Purchase needs currency"),
        ("Meta", purchase(timestamp=NOW - 8 * DAY), "Meta takes events of the last 7 days"),
    ],
)
def test_detail(ask: Ask, tag: str, event: dict[str, Any], detail: str) -> None:
    """A sentence for people, with both operands."""
    assert detail in ask.tag(tag, event)["detail"]


def test_a_destination_without_its_account_is_paused() -> None:
    """`destination_paused` names the variable."""
    text = "destinations: {box: {type: box, account: '${env:NOPE}'}}\n"
    text += "tags: [{name: A, destination: box, triggers: [all]}]\n"
    shown = Ask(load({"server.yaml": "environment: [NOPE]\n", "container.yaml": text})).tag("A")
    assert (shown["decision"], shown["reason"], shown["request"]) == ("skip", "destination_paused", None)
    assert "NOPE" in shown["detail"]


def test_a_known_child_blocks_ads(ask: Ask) -> None:
    """Whatever was granted; a destination that is not for ads is not concerned."""
    facts = read_facts("crm", NOW, {}, "127.0.0.1", trusted_proxies=0, geo_headers=(), cookies={})
    routing = route(ask.container, read_event(PURCHASE, facts), Reading("a school's contract", known_child=True))
    found = {decision.tag.name: (decision.decision, decision.reason) for decision in routing.decisions}
    assert found["Meta"] == found["Ads"] == ("block", "child")
    assert found["Vault"] == ("send", "fired")


def test_the_answer(ask: Ask) -> None:
    """Its keys, and all tags in file order."""
    answer = ask()
    assert list(answer)[:3] == ["event", "consent", "tags"]
    assert [tag["tag"] for tag in answer["tags"]] == [tag.name for tag in ask.container.tags]
    assert answer["event"]["event_id"] == "purchase_T-1"
    assert answer["event"]["page"]["host"] == "shop.example"
    assert answer["event"]["click"] == {"fbclid": "IwAbC"}
    assert answer["consent"]["purposes"]["ad_storage"]["state"] == "granted"
    assert answer["consent"]["purposes"]["ad_storage"]["sources"]
    msgspec.json.encode(answer)


def test_omitted_fields_are_named(ask: Ask) -> None:
    """Also by a plugin that then skips."""
    assert ask.tag("Picky")["omitted"] == [{"field": "shade", "why": "is no colour"}]
    shown = ask.tag("Meta", purchase(action_source="moon"), ip="198.51.100.7")
    assert shown["decision"] == "send"
    assert [one["field"] for one in shown["omitted"]] == ["action_source"]


def test_an_error_in_a_plugin_tells_no_values(ask: Ask) -> None:
    """Class and place, not the text: that may hold a person's data or a secret."""
    text = str([ask.tag("Failing"), ask.tag("Mute"), ask.tag("Broken")])
    assert "erika@example.com" not in text
    assert "token-secret" not in text


def test_nothing_is_changed_by_asking(ask: Ask) -> None:
    """Neither the question nor the container, and asking twice is asking once."""
    question = {"event": copy.deepcopy(PURCHASE), "cookies": {"_fbp": "fb.1.1.1"}, "headers": {"A": "b"}}
    before = copy.deepcopy(question)
    first = try_event(ask.container, ask.server, question, NOW)
    assert question == before
    assert try_event(ask.container, ask.server, question, NOW) == first


STATES = st.sampled_from(["granted", "denied", True, False, "", None, "yes", 7])
VALUES: st.SearchStrategy[Any] = st.sampled_from([0, 1, 59.9, "12", "", None, -1, "x", [], {}])
ANY_EVENT = st.fixed_dictionaries(
    {"event": st.sampled_from(["purchase", "generate_lead", "scroll", "Purchase"])},
    optional={
        "event_id": st.sampled_from(["a", "b", "ü"]),
        "consent": st.one_of(
            st.just(GRANTED),
            st.dictionaries(st.sampled_from([*GRANTED, "analytics_storage", "other"]), STATES, max_size=4),
        ),
        "page": st.fixed_dictionaries(
            {"location": st.sampled_from(["https://shop.example/cart?fbclid=x", "https://staging.x/", "::", 7, ""])}
        ),
        "user_data": st.dictionaries(
            st.sampled_from(["email", "phone_number", "external_id"]), st.sampled_from(["a@example.com", "", 7, None])
        ),
        "ecommerce": st.fixed_dictionaries(
            {}, optional={"value": VALUES, "currency": st.sampled_from(["EUR", "", None, 7]), "transaction_id": VALUES}
        ),
        "value": VALUES,
        "timestamp": st.sampled_from([NOW, NOW - 8 * DAY, NOW + DAY, "x", None, NOW // 1000]),
    },
)


@settings(max_examples=examples(300), deadline=None)
@given(event=ANY_EVENT, source=st.sampled_from(["browser", "backend", "crm"]), agent=st.sampled_from(["", "Agent/1"]))
def test_try_decides_as_the_live_path(loaded: Loaded, event: dict[str, Any], source: str, agent: str) -> None:
    """The same events through the functions of the live path: same tags, same decisions, same bytes."""
    ask = Ask(loaded)
    headers = {"user-agent": agent} if agent else {}
    shown = ask(event, source=source, headers=headers, ip="198.51.100.7")
    facts = read_facts(source, NOW, headers, "198.51.100.7", trusted_proxies=0, geo_headers=())
    live = read_event(event, facts)
    if "event_id" not in event:
        assert shown["event"]["event_id"]
        live = read_event(event | {"event_id": shown["event"]["event_id"]}, facts)
    routing = route(ask.container, live, ask.server.consent_of(source))
    fired = {decision.tag.name: decision for decision in routing.decisions}
    for tag in shown["tags"]:
        decision = fired.get(tag["tag"])
        if decision is None:
            assert (tag["decision"], tag["reason"], tag["consent"]) == ("skip", "no_trigger", None)
            continue
        assert decision.consent is not None
        if tag["tag"] == "Mute" and decision.built is not None:
            assert (tag["decision"], tag["request"]) == ("error", None)  # it fails when the request is made
            continue
        assert (tag["decision"], tag["reason"], tag["detail"]) == (
            decision.decision,
            decision.reason,
            decision.detail,
        )
        assert tag["consent"] == decision.consent.decision
        if decision.built is not None and tag["tag"] == "Meta":
            payload = Payload(live.event_id, decision.built.name, decision.built.time, decision.body)
            destination = decision.tag.destination
            sent = next(destination.plugin.exchange([payload], destination.settings, {}))
            assert msgspec.json.decode(sent.content)["data"] == tag["request"]["body"]["data"]


def test_transformations_are_shown_before_and_after() -> None:
    """Each that changed something, in their order; tags without any say nothing of it."""
    text = """
destinations: {box: {type: box}}
transformations:
  clean: {strip_query: [mail], tags: [A]}
  idle: {exclude: [nothing], tags: [A]}
  short: {truncate_ip: true, set: {tier: gold}, tags: [A, C]}
triggers: {never: {event: never}}
tags:
  - {name: A, destination: box, triggers: [all]}
  - {name: B, destination: box, triggers: [all], event_name: b}
  - {name: C, destination: box, triggers: [never]}
"""
    loaded = load({"container.yaml": text})
    assert loaded.container is not None, loaded.problems
    pushed = {"event": "purchase", "page": {"location": "https://a.example/?mail=x&q=1"}}
    said = try_event(loaded.container, ServerConfig(), {"event": pushed, "ip": "198.51.100.77"}, NOW)
    first, second, third = said["tags"]
    clean, short = first["transformations"]
    assert (clean["name"], short["name"]) == ("clean", "short")
    location = {"before": "https://a.example/?mail=x&q=1", "after": "https://a.example/?q=1"}
    assert {"path": "page.location", "sign": "~", **location} in clean["fields"]
    assert {"path": "page.query.mail", "sign": "-", "before": "x"} in clean["fields"]
    assert short["fields"] == [
        {"path": "ip", "sign": "~", "before": "198.51.100.77", "after": "198.51.100.0"},
        {"path": "tier", "sign": "+", "after": "gold"},
    ]
    assert "transformations" not in second
    assert "transformations" not in third
