"""`try`: every tag's decision with its reason and the exact request, from the functions that decide live."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

import copy
import dataclasses
import gzip
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.config.compile import Loaded
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.consent.model.reading import Reading
from tagserver.event.event import Event
from tagserver.explain.trial import BadTrial, try_event
from tagserver.inbound.clients.datalayer import Refused, read_event
from tagserver.inbound.enrich import read_facts
from tagserver.pipeline.route import route
from tagserver.plugin import (
    Built,
    Destination,
    Mode,
    Omitted,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Secret,
    Skip,
    setting,
)
from tagserver.plugin.registry import Registry

from .config.world import ENVIRON, Ads, Box, Broken, Vault, load
from .consent.writers import head, tc_string
from .events import NOW

GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
META = Registry.load().destinations["meta_capi"]


class Failing(Box):
    """Fails with the event's own data in its words."""

    type = "failing"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Breaks."""
        raise KeyError(str(event.user_data))


class Mute(Box):
    """Builds, and then fails to make a request."""

    type = "mute"

    def request(self, payloads: Any, settings: Any) -> Request:
        """Breaks."""
        raise RuntimeError("token-secret-1")


class Login(Box):
    """Asks for a token first."""

    type = "login"

    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """The token, then the payloads."""
        yield Request("POST", "https://box.example/login", {})
        return self.classify((yield self.request(payloads, settings)), payloads)


class Talk(Login):
    """The same in an exchange alone."""

    type = "talk"
    request = Destination.request

    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """The token, then the payloads."""
        yield Request("POST", "https://box.example/login", {})
        return self.classify((yield Box.request(self, payloads, settings)), payloads)


class Picky(Box):
    """Refuses every event, and says what it left out before."""

    type = "picky"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Skips."""
        raise Skip("missing_required", "it wants a colour", (Omitted("shade", "is no colour"),))


class Wire(Vault):
    """What it sends is no JSON."""

    type = "wire"

    def request(self, payloads: Any, settings: Any) -> Request:
        """A form, with the secret everywhere."""
        token = settings.token.reveal()
        return Request("PUT", f"https://vault.example/{token}", {"X-Token": token}, f"t={token}&x=\xff".encode())


