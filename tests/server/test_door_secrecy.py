"""Nothing of a request stands where it does not belong: not its query, its cookies and headers, nor anything of a body
that was refused. And a client that is broken hurts nobody but itself."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest

from tagserver.plugin.inbound import Client, Incoming, Passed, Refuse, Reply
from tagserver.plugin.registry import Registry
from tests.config.tickets import Tickets
from tests.server.conftest import BEARER, SERVER, Running, Start, purchase, samples
from tests.server.doors import DOORS, WITH_SECRETS, post, signed

MARK = "zzsentinelzz"
TICKETS = SERVER + '\nclients: {tickets: {berlin: {secret: "${env:OWN}"}}}\n'
SILENT = {key: value for key, value in purchase().items() if key != "consent"}


async def everything(server: Running, caplog: pytest.LogCaptureFixture) -> str:
    """All that people and machines are shown, the log, and what lies on disk."""
    await server.runtime.records.flush()
    shown = [f"{one.getMessage()} {one.__dict__}" for one in caplog.records]
    for path in ("metrics", "events.json", "status.json", "home.json", "plugins.json", "dead.json"):
        shown.append((await server.http.get(f"/-/{path}", headers=BEARER)).text)
    shown += [path.read_bytes().decode("latin-1") for path in server.data.rglob("*") if path.is_file()]
    return "\n".join(shown)


async def test_nothing_of_a_request_is_written_that_is_no_event(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Query, cookies, headers that the client does not list, an unknown name, and bodies that were refused."""
    caplog.set_level(logging.DEBUG, logger="tagserver")
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    content, headers = signed("shop", SILENT, server.runtime.time.now())
    more = {"cookie": f"_fbp={MARK}", "x-{MARK}": MARK, "referer": f"https://{MARK}.example", "x-forwarded-for": MARK}
    more = {name.replace("{MARK}", MARK): value for name, value in more.items()}
    address = f"/webhook/shop?token={MARK}&email={MARK}@example.com"
    assert (await server.http.post(address, content=content, headers={**headers, **more})).status_code == 200
    forged = json.dumps({"event": MARK, "email": MARK}).encode()
    for path, body, given in (
        (f"/webhook/{MARK}", forged, headers),
        (address, forged, headers),
        (address, forged, {"x-signature": MARK}),
        ("/webhook/shop", b"{" + MARK.encode(), signed("shop", b"{" + MARK.encode(), server.runtime.time.now())[1]),
    ):
        answer = await server.http.post(path, content=body, headers={**given, **more})
        assert answer.status_code in (400, 401, 404)
        assert MARK not in answer.text
    await server.drained()
    text = await everything(server, caplog)
    assert "purchase_T-1" in text, "it was looked at"
    assert MARK not in text
    assert not any(secret in text for secret in WITH_SECRETS.values())


LEAKY = """
destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: http://vendor.internal}}
triggers:
  own: {when: {header.webhook-id: {exists: true}}}
  cookie: {when: {cookie._fbp: {exists: true}}}
  gpc: {when: {header.sec-gpc: {exists: true}}}
  agent: {when: {user_agent: {exists: true}}}
  address: {when: {ip: {exists: true}}}
tags:
  - {name: Own, destination: meta, triggers: [own]}
  - {name: Leaky, destination: meta, triggers: [cookie, gpc, agent, address], event_name: Leaky}
"""


