"""Inbound clients: who may send by which address, what is answered, and that what comes in goes the one way."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from tagserver.plugin.registry import PluginInfo, Registry
from tests.server.conftest import BEARER, SERVER, Running, Start, purchase, samples
from tests.server.doors import DOORS, WITH_SECRETS, post, signed

SILENT = {key: value for key, value in purchase().items() if key != "consent"}
BOMB = gzip.compress(b" " * (10 << 20))


@pytest.fixture
async def doors(start: Start) -> Running:
    """A server with two webhooks."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    return server


async def test_an_order_arrives_once(doors: Running) -> None:
    """By the contract behind its secret; a second copy, and the page's, meet the first."""
    answer = await post(doors, "shop", SILENT)
    assert answer.status_code == 200
    assert answer.json() == {"events": [{"event_id": "purchase_T-1", "status": "accepted", "problems": []}]}
    assert answer.headers["cache-control"] == "no-store"
    assert (await post(doors, "shop", SILENT)).json()["events"][0]["status"] == "duplicate"
    assert (await doors.collect(purchase())).json()["events"][0]["status"] == "duplicate"
    assert (await doors.drained())["arrivals"] == 1


async def test_without_a_contract_the_visitors_own_word_is_needed(doors: Running) -> None:
    """And of whoever has given none nothing leaves; the sender learns nothing of it."""
    answer = await post(doors, "own", {"type": "purchase", "data": SILENT})
    assert answer.json()["events"][0]["status"] == "accepted"
    assert (await doors.drained())["arrivals"] == 0
    await post(doors, "own", {"type": "purchase", "data": purchase("purchase_T-2")})
    assert (await doors.drained())["arrivals"] == 1


async def test_the_visitors_denial_stands_against_the_contract(doors: Running) -> None:
    """Whatever the contract says of everybody."""
    await post(doors, "shop", purchase(consent={"ad_storage": "denied"}))
    assert (await doors.drained())["arrivals"] == 0


async def test_both_secrets_count_while_one_is_replaced(doors: Running) -> None:
    assert (await post(doors, "shop", SILENT, by="old")).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "content", "headers", "expected"),
    [
        ("/webhook/shop", "POST", b"{}", {}, (401, "signature")),
        ("/webhook/shop", "POST", b"{}", {"x-signature": "sha256=00"}, (401, "signature")),
        ("/webhook/own", "POST", b"{}", {"webhook-signature": "v1,AAAA"}, (401, "signature")),
        (
            "/webhook/own",
            "POST",
            b"{}",
            {"webhook-signature": "v1,AAAA", "webhook-id": "m", "webhook-timestamp": "1700000000"},
            (401, "stale"),
        ),
        ("/webhook/other", "POST", b"{}", {}, (404, None)),
        ("/webhook/a/b", "POST", b"{}", {}, (404, None)),
        ("/webhook", "POST", b"{}", {}, (404, None)),
        ("/webhook/shop", "GET", b"", {}, (405, "method")),
        ("/webhook/shop", "OPTIONS", b"", {"origin": "https://shop.example"}, (405, "method")),
    ],
    ids=["none", "wrong", "half", "stale", "unknown", "deeper", "shorter", "get", "options"],
)
async def test_what_is_refused_as_a_whole(
    doors: Running, path: str, method: str, content: bytes, headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    answer = await doors.http.request(method, path, content=content, headers=headers)
    assert answer.status_code == expected[0]
    assert "access-control-allow-origin" not in answer.headers
    if expected[1] is None:
        assert answer.text == "Not Found"
    else:
        assert answer.json()["problems"][0]["code"] == expected[1]


async def test_while_our_clock_is_known_to_be_wrong_no_signed_time_is_judged_by_it(doors: Running) -> None:
    """Platforms turn off what refuses them; the signature itself is checked as ever."""
    now = doors.runtime.time.now()
    content, headers = signed("own", {"type": "sign_up", "data": {"user_id": "u-1"}}, now - 3_600_000)
    forged = {**headers, "webhook-signature": signed("own", {}, now)[1]["webhook-signature"]}
    assert (await doors.http.post("/webhook/own", content=content, headers=headers)).status_code == 401
    doors.runtime.time.wrong = "the clock is an hour ahead"
    assert (await doors.http.post("/webhook/own", content=content, headers=headers)).status_code == 200
    assert (await doors.http.post("/webhook/own", content=content, headers=forged)).status_code == 401
    doors.runtime.time.wrong = None


async def test_a_signature_is_of_the_bytes_as_they_came(doors: Running) -> None:
    """One bit, one blank, or the same JSON written otherwise is another body."""
    content, headers = signed("shop", SILENT, doors.runtime.time.now())
    again = json.dumps(json.loads(content), separators=(",", ":")).encode()
    for other in (bytes((content[0] ^ 1,)) + content[1:], content + b" ", again):
        answer = await doors.http.post("/webhook/shop", content=other, headers=headers)
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (401, "signature")
    assert (await doors.http.post("/webhook/shop", content=content, headers=headers)).status_code == 200


async def test_packed_bodies_are_signed_as_they_come_and_opened_afterwards(doors: Running) -> None:
    """A stranger's bomb is not opened at all; one of somebody who may send is as large as any body may be."""
    packed = gzip.compress(json.dumps(SILENT).encode())
    assert (await post(doors, "shop", packed, **{"content-encoding": "gzip"})).status_code == 200
    strange = await doors.http.post(
        "/webhook/shop", content=BOMB, headers={"content-encoding": "gzip", "x-signature": "sha256=00"}
    )
    assert strange.status_code == 401
    known = await post(doors, "shop", BOMB, **{"content-encoding": "gzip"})
    assert (known.status_code, known.json()["problems"][0]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"not json", 400, "bad_json"),
        (b'"text"', 400, "bad_json"),
        (b"", 400, "bad_json"),
        (b"[" * 5000, 400, "bad_json"),
        ([{"event": "a"}] * 51, 413, "too_many_events"),
        (b" " * (70 << 10), 413, "too_large"),
    ],
    ids=["text", "string", "empty", "deep", "many", "large"],
)
async def test_what_its_sender_has_to_mend(doors: Running, body: Any, status: int, code: str) -> None:
    """Within the same limits as at /collect."""
    answer = await post(doors, "shop", body)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (status, code)