REGISTRY = Registry.of(Box, Ads, Vault, Broken, Failing, Mute, Picky, Wire, META)
SERVER = """
collect:
  keys:
    backend: {secret: "${env:BACKEND_KEY}"}
    crm:
      secret: "${env:CRM_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "contract, 2026-03"
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", app_secret: "${env:APP_SECRET}"}
  ads: {type: ads}
  box: {type: box}
  vault: {type: vault, token: "${env:TOKEN}"}
  broken: {type: broken}
  failing: {type: failing}
  mute: {type: mute}
  picky: {type: picky}
  wire: {type: wire, token: "${env:TOKEN}"}
variables:
  page type: {lookup: "{{ page.path }}", table: {/cart: cart}, default: other}
triggers:
  buy: {event: purchase, when: {ecommerce.value: {greater_than: 0}}}
  lead: {event: generate_lead}
  internal: {when: {page.host: {starts_with: staging}}}
tags:
  - name: Meta
    destination: meta
    triggers: [buy, lead]
    exceptions: [internal]
    parameters: {kind: "{{ page type }}"}
  - {name: Meta again, destination: meta, triggers: [buy]}
  - {name: Meta other, destination: meta, triggers: [buy], event_name: Other}
  - {name: Paused, destination: box, triggers: [buy], paused: true}
  - {name: Vendor, destination: ads, triggers: [buy], vendor: {gvl_id: 89}, event_name: v}
  - {name: Ads, destination: ads, triggers: [buy]}
  - {name: Vault, destination: vault, triggers: [all]}
  - {name: Broken, destination: broken, triggers: [buy]}
  - {name: Failing, destination: failing, triggers: [buy]}
  - {name: Mute, destination: mute, triggers: [buy]}
  - {name: Picky, destination: picky, triggers: [buy]}
  - {name: Wire, destination: wire, triggers: [buy]}
"""
SECRETS = ENVIRON | {"META_TOKEN": "meta-token-secret", "APP_SECRET": "app-secret-text", "CRM_KEY": "crm-key-text"}
ACCEPTED = tc_string(head(purposes=(1, 3, 4, 7)))
"""A TC string that grants all purposes, and accepts no vendor."""
PURCHASE: dict[str, Any] = {
    "event": "purchase",
    "event_id": "purchase_T-1",
    "page": {"location": "https://shop.example/cart?fbclid=IwAbC"},
    "user_data": {"email": "erika@example.com"},
    "ecommerce": {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"},
    "consent": GRANTED,
}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """One destination of every kind."""
    made = load({"server.yaml": SERVER, "container.yaml": CONTAINER}, SECRETS, REGISTRY)
    assert made.container is not None, made.problems
    return made


class Ask:
    """Asks one configuration."""

    def __init__(self, made: Loaded) -> None:
        assert made.container is not None
        assert made.server is not None
        self.container: Container = made.container
        self.server: ServerConfig = made.server

    def __call__(self, event: Any = None, **asked: Any) -> dict[str, Any]:
        """The answer at NOW."""
        question = {"event": PURCHASE if event is None else event} | asked
        return try_event(self.container, self.server, question, NOW)

    def tag(self, name: str, event: Any = None, **asked: Any) -> dict[str, Any]:
        """One tag of the answer."""
        return next(tag for tag in self(event, **asked)["tags"] if tag["tag"] == name)


@pytest.fixture(scope="module")
def ask(loaded: Loaded) -> Ask:
    """The usual configuration."""
    return Ask(loaded)


def purchase(**fields: Any) -> dict[str, Any]:
    """The usual purchase, changed."""
    return copy.deepcopy(PURCHASE) | fields


TAG_KEYS = ["tag", "destination", "consent", "decision", "reason", "detail", "request", "omitted"]
REASONS = {
    *("fired", "no_trigger", "exception", "paused", "schedule", "sampled", "once_per", "same_event", "consent"),
    *("vendor", "child", "no_identity", "too_old", "missing_required", "variable", "destination_paused"),
    "plugin_error",
}
DAY = 86_400_000


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
        ("Failing", PURCHASE, "KeyError at test_try.py:"),
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


def test_the_request(ask: Ask) -> None:
    """What this one event would send alone: exact text, and the same parsed."""
    request = ask.tag("Meta")["request"]
    assert list(request) == ["method", "url", "headers", "body", "content"]
    assert (request["method"], request["url"]) == ("POST", "https://graph.facebook.com/v26.0/1/events")
    assert msgspec.json.decode(request["content"]) == request["body"]
    (sent,) = request["body"]["data"]
    assert (sent["event_name"], sent["event_id"], sent["custom_data"]["kind"]) == ("Purchase", "purchase_T-1", "cart")
    assert sent["custom_data"]["value"] == 59.9


@pytest.mark.parametrize("cls", [Login, Talk])
def test_of_several_requests_the_one_that_carries_the_event_is_shown(cls: type[Destination]) -> None:
    """The login says nothing about what leaves."""
    text = f"destinations: {{box: {{type: {cls.type}}}}}\ntags: [{{name: A, destination: box, triggers: [all]}}]\n"
    made = load({"container.yaml": text}, registry=Registry.of(cls))
    request = Ask(made).tag("A", {"event": "lead", "event_id": "e-7"})["request"]
    assert request["url"] == "https://box.example/in"
    assert request["body"] == [{"event_id": "e-7"}]


class Stamped(Box):
    """Says when it is sent."""

    type = "stamped"

    def request(self, payloads: Any, settings: Any, now: int) -> Request:
        """In a header."""
        made = super().request(payloads, settings)
        return Request(made.method, made.url, {"at": str(now)}, made.content)


def test_the_request_is_made_at_the_time_of_the_trial() -> None:
    """So that the same question has the same answer."""
    text = "destinations: {box: {type: stamped}}\ntags: [{name: A, destination: box, triggers: [all]}]\n"
    asks = Ask(load({"container.yaml": text}, registry=Registry.of(Stamped)))
    assert asks.tag("A", {"event": "lead"})["request"]["headers"] == {"at": str(NOW)}
    shown = asks.tag("A", {"event": "lead"}, now="2026-09-21T14:13:20Z")
    assert shown["request"]["headers"] == {"at": "1790000000000"}


@dataclass(frozen=True, kw_only=True)
class AddressSettings:
    """Where to, in the open or as a secret."""

    to: str = setting("Where to.", default="https://box.example/in")
    hook: Secret | None = setting("Where to, with a key in it.", default=None)


class Addressed(Box):
    """Calls what it is told, whatever its hosts are."""

    type = "addressed"
    Settings = AddressSettings  # type: ignore[assignment]  # (settings of its own)

    def hosts(self, settings: Any) -> Sequence[str]:
        """Its own, and two that are none of the public's."""
        return ("box.example", "10.0.0.1", "localhost")

    def request(self, payloads: Any, settings: Any) -> Request:
        """To there."""
        made = super().request(payloads, settings)
        return Request(made.method, settings.hook.reveal() if settings.hook else settings.to, {}, made.content)


def addressed(settings: str, allow: str = "", **environ: str) -> Any:
    """The decision of a tag whose destination calls an address."""
    files = {
        "container.yaml": f"destinations: {{box: {{type: addressed, {settings}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [all]}]\n",
        "server.yaml": f"egress: {{allow: [{allow}]}}\n",
    }
    return Ask(load(files, environ, Registry.of(Addressed))).tag("A", {"event": "lead", "event_id": "e-1"})


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://evil.example/in", "evil.example is not among the hosts of this destination"),
        ("http://box.example/in", "box.example is called by https only"),
        ("https://me:key@box.example/in", "it holds a user name or password"),
        ("https://10.0.0.1/in", "10.0.0.1 is not public"),
        ("https://localhost/in", "localhost is not public"),
        ("ftp://box.example/in", "it is no http address"),
        ("nowhere", "it is no http address"),
    ],
)
def test_what_delivery_would_refuse_is_refused(address: str, why: str) -> None:
    """By the same rule, and the request is shown: its address is what is wrong with it."""
    tag = addressed(f'to: "{address}"')
    assert (tag["decision"], tag["reason"]) == ("error", "plugin_error")
    assert tag["detail"].startswith(f"its request may not leave: {why}")
    assert tag["request"]["url"] == address


