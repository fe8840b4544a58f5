"""The webhook: the examples, the specification's signature, settings, and what no event may do."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_webhook import Webhook
from tagserver_webhook.settings import WebhookSettings
from tagserver_webhook.signature import key_of, message_id, sign

from tagserver.plugin import Built, Outcome, Payload, Request, Response, Secret, Skip
from tagserver.testing import (
    NOW,
    FakeVendor,
    check_destination,
    load_examples,
    make_event,
    make_settings,
    run_example,
)

FOLDER = Path(__file__).parent
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = {"url": "https://hooks.example.com/events", "secret": SECRET}
EXAMPLES = [pytest.param(case, id=case["name"]) for case in load_examples(FOLDER.parent / "examples")]

# By its path: every plugin has a module of this name.
_spec = importlib.util.spec_from_file_location("webhook_vendor_rules", FOLDER / "vendor_rules.py")
assert _spec is not None
assert _spec.loader is not None
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)


MOMENT = 1614265330
"""That of the specification's example, in seconds."""
HOOK = Webhook()


def request_of(payload: Payload, chosen: WebhookSettings) -> Request:
    """The request of an attempt at that moment."""
    return HOOK.request([payload], chosen, MOMENT * 1000 + 999)


def settings(**changes: Any) -> WebhookSettings:
    """Settings of a receiver."""
    made: WebhookSettings = make_settings(Webhook, SETTINGS | changes)
    return made


def payload_of(built: Built, event_id: str = "e-1") -> Payload:
    """One stored message."""
    return Payload(event_id, built.name, built.time, msgspec.json.encode(built.body))


@pytest.mark.parametrize("case", EXAMPLES)
def test_example(case: dict[str, Any]) -> None:
    """What goes in, what goes out, and what a status means."""
    run_example(Webhook, case, SETTINGS)


@pytest.mark.parametrize("case", EXAMPLES)
def test_a_receiver_takes_every_example(case: dict[str, Any]) -> None:
    """A receiver that keeps to the specification finds nothing wrong."""
    facts = {key: case[key] for key in ("cookies", "ip", "headers") if key in case}
    event, chosen = make_event(case["event"], **facts), settings(**case.get("settings", {}))
    built = HOOK.build(event, case.get("parameters", {}), chosen, case.get("mode", "send"))
    request = request_of(payload_of(built, event.event_id), chosen)
    assert rules.faults(request.headers, request.content, SECRET, MOMENT) == []


def test_it_keeps_the_rules_of_destinations() -> None:
    """Whatever is sent."""
    assert check_destination(Webhook, SETTINGS) == []
    everything = {"fields": ["*", "click", "ip", "user_agent", "cookie._ga"], "user_data": "plain"}
    assert check_destination(Webhook, SETTINGS | everything | {"authorization": "Bearer abc-def"}) == []


def test_signature_of_the_specification() -> None:
    """The example of the official library."""
    made = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [SECRET])
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    body = b'{"test": 2432232314}'
    request = request_of(Payload("msg_p5jXN8AQM9LWM0D4loKWxJek", "x", NOW, body), settings())
    assert request.headers["webhook-signature"] == made
    assert request.headers["webhook-timestamp"] == "1614265330"
    assert request.content is body


def test_a_hidden_secret_makes_a_hidden_signature() -> None:
    """`try` shows the request with its secrets masked; no header can hold these stars."""
    made = request_of(Payload("m", "x", NOW, b"{}"), settings(secret="••••"))
    assert made.headers["webhook-signature"] == "v1,••••"
    assert not made.headers["webhook-signature"].isascii()


def test_two_secrets() -> None:
    """While one is replaced, a receiver with either takes the message."""
    old = "whsec_" + base64.b64encode(b"o" * 32).decode()
    built = HOOK.build(make_event({"event": "lead"}), {}, settings(), "send")
    request = request_of(payload_of(built), settings(previous_secret=old))
    assert request.headers["webhook-signature"].count("v1,") == 2
    for secret in (SECRET, old):
        assert rules.faults(request.headers, request.content, secret, MOMENT) == []
    changed = rules.faults(request.headers, request.content + b" ", SECRET, MOMENT + 301)
    assert changed == ["webhook-timestamp", "webhook-signature"]


def test_the_clock_is_that_of_the_attempt() -> None:
    """Not the event's: a receiver refuses an old timestamp. In whole seconds."""
    vendor = FakeVendor()
    built = HOOK.build(make_event({"event": "lead"}), {}, settings(), "send")
    assert vendor.talk(HOOK, [payload_of(built)], settings(), now=MOMENT * 1000 + 999) == Outcome.delivered()
    (request,) = vendor.requests
    assert request.headers["webhook-timestamp"] == str(MOMENT)
    assert rules.faults(request.headers, request.content, SECRET, MOMENT) == []


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_message_ids(one: str, other: str) -> None:
    """A header can hold every id, and different ids stay different."""
    made = message_id(one)
    assert made.isascii()
    assert made.isprintable()
    assert not {".", " "} & set(made)
    assert len(made) <= 200
    assert (made == message_id(other)) is (one == other)