async def test_one_event_among_others_that_is_none(doors: Running) -> None:
    """Is told in its line, and hurts no other; a request in which none is one gets 400."""
    answer = await post(doors, "shop", [SILENT, {"no": "name"}, {"event": "x", "a": "y" * (20 << 10)}, "text"])
    assert answer.status_code == 200
    lines = answer.json()["events"]
    assert [line["status"] for line in lines] == ["accepted", "rejected", "rejected", "rejected"]
    assert [line["problems"][0]["code"] for line in lines[1:]] == ["missing_event", "too_large", "not_an_object"]
    assert (await post(doors, "shop", [{"no": "name"}])).status_code == 400
    assert (await post(doors, "shop", [])).json() == {"events": []}


async def test_the_client_is_a_variable_and_on_record(start: Start) -> None:
    """As is the source."""
    container = """
destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: http://vendor.internal}}
triggers: {hooks: {when: {client: webhooks, source: shop}}}
tags: [{name: Hooks, destination: meta, triggers: [hooks], parameters: {content_category: "{{ client }}"}}]
"""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS, container=container)
    await post(server, "shop", SILENT)
    await server.collect(purchase("purchase_T-2"))
    stats = await server.drained()
    assert [event["event_id"] for event in stats["events"]] == ["purchase_T-1"]
    for _ in range(100):
        listed = (await server.http.get("/-/events.json", headers=BEARER)).json()["events"]
        if len(listed) == 2:
            break
        await asyncio.sleep(0.05)
    shown = {one["event_id"]: (one["client"], one["source"]) for one in listed}
    assert shown == {"purchase_T-1": ("webhooks", "shop"), "purchase_T-2": ("datalayer", "browser")}


async def test_requests_are_counted_by_client(doors: Running) -> None:
    await post(doors, "shop", SILENT)
    await post(doors, "shop", SILENT, by="forger")
    found = samples((await doors.http.get("/-/metrics", headers=BEARER)).text)
    assert found['tagserver_client_requests_total{client="webhooks",status="200"}'] == 1
    assert found['tagserver_client_requests_total{client="webhooks",status="401"}'] == 1
    assert found['tagserver_requests_refused_total{reason="signature"}'] == 1
    assert found['tagserver_requests_total{status="202"}'] == 0


async def test_what_is_not_named_is_not_there(start: Start) -> None:
    server: Running = await start(server=SERVER)
    assert (await post(server, "shop", SILENT)).status_code == 404


async def test_a_secret_that_is_missing_costs_nobody_an_event(start: Start) -> None:
    """The sender is told to come again, and not that it has no right to; all else serves."""
    environ = {name: value for name, value in WITH_SECRETS.items() if name != "OWN"}
    server: Running = await start(server=DOORS, environ=environ)
    answer = await post(server, "own", {"type": "a", "data": {}})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert (await post(server, "shop", SILENT)).status_code == 200


async def test_a_plugin_that_is_missing_costs_nobody_an_event(start: Start) -> None:
    """Nobody knows its addresses: whoever posts to one that nobody has is told to come again."""
    known = Registry.load()
    lost = PluginInfo("webhooks", "1", error="ImportError")
    registry = Registry(known.destinations, (*known.plugins, lost))
    server: Running = await start(server=DOORS, environ=WITH_SECRETS, registry=registry)
    answer = await post(server, "shop", SILENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert (await server.http.get("/webhook/shop")).status_code == 404
    assert (await server.collect(purchase())).status_code == 202


async def test_while_the_server_closes(doors: Running) -> None:
    doors.runtime.closing = True
    answer = await post(doors, "shop", SILENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_below_a_prefix(start: Start) -> None:
    server: Running = await start(server=f"path_prefix: /metrics\n{DOORS}", environ=WITH_SECRETS)
    assert (await post(server, "shop", SILENT)).status_code == 404
    content, headers = signed("shop", SILENT, server.runtime.time.now())
    assert (await server.http.post("/metrics/webhook/shop", content=content, headers=headers)).status_code == 200


async def test_try_answers_for_a_sender_as_its_address_would(doors: Running) -> None:
    """By its client and its contract."""
    asked = {"event": SILENT, "source": "shop"}
    told = (await doors.http.post("/-/try.json", json=asked, headers=BEARER)).json()
    assert (told["event"]["client"], told["event"]["source"]) == ("webhooks", "shop")
    assert told["tags"][0]["decision"] == "send"
    asked["source"] = "own"
    told = (await doors.http.post("/-/try.json", json=asked, headers=BEARER)).json()
    assert (told["event"]["client"], told["tags"][0]["decision"]) == ("webhooks", "block")