@pytest.mark.parametrize(
    ("address", "allow"),
    [
        ("https://box.example/in", ""),
        ("http://10.0.0.1:8080/in", "10.0.0.0/8"),
        ("http://localhost/in", "localhost"),
        ("https://proxy.example/in", "proxy.example"),
    ],
)
def test_what_may_leave_is_sent(address: str, allow: str) -> None:
    """Operations may allow more."""
    assert addressed(f'to: "{address}"', allow)["decision"] == "send"


@pytest.mark.parametrize(("host", "decision"), [("box.example", "send"), ("evil.example", "error")])
def test_an_address_that_is_a_secret_is_judged_and_not_shown(host: str, decision: str) -> None:
    """Stars lead nowhere: it is the real one that counts."""
    secret = f"https://{host}/hooks/key-of-the-hook"
    tag = addressed('hook: "${env:HOOK}"', HOOK=secret)
    assert tag["decision"] == decision
    assert "key-of-the-hook" not in repr(tag)
    assert tag["request"]["url"] == "••••"


def test_what_a_sink_would_write_goes_nowhere() -> None:
    """It has no address that could be refused."""

    class Sink(Addressed):
        type = "addressed"
        sink = True

        async def deliver(self, payloads: Any, settings: Any) -> Outcome:
            return Outcome.delivered()

    files = {
        "container.yaml": "destinations: {box: {type: addressed, to: ./events.jsonl}}\n"
        "tags: [{name: A, destination: box, triggers: [all]}]\n"
    }
    assert Ask(load(files, {}, Registry.of(Sink))).tag("A", {"event": "lead"})["decision"] == "send"


