"""`try`: the exact request that an event would send, secrets masked, and what delivery would refuse."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

import gzip
from collections.abc import Generator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tagserver.plugin import (
    Destination,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Secret,
    setting,
)
from tagserver.plugin.registry import Registry

from ..config.world import Box, Vault, load
from ..events import NOW
from .world import SECRETS, Ask


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


def test_the_request_is_made_at_the_time_that_is_asked_about() -> None:
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
