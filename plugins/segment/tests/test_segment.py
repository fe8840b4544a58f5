"""The examples, in files and on the page, the rules of every client, and what one request alone does not show."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tagserver_segment import Segment
from tagserver_segment.message import moment

from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import read_event
from tagserver.plugin.inbound import (
    BROWSER,
    SEGMENT_EVENTS,
    InboundRequest,
    Incoming,
    Passed,
    Refuse,
    RequestFacts,
    Result,
)
from tagserver.testing import NOW, check_client, load_examples, make_client, run_client_example, with_examples
from tests.examples import examples

FOLDER = Path(__file__).parents[1]
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "server": {"secret": "server-key", "consent": {"ad_storage": "granted"}},
    "web": {"secret": "web-key"},
    "app": {"secret": "app-key", "browser": False},
    "jitsu": {"secret": "jitsu-id:jitsu-secret", "consent": {"ad_storage": "granted"}},
}
ADS = ["ad_storage", "ad_user_data", "ad_personalization"]
SETTINGS = {"consent_categories": {"Advertising": ADS, "Analytics": ["analytics_storage"], "Chat": []}}
SEGMENT = make_client(Segment, SOURCES, SETTINGS)
EXAMPLES = list(load_examples(FOLDER / "examples"))
CASES: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text("utf-8"))
DENIED = dict.fromkeys(ADS, "denied")


def read(body: Any, source: str = "server", call: str = "batch", received: int = NOW) -> Incoming:
    """What a body holds."""
    facts = RequestFacts(source, received, {"call": call}, "", {})
    found = SEGMENT.events(body if isinstance(body, bytes) else json.dumps(body).encode(), facts)
    assert isinstance(found, Incoming)
    return found


def event(**message: Any) -> dict[str, Any]:
    """The event of one message."""
    (made,) = read({"type": "track", "event": "Ping", **message}).events
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Segment, case, SOURCES, SETTINGS)


def test_it_keeps_the_rules() -> None:
    """An order of a server, with each of its fields as something else, and a page's; by a key of each kind."""
    requests = [case["request"] for case in (EXAMPLES[0], EXAMPLES[1])]
    sources = {name: SOURCES[name] for name in ("server", "web")}
    assert check_client(Segment, sources, SETTINGS, requests=requests) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/segment` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize("case", CASES["e-commerce"], ids=lambda case: case["call"])
def test_what_segment_specifies(case: Mapping[str, Any]) -> None:
    """Every name of the table, with the properties of its specification."""
    made = event(event=case["call"], properties=case["properties"])
    made.pop("event_id", None)
    assert made == {"event": case["event"], **case.get("has", {})}


def test_every_name_is_in_the_table() -> None:
    assert [case["call"] for case in CASES["e-commerce"]] == [*SEGMENT_EVENTS]


@pytest.mark.parametrize("name", ["order_completed", "orderCompleted", "ORDER COMPLETED", "Order-Completed"])
def test_a_name_in_another_spelling(name: str) -> None:
    assert event(event=name)["event"] == "purchase"


@pytest.mark.parametrize("name", ["Orders Completed", "purchase", "Ping", "x" * 5000, "Kauf!"])
def test_any_other_name_stays(name: str) -> None:
    assert event(event=name)["event"] == name


@pytest.mark.parametrize("case", CASES["fields"], ids=lambda case: case["name"])
def test_fields(case: Mapping[str, Any]) -> None:
    made = event(**case["message"])
    assert {key: made.get(key) for key in case["has"]} == case["has"]


@pytest.mark.parametrize("case", CASES["consent"], ids=lambda case: case["name"])
def test_consent(case: Mapping[str, Any]) -> None:
    """Nobody knows what a category means that is not named; a refusal of it may be the one of ads."""
    assert event(context=case["context"], properties=case.get("properties", {})).get("consent") == case["consent"]


@pytest.mark.parametrize("case", CASES["time"], ids=lambda case: case["name"])
def test_when_it_was(case: Mapping[str, Any]) -> None:
    """By our clock, however wrong the sender's is."""
    message = {"type": "track", "event": "Ping", **case["message"]}
    made = read({"batch": [message], "sentAt": case.get("sentAt")}, received=moment(case["received"]) or 0).events[0]
    assert isinstance(made, dict)
    read_back = read_event(
        msgspec.json.decode(msgspec.json.encode(made)), Facts("server", moment(case["received"]) or 0)
    )
    assert read_back.time == moment(case["is"])


def test_what_counts_for_a_batch() -> None:
    """Lies beneath its messages, once; a refusal there holds for those that do not speak of it."""
    found = read(
        {
            "context": {"ip": "203.0.113.9", "consent": {"categoryPreferences": {"Advertising": False}}},
            "integrations": {"All": False},
            "batch": [{"type": "track", "event": "A", "integrations": {"All": True}}, {"type": "track", "event": "B"}],
        }
    )
    assert found.ctx == {"consent": DENIED, "ip_override": "203.0.113.9"}
    first, second = found.events
    assert isinstance(second, Passed)
    assert (isinstance(first, dict), second.code) == (True, "integrations")


def test_an_order_is_never_refused_for_its_length() -> None:
    """What vendors count by is kept before what people read."""
    product = {"product_id": "P", "name": "n", "brand": "b", "price": 1, "quantity": 1}
    items = event(event="Order Completed", properties={"products": [product] * 1000})["ecommerce"]["items"]
    assert (len(items), items[0]) == (400, {"item_id": "P", "price": 1, "quantity": 1})
    assert len(event(event="Order Completed", properties={"products": [product] * 200})["ecommerce"]["items"]) == 200


def request(headers: Mapping[str, str], body: bytes | None = None, call: str = "track") -> InboundRequest:
    """One request."""
    return InboundRequest("POST", f"/v1/{call}", {"call": call}, "", headers, body, NOW)


def basic(user: str) -> str:
    """As libraries send a write key."""
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


BODY = b'{"writeKey": "KEY", "event": "Ping"}'


@pytest.mark.parametrize(
    ("headers", "key", "first", "second"),
    [
        ({"authorization": basic("server-key")}, "", "server", "server"),
        ({"authorization": basic("server-key")}, "web-key", "server", "server"),
        ({"authorization": "Bearer server-key"}, "", "server", "server"),
        ({"x-write-key": "server-key", "authorization": basic("a proxy's")}, "", "server", "server"),
        ({"authorization": basic("server-key"), "origin": "https://shop.example"}, "", "server", "server"),
        ({"authorization": basic("web-key"), "origin": "https://evil.example"}, "", BROWSER, BROWSER),
        ({"authorization": basic("web-key")}, "", BROWSER, BROWSER),  # and the host asks for its origin
        ({"origin": "https://shop.example"}, "web-key", BROWSER, BROWSER),
        ({"origin": "https://shop.example"}, "server-key", BROWSER, "server"),
        ({}, "server-key", "server", "server"),
        ({}, "app-key", "server", "app"),
        ({}, "web-key", "server", 403),
        ({}, "other", "server", 401),
        ({}, "", "server", 401),
        ({"authorization": basic("other")}, "server-key", 401, 401),
    ],
)
def test_who_sends(headers: Mapping[str, str], key: str, first: str | int, second: str | int) -> None:
    """Without the body, and with it: nobody becomes a page in between, whose origin was not asked for."""
    found = []
    for body in (None, BODY.replace(b"KEY", key.encode())):
        try:
            found.append(SEGMENT.identify(request(headers, body)))
        except Refuse as refusal:
            found.append(refusal.status)
    assert found == [first, second]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"writeKey": ' + b"[" * 100_000, b'{"a": "\xff"}', b"", b"\x1f\x8b\x08"]
)
def test_a_body_in_which_no_key_can_be_found(body: bytes) -> None:
    with pytest.raises(Refuse) as refused:
        SEGMENT.identify(request({}, body))
    assert (refused.value.status, refused.value.code) == (401, "unknown_key")


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b" \n"])
def test_a_key_in_a_body_that_is_read_twice(start: bytes) -> None:
    """With half an emoji in it, or a byte order mark in front, as messages themselves may have."""
    body = start + b'{"event": "\\ud83d", "writeKey": "app-key"}'
    assert SEGMENT.identify(request({}, body)) == "app"
    with pytest.raises(Refuse):
        SEGMENT.identify(request({}, body + b" " * (64 << 10)))


def test_nothing_is_read_of_a_stranger_in_which_no_key_could_be_found() -> None:
    """A packed body is not looked into, so it is not waited for; with the key in a header it is."""
    given = {"content-encoding": "gzip", "origin": "https://shop.example"}
    request = InboundRequest("POST", "/v1/b", {"call": "b"}, "", given, None, NOW)
    with pytest.raises(Refuse) as refused:
        SEGMENT.identify(request)
    assert (refused.value.status, refused.value.code) == (401, "unknown_key")
    assert SEGMENT.identify(request.with_headers({"x-write-key": "web-key"})) == BROWSER
    assert SEGMENT.identify(request.with_headers({"content-encoding": "Identity"})) == BROWSER


def test_consent_that_cannot_be_read_is_named() -> None:
    """With what mends it, and without what was sent."""
    context = {"consent": {"categoryPreferences": {"Marketing": False}}}
    message = {"type": "track", "event": "A", "context": context}
    found = read({"batch": [message, {**message, "context": {"consentManagement": 7}}], "context": context})
    assert [(one.path, one.code) for one in found.notes] == [
        ("context.consent.categoryPreferences", "unreadable_consent"),
        ("batch.0.context.consent.categoryPreferences", "unreadable_consent"),
        ("batch.1.context.consentManagement", "unreadable_consent"),
    ]
    assert all("consent_categories" in one.message and "Marketing" not in one.message for one in found.notes)


def test_a_secret_that_is_not_there_yet() -> None:
    """Its sender comes again."""
    client = make_client(Segment, {"server": {"secret": ["", "old"], "consent": {"ad_storage": "granted"}}})
    with pytest.raises(Refuse) as refused:
        client.identify(request({"authorization": basic("new"), "x-write-key": "other"}))
    assert (refused.value.status, refused.value.retry_after) == (503, 60)


def test_no_write_keys() -> None:
    with pytest.raises(Refuse) as refused:
        make_client(Segment, {}).identify(request({"authorization": basic("k")}))
    assert refused.value.status == 401


def test_what_is_answered() -> None:
    """Success wherever something could be taken: libraries send a batch again as a whole, or lose it as a whole."""
    bad = read({"batch": [7]}).events[0]
    assert isinstance(bad, Passed)
    assert bad.code == "bad_message"
    ok, rejected = Result("a", "accepted"), Result("b", "rejected")
    for results, status in (([], 200), ([ok], 200), ([ok, rejected], 200), ([rejected], 400)):
        reply = SEGMENT.answer(results)
        assert (reply.status, msgspec.json.decode(reply.body)["success"]) == (status, status == 200)


def test_more_messages_than_one_request_may_have_are_not_read() -> None:
    assert len(read({"batch": [{}] * 5000}).events) == 1001


NAMES = sorted({"type", "event", "properties", "context", "traits", "integrations", "messageId", "timestamp", "sentAt"})
INNER = sorted(
    {"order_id", "total", "products", "product_id", "name", "page", "url", "search", "consent", "categoryPreferences"}
    | {
        "consentManagement",
        "deniedConsentIds",
        "clientIds",
        "ga4",
        "sessionIds",
        "externalIds",
        "device",
        "address",
        "All",
    }
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda one: (
        st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(INNER) | st.text(max_size=4), one, max_size=5)
    ),
    max_leaves=20,
)
CALLED = st.sampled_from(["track", "page", "screen", "Order Completed", "Product Added"])


@settings(max_examples=examples(50))
@given(st.dictionaries(st.sampled_from(NAMES), VALUES | CALLED, max_size=9))
def test_whatever_a_message_holds(message: dict[str, Any]) -> None:
    """It is an event or is not, costs no more than its size, and what is in it of consent is never lost."""
    text = json.dumps({"batch": [message]}).encode()
    (made,) = read(text).events
    assert isinstance(made, Passed) or len(msgspec.json.encode(made)) < 4 * len(text) + 500
    context = message.get("context")
    if isinstance(made, dict) and isinstance(context, dict) and context.get("consentManagement") is not None:
        assert "consent" in made