async def test_headers_and_cookies_of_the_other_system_are_nobodys(start: Start) -> None:
    """Its opt-out, its consent tool, its agent and its address do not count for the visitor; what the client lists is
    there."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS, container=LEAKY)
    await post(server, "shop", SILENT, **{"sec-gpc": "1", "cookie": "_fbp=fb.1.1.2", "user-agent": "Shop/1.0"})
    assert [one["event_name"] for one in (await server.drained())["events"]] == ["Purchase"]


def broken(**members: Any) -> Registry:
    """What is installed, with a client of which something is broken."""
    known = Registry.load()
    cls: type[Client] = type("Broken", (Tickets,), {"passes": ("test",), **members})
    return Registry(known.destinations, known.plugins, known.variables, clients=MappingProxyType({"tickets": cls}))


def raises(*given: Any) -> Any:
    raise ZeroDivisionError(MARK)


def endless(*given: Any) -> Iterator[dict[str, str]]:
    while True:
        yield {"event": "x"}


def gives(value: Any) -> Callable[..., Any]:
    return lambda *given: value


def refuses(status: Any, code: Any, **more: Any) -> Callable[..., Any]:
    def refused(*given: Any) -> Any:
        raise Refuse(status, code, "the reason", **more)

    return refused


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"identify": raises}, 503, "client_failed"),
        ({"identify": lambda *given: sys.exit(3)}, 503, "client_failed"),
        ({"identify": gives("browser")}, 503, "client_failed"),
        ({"identify": gives("nobody")}, 503, "client_failed"),
        ({"identify": gives(None)}, 503, "client_failed"),
        ({"events": raises}, 503, "client_failed"),
        ({"events": gives(5)}, 503, "client_failed"),
        ({"events": gives([{1, 2}, object()])}, 503, "client_failed"),
        ({"events": gives(Incoming([{"event": "\ud800"}]))}, 503, "client_failed"),
        ({"events": endless}, 413, "too_many_events"),
        ({"greet": gives("hello")}, 503, "client_failed"),
        ({"greet": gives(Reply(200, b"x", "text/plain\r\nset-cookie: a=b"))}, 503, "client_failed"),
        ({"events": refuses(200, "signature")}, 400, "signature"),
        ({"events": refuses(422, "made_up")}, 422, "made_up"),
        ({"events": refuses(503, "no_secret", retry_after="x")}, 503, "no_secret"),
        ({"refused": raises, "events": refuses(422, "bad_json")}, 422, "bad_json"),
        ({"refused": gives(Reply(200)), "events": refuses(422, "bad_json")}, 422, "bad_json"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
async def test_a_broken_client_takes_nothing_and_hurts_nobody(
    start: Start, caplog: pytest.LogCaptureFixture, members: dict[str, Any], status: int, code: str
) -> None:
    """It never answers as if all were well, and nothing of the error's text is told to anybody."""
    server: Running = await start(server=TICKETS, environ=WITH_SECRETS, registry=broken(**members))
    headers = {"x-key": WITH_SECRETS["OWN"]}
    answer = await server.http.post("/tickets/berlin", json=SILENT, headers=headers)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (status, code)
    assert MARK not in answer.text + caplog.text
    assert ("retry-after" in answer.headers) is (code == "client_failed")
    assert (await server.collect(purchase())).status_code == 202
    labels = samples((await server.http.get("/-/metrics", headers=BEARER)).text)
    assert not any("made_up" in label for label in labels)


async def test_an_answer_that_fails_comes_too_late_to_lose_anything(start: Start) -> None:
    """The events are on disk: the sender is told so in our own words."""
    server: Running = await start(server=TICKETS, environ=WITH_SECRETS, registry=broken(answer=raises))
    answer = await server.http.post("/tickets/berlin", json=purchase(), headers={"x-key": WITH_SECRETS["OWN"]})
    assert (answer.status_code, answer.json()["events"][0]["status"]) == (200, "accepted")
    assert (await server.drained())["arrivals"] == 1


async def test_what_is_passed_over_is_told_and_counted(start: Start) -> None:
    """In its place among the others; by a word of the client's own list."""
    found = gives([Passed("test", "a test order", "o-1"), purchase(), Passed("made_up", "x")])
    server: Running = await start(server=TICKETS, environ=WITH_SECRETS, registry=broken(events=found))
    answer = await server.http.post("/tickets/berlin", json={}, headers={"x-key": WITH_SECRETS["OWN"]})
    lines = [(one["event_id"], one["status"]) for one in answer.json()["events"]]
    assert (answer.status_code, lines) == (200, [("o-1", "passed"), ("purchase_T-1", "accepted"), (None, "passed")])
    text = (await server.http.get("/-/metrics", headers=BEARER)).text
    assert 'tagserver_client_passed_total{client="tickets",code="test"} 1' in text
    assert 'tagserver_client_passed_total{client="tickets",code="other"} 1' in text


async def test_a_client_that_fails_is_told_until_it_does_well_again(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log once a minute, in the status and to load balancers, with the author's own line."""

    def reads(self: Any, body: bytes, facts: Any) -> Any:
        return [{"event": "x"}] if body == b"[]" else raises()

    server: Running = await start(server=TICKETS, environ=WITH_SECRETS, registry=broken(events=reads))
    headers = {"x-key": WITH_SECRETS["OWN"]}
    for _ in range(3):
        await server.http.post("/tickets/berlin", content=b"{}", headers=headers)
    (one,) = (await server.status())["failing"]
    assert one["client"] == "tickets"
    assert "ZeroDivisionError at test_door_secrecy.py:" in one["reason"]
    assert (await server.ready())["status"] == "degraded"
    assert caplog.text.count("client tickets: ") == 1
    for _ in range(20):
        assert (await server.http.post("/tickets/berlin", content=b"[]", headers=headers)).status_code == 200
    assert (await server.status())["failing"] == []
