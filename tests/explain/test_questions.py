"""`try`: what is asked along with an event (time, cookies, headers, source), and questions that are wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from tagserver.explain.try_ import BadQuestion, try_event
from tagserver.inbound.clients.datalayer import Refused, read_event
from tagserver.inbound.enrich import read_facts

from ..events import NOW
from .world import PURCHASE, Ask, purchase


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
    with pytest.raises(BadQuestion) as bad:
        try_event(ask.container, ask.server, asked, NOW)
    assert said in str(bad.value)


@pytest.mark.parametrize("event", [None, 7, "purchase", [], {}, {"event": None}, {"event": ""}, {"event": []}])
def test_an_event_that_is_refused(ask: Ask, event: object) -> None:
    """Refused in the words of the live path."""
    answer = try_event(ask.container, ask.server, {"event": event}, NOW)
    assert (answer["event"], answer["consent"], answer["tags"]) == (None, None, [])
    facts = read_facts("browser", NOW, {}, "127.0.0.1", trusted_proxies=0, geo_headers=(), cookies={})
    with pytest.raises(Refused) as refused:
        read_event(event, facts)
    assert answer["problems"] == [msgspec.to_builtins(note) for note in refused.value.notes]
    assert answer["problems"]