def test_omitted_fields_are_named(ask: Ask) -> None:
    """Also by a plugin that then skips."""
    assert ask.tag("Picky")["omitted"] == [{"field": "shade", "why": "is no colour"}]
    shown = ask.tag("Meta", purchase(action_source="moon"), ip="198.51.100.7")
    assert shown["decision"] == "send"
    assert [one["field"] for one in shown["omitted"]] == ["action_source"]


def test_a_request_that_is_no_json(ask: Ask) -> None:
    """Its text is shown, with what it replaced."""
    request = ask.tag("Wire")["request"]
    assert request["body"] is None
    assert request["content"].startswith("t=••••")


class Zipped(Vault):
    """Packs what it sends."""

    type = "zipped"

    def request(self, payloads: Any, settings: Any) -> Request:
        """With the secret in it."""
        made = super().request(payloads, settings)
        content = gzip.compress(b'{"key":"' + settings.token.reveal().encode() + b'","events":' + made.content + b"}")
        return Request("POST", made.url, {"content-encoding": "gzip"}, content)


def test_a_packed_body_is_shown_unpacked() -> None:
    """People read it; the secret in it is masked before it is packed."""
    text = (
        'destinations: {z: {type: zipped, token: "${env:TOKEN}"}}\ntags: [{name: A, destination: z, triggers: [all]}]\n'
    )
    asks = Ask(load({"container.yaml": text}, SECRETS, Registry.of(Zipped)))
    request = asks.tag("A", {"event": "lead", "event_id": "e-7"})["request"]
    assert request["body"] == {"key": "••••", "events": [{"event_id": "e-7"}]}
    assert msgspec.json.decode(request["content"]) == request["body"]


def test_secrets_are_masked(ask: Ask) -> None:
    """In address, header and body; and what is signed with a secret is signed with stars."""
    text = msgspec.json.encode(ask()).decode()
    for secret in SECRETS.values():
        assert secret not in text
    wire = ask.tag("Wire")["request"]
    assert "••••" in wire["url"]
    assert wire["headers"] == {"X-Token": "••••"}
    assert ask.tag("Meta")["request"]["headers"]["authorization"] == "Bearer ••••"


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


@pytest.mark.parametrize(
    ("now", "decision"),
    [
        ("2026-09-21T12:00:00Z", "send"),
        ("2026-09-21T14:00:00+02:00", "send"),
        ("2026-09-27T00:00:00Z", "send"),
        ("2026-10-21T12:00:00Z", "skip"),
    ],
)
def test_now_replaces_the_clock(ask: Ask, now: str, decision: str) -> None:
    """Receipt and ages count from it."""
    event = purchase(timestamp="2026-09-21T11:59:00Z")
    assert ask.tag("Meta", event, now=now)["decision"] == decision


def test_now_is_the_time_of_receipt(ask: Ask) -> None:
    """An event without a time happened now."""
    request = ask.tag("Meta", now="2030-01-02T03:04:05Z")["request"]
    assert request["body"]["data"][0]["event_time"] == 1_893_553_445
    assert ask(now="2030-01-02T03:04:05.678Z")["event"]["timestamp"] == 1_893_553_445_678


def test_cookies(ask: Ask) -> None:
    """Given decoded, or in the Cookie header; the given ones win."""
    event = purchase(user_data={}, page={"location": "https://shop.example/"})
    by_name = ask(event, cookies={"_fbp": "fb.1.1600000000000.1"})["event"]["cookie"]
    assert by_name == {"_fbp": "fb.1.1600000000000.1"}
    both = ask(event, headers={"Cookie": "_fbp=fb.1.1.2; a=b%20c"}, cookies={"_fbp": "mine"})["event"]["cookie"]
    assert both["_fbp"] == "mine"
    assert set(both) == {"_fbp", "a"}


