"""The check of inbound clients finds each way to break a rule, and nothing in one that keeps them."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tagserver.plugin.client_statement import address_fault, client_faults
from tagserver.plugin.inbound import (
    Client,
    Endpoint,
    InboundRequest,
    Incoming,
    KeyedSource,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    check_hmac,
    json_body,
    mac,
)
from tagserver.testing import check_client, run_client_example

SOURCES = {"shop": {"secret": "a-secret-of-the-shop"}}
REQUEST: Mapping[str, Any] = {"path": "/tickets/shop", "body": {"event": "sale", "seat": {"row": 4}}}
_count = itertools.count()


@dataclass(frozen=True)
class Nothing:
    """No settings."""


@dataclass(frozen=True)
class Taken:
    """A setting that the host reads itself."""

    secret: str = ""


class Tickets(Client):
    """Sales of tickets."""

    type = "tickets"
    api_version = 1
    Settings = Nothing
    Source = Nothing
    addresses = (Endpoint("POST", "/tickets/{name}"),)
    refuses = ("signature", "not_found", "bad_json", "no_secret")
    passes = ("test",)

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """In one header."""
        return request.with_headers({"x-sign": mac(source.texts()[0].encode(), request.body or b"")})

    def identify(self, request: InboundRequest) -> str:
        """By name and header."""
        source = self.sources.get(request.params["name"])
        if source is None:
            raise Refuse(404, "not_found", "there is no such sender")
        check_hmac(request.headers.get("x-sign"), [one.encode() for one in source.texts()], request.body)
        return source.name

    def events(self, body: bytes, facts: RequestFacts) -> Any:
        """As they stand."""
        found = json_body(body)
        return Incoming(found if isinstance(found, list) else [found])


def changed(**members: Any) -> type[Client]:
    """A sound client with something of its own."""
    return type("Changed", (Tickets,), {"__doc__": "Sales.", **members})


def events(give: Callable[[bytes], Any]) -> type[Client]:
    """A client that makes something else of a body."""
    return changed(events=lambda self, body, facts: give(body))


def reaches(body: bytes) -> Any:
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
    except OSError:
        return []


def raises(self: Any, *given: Any) -> Any:
    raise ZeroDivisionError


def sleeps(body: bytes) -> Any:
    end = time.thread_time() + 0.06
    while time.thread_time() < end:
        pass
    return []


def refuses(code: str, status: int = 400) -> Callable[[bytes], Any]:
    def refused(body: bytes) -> Any:
        raise Refuse(status, code, "no")

    return refused


def told(self: Client, request: InboundRequest) -> str:
    """Looks at nothing but that there is a header, once the body is here."""
    if "x-sign" not in request.headers:
        raise Refuse(401, "signature", "missing")
    return "shop"


def trusting(self: Client, request: InboundRequest) -> str:
    """Has the body of anybody read."""
    if request.body is None:
        return "shop"
    return Tickets.identify(self, request)


def leaks(self: Client, request: InboundRequest) -> str:
    """Tells the secret to whoever has not got it."""
    try:
        return Tickets.identify(self, request)
    except Refuse:
        raise Refuse(401, "signature", f"not {self.sources['shop'].texts()[0]}") from None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (
            events(lambda body: json.loads(body)),
            "events raises JSONDecodeError for no body: raise Refuse",
        ),
        (events(lambda body: [{"a": {1, 2}}, object()]), "events raises TypeError for"),
        (events(lambda body: [{"a": next(_count)}]), "events gives different results for"),
        (events(reaches), "events looks up an address, and sockets are shut"),
        (events(sleeps), "events takes "),
        (events(refuses("strange")), "refuses with the code 'strange', which `refuses` does not list"),
        (events(refuses("bad_json", 200)), "refuses with the status 200: write one of at least 400"),
        (
            events(lambda body: [Passed("other", "no")]),
            "passes over something as 'other', which `passes` does not list",
        ),
        (events(lambda body: [{"event": "a-secret-of-the-shop"}]), "a secret stands in an event"),
        (changed(identify=told), "identify takes a signed body in which one bit is another"),
        (changed(identify=trusting), "identify would have the body of a stranger read"),
        (changed(identify=leaks), "a secret stands in the message of a refusal"),
        (changed(identify=lambda self, request: "nobody"), "identify names somebody who is none of the sources"),
        (changed(identify=raises), "identify raises ZeroDivisionError for no body: raise Refuse"),
        (changed(signed=classmethod(raises)), "signed raises for"),
        (changed(answer=raises), "answer or refused raises"),
        (changed(answer=lambda self, results: None), "answer or refused gives no Reply"),
        (changed(refused=lambda self, refusal: Reply(200)), "refused answers with a status below 400"),
        (changed(__init__=raises), "making the class raises ZeroDivisionError"),
        (changed(__repr__=lambda self: self.sources["shop"].texts()[0]), "a secret stands in its repr"),
        (changed(__doc__=""), "it has no docstring"),
        (changed(fault=classmethod(lambda cls, source: "no good")), "the settings do not fit: shop: no good"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "client",
)
def test_each_way_to_break_a_rule(broken: type[Client], says: str) -> None:
    assert any(says in fault for fault in check_client(broken, SOURCES, requests=[REQUEST])), says


def test_one_that_keeps_the_rules() -> None:
    assert check_client(Tickets, SOURCES, requests=[REQUEST]) == []


class Reader(Client):
    """Events of another shape."""

    type = "reader"
    api_version = 1
    Settings = Nothing
    Source = Nothing
    reads = ("sold",)
    refuses = ("bad",)

    def event(self, raw: Mapping[str, Any], facts: RequestFacts) -> Mapping[str, Any]:
        """What is sold."""
        sold = raw["sold"]
        if not isinstance(sold, dict):
            raise Refuse(400, "bad", "sold is an object")
        return {"event": "purchase", "ecommerce": sold}


def altered(**members: Any) -> type[Client]:
    """A sound reader with something of its own."""
    return type("Altered", (Reader,), {"__doc__": "Events.", **members})


def changes(self: Client, raw: Any, facts: RequestFacts) -> Any:
    raw["event"] = "purchase"
    return raw


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (altered(event=raises), "event raises ZeroDivisionError"),
        (altered(event=lambda self, raw, facts: {"a": raw["sold"]["a"]}), "event raises"),
        (altered(event=lambda self, raw, facts: 5), "event gives no object"),
        (altered(event=lambda self, raw, facts: {"a": {1, object()}}), "event raises TypeError"),
        (altered(event=lambda self, raw, facts: {"a": next(_count)}), "event gives different results"),
        (altered(event=changes), "event changes what it is given"),
        (altered(event=lambda self, raw, facts: refuses("strange")(b"")), "which `refuses` does not list"),
        (altered(event=Client.event), "`event` is missing"),
        (altered(reads=()), "`addresses` is no tuple of endpoints"),
        (altered(reads=("Sold",)), "`reads` holds 'Sold'"),
        (altered(reads=("consent",)), "`reads` names consent, which every event may have"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "client",
)
def test_each_way_to_break_a_rule_of_readers(broken: type[Client], says: str) -> None:
    assert any(says in fault for fault in check_client(broken, {}, pushed=[{"sold": {"a": 1}}])), says


def test_a_reader_that_keeps_the_rules() -> None:
    assert check_client(Reader, {}, pushed=[{"sold": {"a": 1}}]) == []


def test_what_an_example_of_a_reader_says() -> None:
    case = {"pushed": {"sold": {"a": 1}}, "events": [{"event": "purchase", "ecommerce": {"a": 1}}]}
    run_client_example(Reader, case, {})
    run_client_example(Reader, {"pushed": {"sold": 1}, "refused": {"code": "bad"}}, {})
    for wrong, says in (
        ({**case, "events": [{"event": "refund"}]}, "events: is"),
        ({**case, "refused": {"code": "bad"}}, "it is taken, and should be refused"),
        ({**case, "pushed": {"sold": 1}}, "refused: is .*bad.* and should be None"),
    ):
        with pytest.raises(AssertionError, match=says):
            run_client_example(Reader, wrong, {})


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"type": "Tickets"}, "it has no type"),
        ({"api_version": 2}, "written for plugin API 2"),
        ({"Source": None}, "it has no Source dataclass"),
        ({"Source": Taken}, "`Source` has the field secret, which the host reads itself"),
        ({"Settings": Taken}, "`Settings` has fields where the senders stand"),
        ({"addresses": ()}, "`addresses` is no tuple of endpoints"),
        ({"addresses": (Endpoint("POST", "/collect/x"),)}, "is the server's own"),
        ({"headers": ("X-A",)}, "`headers` holds 'X-A'"),
        ({"headers": ("cookie",)}, "`headers` names cookie, which is handed on to nobody"),
        ({"unseen": ("X-A",)}, "`unseen` holds 'X-A'"),
        ({"bare_keys": 1}, "`bare_keys` is no truth value"),
        ({"automatic": 1}, "`automatic` is no truth value"),
        ({"refuses": "signature"}, "`refuses` is no tuple"),
        ({"passes": ("Not Paid",)}, "`passes` holds 'Not Paid'"),
        ({"limits": None}, "`limits` is no ClientLimits"),
        ({"identify": Client.identify}, "`identify` is missing"),
        ({"keyed": "A b"}, "`keyed` is no name"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "says",
)
def test_what_a_class_must_state(members: dict[str, Any], says: str) -> None:
    assert any(says in fault for fault in client_faults(changed(**members)))


def test_a_key_that_signs_nothing() -> None:
    """Takes any body, and says so; whoever shows none is still not read."""
    assert any("compare what was signed" in one for one in check_client(changed(identify=told), SOURCES))
    assert check_client(changed(identify=told, bare_keys=True), SOURCES) == []


@pytest.mark.parametrize(
    ("method", "pattern", "free"),
    [
        ("POST", "/acme", True),
        ("GET", "/v{version}/{pixel}/events", True),
        ("POST", "/{anything}", False),
        ("POST", "/t.js", False),
        ("POST", "/-/x", False),
        ("POST", "/healthz", False),
        ("DELETE", "/acme", False),
        ("POST", "acme", False),
        ("POST", "/a//b", False),
        ("POST", "/a?b", False),
    ],
)
def test_which_addresses_may_be_claimed(method: str, pattern: str, free: bool) -> None:
    assert (address_fault(Endpoint(method, pattern)) is None) is free


def test_what_an_example_says() -> None:
    """Its differences are named, as is a key that there is not."""
    case = {"request": {**REQUEST, "sign": True}, "source": "shop", "has": [{"event": "sale"}]}
    run_client_example(Tickets, case, SOURCES)
    for wrong, says in (
        ({**case, "has": [{"event": "sold"}]}, r"events\[0\]: is"),
        ({**case, "events": []}, "events: is"),
        ({**case, "refused": {"status": 401, "code": "signature"}}, "it is taken, and should be refused"),
        ({**case, "request": REQUEST}, "refused: is .*signature.* and should be None"),
        ({**case, "evens": []}, "unknown key evens"),
        ({**case, "request": {"path": "/other"}}, "none of the client's addresses"),
    ):
        with pytest.raises(AssertionError, match=says):
            run_client_example(Tickets, wrong, SOURCES)