def test_plain_ids_stay() -> None:
    """Byte for byte where that is possible."""
    for text in ("order-1001", "0198f0c4-aaaa-7bbb-8ccc-0123456789ab", "purchase_T:1/2"):
        assert message_id(text) == text


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        ("url", "https://hooks.example.com/a?b=c", True),
        ("url", "https://u:p@hooks.example.com/", False),
        ("url", "https://hooks.example.com:x/", False),
        ("url", "ftp://hooks.example.com/", False),
        ("url", "https://", False),
        ("url", "https://hooks.example.com/ä", False),
        ("secret", Secret(SECRET), True),
        ("secret", Secret(SECRET.removeprefix("whsec_")), True),
        ("secret", Secret(""), True),
        ("secret", Secret("whsec_short"), False),
        ("secret", Secret("whsec_not base64!"), False),
        ("secret", Secret("whsec_" + "A" * 100), False),
        ("authorization", Secret("Bearer abc"), True),
        ("authorization", Secret("Bearer\n"), False),
        ("headers", {"x-shop": "nordwind"}, True),
        ("headers", {"Webhook-Id": "x"}, False),
        ("headers", {"Authorization": "x"}, False),
        ("headers", {"x shop": "x"}, False),
        ("headers", {"x-shop": "a\r\nb"}, False),
        ("fields", ["*", "page.location", "cookie._ga"], True),
        ("fields", ["user_data.email"], False),
        ("fields", ["cookie"], False),
        ("fields", ["consent"], False),
        ("fields", ["a..b"], False),
        ("max_age_hours", 0, False),
        ("max_age_hours", 72, True),
        ("default_country", "Germany", False),
    ],
)
def test_settings_are_checked(field: str, value: Any, fine: bool) -> None:
    """A mistake is found by `check`."""
    check = WebhookSettings.__dataclass_fields__[field].metadata["check"]
    assert (check(value) is None) is fine


def test_secrets_without_padding() -> None:
    """As some tools write them."""
    assert key_of("whsec_" + base64.b64encode(b"k" * 25).decode().rstrip("=")) == b"k" * 25


def test_age() -> None:
    """From the receipt, and only when it is set."""
    event = make_event({"event": "lead", "timestamp": NOW - 10**9})
    assert HOOK.build(event, {}, settings(), "send").expires is None
    assert HOOK.build(event, {}, settings(max_age_hours=1.5), "send").expires == NOW + 5_400_000


def test_hosts() -> None:
    """The one of the address."""
    assert HOOK.hosts(settings(url="https://Hooks.Example.com:8443/x")) == ("hooks.example.com",)


def test_readme_names_every_setting() -> None:
    """With the sentence of the code."""
    readme = (FOLDER.parent / "README.md").read_text()
    for field in WebhookSettings.__dataclass_fields__.values():
        assert f"| `{field.name}` | {field.metadata['doc']} |" in readme


any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**50)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["https://a.example/?email=x", "a@b.de", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), any_json))


events = st.builds(
    lambda top, rest, name: {**rest, **top, "event": name},
    objects("event_id timestamp client_id user_id page cookie user_data ecommerce value items click fbclid"),
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), any_json, max_size=3),
    st.text(st.characters(codec=None), min_size=1, max_size=20),
)
parameters = st.builds(
    lambda known, rest: {**rest, **known},
    objects("event_name type timestamp data user_data event_id page"),
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), any_json, max_size=3),
)
chosen = st.sampled_from(
    [
        settings(),
        settings(
            user_data="plain", fields=["*", "page", "page.location", "page.location.x", "click", "a.b", "cookie.x"]
        ),
        settings(user_data="leave_out", max_age_hours=1),
    ]
)


@given(events, parameters, chosen, st.sampled_from(["send", "restrict"]))
def test_build_is_total(pushed: dict[str, Any], set_: dict[str, Any], settings_: WebhookSettings, mode: Any) -> None:
    """Any event, any parameters: a message that a receiver takes, or a Skip, and nothing else."""
    event = make_event(pushed, ip="198.51.100.7", headers={"x": "y"})
    try:
        built = HOOK.build(event, set_, settings_, mode)
    except Skip:
        return
    request = request_of(payload_of(built, event.event_id), settings_)
    assert rules.faults(request.headers, request.content, SECRET, MOMENT) == []
    assert json.loads(request.content)["data"]["event_id"] == event.event_id
    if mode == "restrict":
        assert "user_data" not in built.body["data"]


@given(st.integers(100, 599), st.binary(max_size=50))
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    """Any status and any bytes."""
    for count in (1, 3):
        outcome = HOOK.classify(Response(status, {}, body), [Payload("e", "x", NOW, b"{}")] * count)
        assert isinstance(outcome, Outcome)
        assert outcome.kind != "delivered" or 200 <= status < 300