def test_headers_and_ip(ask: Ask) -> None:
    """Read by the live rules: names in any case, no X-Forwarded-For without a trusted proxy."""
    headers = {"User-Agent": "Agent/1", "X-Forwarded-For": "203.0.113.9"}
    event = ask(headers=headers, ip="198.51.100.7")["event"]
    assert (event["user_agent"], event["ip"]) == ("Agent/1", "198.51.100.7")
    trusting = dataclasses.replace(ask.server, collect=dataclasses.replace(ask.server.collect, trusted_proxies=1))
    asked = {"event": PURCHASE, "headers": headers, "ip": "198.51.100.7"}
    assert try_event(ask.container, trusting, asked, NOW)["event"]["ip"] == "203.0.113.9"


def test_source(ask: Ask) -> None:
    """A key's events have the consent of its contract, and the connection is not the visitor's."""
    event = purchase(consent={})
    assert ask.tag("Meta", event)["decision"] == "block"
    assert ask.tag("Meta", event, source="backend")["decision"] == "block"
    assert ask.tag("Meta", event, source="crm")["decision"] == "send"
    shown = ask(source="crm", headers={"user-agent": "curl"}, ip="198.51.100.7")["event"]
    assert shown["source"] == "crm"
    assert "ip" not in shown
    assert "user_agent" not in shown
    assert ask()["event"]["source"] == "browser"


def test_the_origin_rule_is_not_applied(ask: Ask) -> None:
    """No origin is listed, and none is asked for."""
    assert ask.server.collect.origins == ()
    assert ask.tag("Meta", headers={"origin": "https://evil.example"})["decision"] == "send"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"event": PURCHASE, "evnt": 1}, "unknown key 'evnt'"),
        ({"event": PURCHASE, "source": "nobody"}, "source: no key is called 'nobody'"),
        ({"event": PURCHASE, "headers": []}, "headers: give an object of texts"),
        ({"event": PURCHASE, "headers": {"a": 1}}, "headers: give an object of texts"),
        ({"event": PURCHASE, "cookies": "a=b"}, "cookies: give an object of texts"),
        ({"event": PURCHASE, "ip": 7}, "ip: give"),
        ({"event": PURCHASE, "now": "yesterday"}, "now: give"),
        ({"event": PURCHASE, "now": "2026-09-21"}, "now: give"),
        ({"event": PURCHASE, "now": "2026-09-21T12:00:00"}, "now: give"),
        ({"event": PURCHASE, "now": 1790000000}, "now: give"),
    ],
)
def test_a_bad_question(ask: Ask, asked: dict[str, Any], said: str) -> None:
    """Says where and how to fix it."""
    with pytest.raises(BadTrial) as bad:
        try_event(ask.container, ask.server, asked, NOW)
    assert said in str(bad.value)


@pytest.mark.parametrize("event", [None, 7, "purchase", [], {}, {"event": None}, {"event": ""}, {"event": []}])
def test_an_event_that_the_door_refuses(ask: Ask, event: object) -> None:
    """Refused with the door's own words."""
    answer = try_event(ask.container, ask.server, {"event": event}, NOW)
    assert (answer["event"], answer["consent"], answer["tags"]) == (None, None, [])
    facts = read_facts("browser", NOW, {}, "127.0.0.1", trusted_proxies=0, geo_headers=(), cookies={})
    with pytest.raises(Refused) as refused:
        read_event(event, facts)
    assert answer["problems"] == [msgspec.to_builtins(note) for note in refused.value.notes]
    assert answer["problems"]


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


@settings(max_examples=300, deadline=None)
@given(event=ANY_EVENT, source=st.sampled_from(["browser", "backend", "crm"]), agent=st.sampled_from(["", "Agent/1"]))
def test_try_decides_as_the_live_path(loaded: Loaded, event: dict[str, Any], source: str, agent: str) -> None:
    """The same events through the functions that the door calls: same tags, same decisions, same bytes."""
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
