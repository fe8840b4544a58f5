"""Segment's addresses: whose key it is decides whose word counts, and a body is what its bytes are."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.docs.world import load
from tests.server.conftest import CONTAINER, ENVIRON, ORIGIN, SERVER, Running, Start, purchase

KEYS = {**ENVIRON, "WEB": "web-key", "SHOP": "shop-key", "JOBS": "jobs-key"}
DOOR = (
    SERVER
    + """
clients:
  segment:
    write_keys:
      web: {secret: "${env:WEB}", browser: true}
      shop:
        secret: "${env:SHOP}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
        basis: "terms, 2026-03"
      jobs: {secret: "${env:JOBS}", browser: false}
    consent_categories: {Advertising: [ad_storage, ad_user_data, ad_personalization]}
"""
)
ADS_PURPOSES = ("ad_storage", "ad_user_data", "ad_personalization")
ADS = {"consent": {"categoryPreferences": {"Advertising": True}}}


def basic(key: str) -> str:
    """As libraries send a write key."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def order(number: int, context: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A paid order of somebody's own, as a library tells it."""
    traits = {"email": f"erika.{number}@example.com"}
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "properties": {"order_id": str(number), "total": 59.9, "currency": "EUR"},
        "context": {"traits": traits, "page": {"url": "https://shop.example/thanks"}, **(context or {})},
        **more,
    }


@pytest.fixture
async def door(start: Start) -> Running:
    """A server with Segment's addresses."""
    server: Running = await start(server=DOOR, environ=KEYS)
    return server


async def post(
    server: Running, body: Any, key: str = "shop-key", path: str = "/v1/track", **headers: str
) -> httpx.Response:
    """Post with a key in the header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await server.http.post(path, content=content, headers={"authorization": basic(key), **named})


async def test_a_browser_that_asks_first(door: Running) -> None:
    """The write key in a header has every call asked for; RudderStack and Jitsu have headers of their own."""
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,anonymousid"}
    answer = await door.http.options("/v1/t", headers={"origin": ORIGIN, **asked})
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert {"authorization", "content-type", "x-write-key", "anonymousid"} <= {*allowed}
    strange = await door.http.options("/v1/t", headers={"origin": "https://evil.example", **asked})
    assert "access-control-allow-headers" not in strange.headers


@pytest.mark.parametrize(
    ("number", "key", "context", "headers", "status", "sent"),
    [
        (1, "shop-key", {}, {}, 200, 1),
        (2, "shop-key", {"consent": {"categoryPreferences": {"Advertising": False}}}, {}, 200, 0),
        (3, "shop-key", {"consent": {"categoryPreferences": {"Ads": True}}}, {}, 200, 0),
        (4, "jobs-key", {}, {}, 200, 0),
        (5, "jobs-key", ADS, {}, 200, 1),
        (6, "web-key", {}, {"origin": ORIGIN}, 200, 0),
        (7, "web-key", ADS, {"origin": ORIGIN}, 200, 1),
        (8, "web-key", ADS, {"origin": ORIGIN, "sec_gpc": "1"}, 200, 1),
        (9, "web-key", ADS, {"origin": "https://evil.example"}, 403, 0),
        (10, "web-key", ADS, {}, 403, 0),
        (11, "shop-key", {}, {"origin": ORIGIN, "sec_fetch_site": "cross-site"}, 403, 0),
        (12, "other", {}, {"origin": ORIGIN}, 401, 0),
    ],
)
async def test_whose_word_counts(
    door: Running, number: int, key: str, context: Any, headers: dict[str, str], status: int, sent: int
) -> None:
    """A contract stands for people of a server alone, and never over their own word; a page's for nobody."""
    answer = await post(door, order(number, context), key, **headers)
    assert answer.status_code == status, answer.text
    if "origin" in headers and headers["origin"] == ORIGIN:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert (await door.drained())["arrivals"] == sent


async def test_one_bad_message_takes_nobody_with_it(door: Running) -> None:
    """And the answer names it; a batch that holds nothing else is to be mended."""
    batch = [order(21), 7, {"type": "track"}, {"type": "identify", "traits": {}}, {**order(22), "properties": 3}]
    answer = (await post(door, {"batch": batch}, path="/v1/batch")).json()
    assert answer["success"] is True
    assert [one["status"] for one in answer["events"]] == ["accepted", "passed", "rejected", "passed", "accepted"]
    assert [one["problems"][0]["code"] for one in answer["events"][1:4]][::2] == ["bad_message", "identify"]
    bad = await post(door, {"batch": [7, {"type": "track"}]}, path="/v1/batch")
    assert (bad.status_code, bad.json()["success"]) == (400, False)
    empty = await post(door, {"batch": []}, path="/v1/batch")
    assert (empty.status_code, empty.json()["success"]) == (200, True)


async def test_a_batch_that_comes_again(door: Running) -> None:
    """As libraries send it after a refusal, with the same ids; and the page's own copy of the order."""
    batch = {"batch": [order(31), {"type": "page", "messageId": "m-p"}]}
    assert (await post(door, batch, path="/v1/batch")).status_code == 200
    again = await post(door, batch, path="/v1/batch", x_retry_count="1")
    assert [one["status"] for one in again.json()["events"]] == ["duplicate", "accepted"]  # no tag wants the other
    own = await door.collect(
        [
            purchase("purchase_31"),
            purchase("own-id", ecommerce={"transaction_id": "31", "value": 59.9, "currency": "EUR"}),
        ]
    )
    assert [one["status"] for one in own.json()["events"]] == ["duplicate", "duplicate"]
    assert (await door.drained())["arrivals"] == 1


async def test_what_the_visitor_has_refused_no_contract_outweighs(door: Running) -> None:
    """The page's copy came first, with a refusal; the server's copy of the same order says nothing of it."""
    refused = purchase("purchase_35", consent=dict.fromkeys(ADS_PURPOSES, "denied"))
    assert (await door.collect(refused)).status_code == 202
    assert (await post(door, order(35))).json()["events"][0]["status"] == "accepted"
    assert (await post(door, order(36))).status_code == 200
    assert (await door.drained())["arrivals"] == 1


DENIED = dict.fromkeys(ADS_PURPOSES, "denied")


@pytest.mark.parametrize(
    ("message", "batch", "sent"),
    [
        ({"consent": DENIED}, {}, 0),
        ({"consent": {"categoryPreferences": {"Advertising": False}}}, {}, 0),
        ({"gcs": "G100"}, {}, 0),
        ({"context": {"traits": {"email": "gcs@example.com"}, "gcs": "G100"}}, {}, 0),
        ({"consent": "no"}, {}, 0),
        ({}, {"consent": DENIED}, 0),
        ({}, {"consentManagement": {"deniedConsentIds": ["Advertising"]}}, 0),
        ({}, {"context": {"gcs": "G100"}}, 0),
        ({}, {"consent": DENIED, "context": {"consent": dict.fromkeys(ADS_PURPOSES, "granted")}}, 0),
        ({"consent": {"analytics_storage": "denied"}}, {}, 1),
        ({"integrations": {"tagserver": False}}, {}, 0),
        ({"integrations": {"All": True, "tagserver": False}}, {}, 0),
        ({}, {"integrations": {"tagserver": False}}, 0),
    ],
)
async def test_a_refusal_counts_wherever_it_is_written(door: Running, message: Any, batch: Any, sent: int) -> None:
    """No specification has consent beside a message or a batch; but who writes it there means it, and no contract
    outweighs it. And a call that names us with false is not for us."""
    answer = await post(door, {"batch": [{**order(37), **message}], **batch}, path="/v1/batch")
    assert answer.status_code == 200
    assert (await door.drained())["arrivals"] == sent


PLAIN = json.dumps({"batch": [order(41)], "writeKey": "shop-key"}).encode()
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (PLAIN, {"content_type": "text/plain"}, 200),
        (b"\xef\xbb\xbf" + PLAIN, {"content_type": FORM}, 200),
        (gzip.compress(PLAIN), {"content_type": FORM, "content_encoding": "gzip"}, 200),
        (gzip.compress(PLAIN), {"content_type": "application/json"}, 400),
        (PLAIN, {"content_encoding": "gzip"}, 400),
        (gzip.compress(b" " * (4 << 20)), {"content_encoding": "gzip"}, 413),
        (gzip.compress(gzip.compress(PLAIN)), {"content_encoding": "gzip"}, 400),
        (b" " * (70 << 10), {}, 413),
        (b"batch=1", {"content_type": FORM}, 400),
        (json.dumps({"batch": [{}] * 60}).encode(), {}, 413),
    ],
    ids=["text", "form", "packed", "in disguise", "not packed", "a bomb", "packed twice", "large", "a form", "many"],
)
async def test_a_body_is_what_its_bytes_are(
    door: Running, content: bytes, headers: dict[str, str], status: int
) -> None:
    """Whatever its type says. Packed is what says so, and no more is unpacked than a body may be."""
    answer = await post(door, content, path="/v1/batch", **headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("headers", [{}, {"origin": ORIGIN}])
async def test_a_key_in_the_body_alone(door: Running, headers: dict[str, str]) -> None:
    """As beacons have it, which set no header; a packed body is not opened for a stranger."""
    key = "web-key" if headers else "shop-key"
    body = json.dumps({"batch": [order(51, ADS)], "writeKey": key}).encode()
    answer = await door.http.post("/v1/b", content=body, headers=headers)
    assert answer.status_code == 200
    packed = {**headers, "content-encoding": "gzip"}
    assert (await door.http.post("/v1/b", content=gzip.compress(body), headers=packed)).status_code == 401


async def test_a_page_s_key_in_the_body_of_whoever(door: Running) -> None:
    """Nobody becomes a page after its origin would have been asked for."""
    body = {"batch": [order(61, ADS)], "writeKey": "web-key"}
    assert (await door.http.post("/v1/b", json=body)).status_code == 403
    assert (await door.http.post("/v1/b", json=body, headers={"origin": "https://evil.example"})).status_code == 403
    assert (await door.drained())["arrivals"] == 0


@pytest.mark.parametrize("path", ["/v1/projects", "/v1/track/x", "/v1/", "/v1/TRACK"])
async def test_what_is_no_call(door: Running, path: str) -> None:
    answer = await post(door, order(71), path=path)
    assert (answer.status_code, "success" in answer.text) == (404, False)


@pytest.mark.parametrize(("key", "headers"), [("shop-key", {}), ("web-key", {"origin": ORIGIN})])
async def test_whose_address_it_is_and_who_sees_the_key(start: Start, key: str, headers: dict[str, str]) -> None:
    """Of a server's call the visitor's by its own word, of a page's the connection's; and no event tells a key."""
    had: list[dict[str, Any]] = []

    async def vendor(request: Request) -> JSONResponse:
        had.extend((await request.json())["data"])
        return JSONResponse({"events_received": 1})

    tells = "{{ header.authorization }}{{ header.x-write-key }}{{ header.anonymousid }}"
    container = CONTAINER.replace("triggers: [purchase]}", f'triggers: [purchase], parameters: {{seen: "{tells}"}}}}')
    app = Starlette(routes=[Route("/{path:path}", vendor, methods=["POST"])])
    server: Running = await start(server=DOOR, environ=KEYS, container=container, vendor=app)
    context = {**ADS, "ip": "203.0.113.9", "userAgent": "Agent-Of-Erika"}
    seen = {"user_agent": "Agent-Of-The-Connection", "x_write_key": key, "anonymousid": "a-1"}
    answer = await post(server, order(81, context), key, **seen, **headers)
    assert answer.json()["events"][0]["problems"] == []
    for _ in range(500):
        if had:
            break
        await asyncio.sleep(0.02)
    (event,) = had
    by_itself = key == "shop-key"
    assert event["user_data"]["client_user_agent"] == ("Agent-Of-Erika" if by_itself else "Agent-Of-The-Connection")
    assert (event["user_data"].get("client_ip_address") == "203.0.113.9") == by_itself
    assert key not in json.dumps(event)
    assert basic(key) not in json.dumps(event)


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ('{web: {secret: "${env:WEB}", browser: true, consent: {ad_storage: granted}, basis: terms}}', "E130"),
        ('{web: {secret: "${env:WEB}", browser: "yes"}}', "E111"),
        ('{web: {secret: "${env:WEB}", origin: x}}', "E110"),
        ('{web: {secret: "${env:WEB}"}}, consent_categories: {Ads: [ads]}', "E115"),
        ('{web: {secret: "${env:WEB}"}}, consent_categories: {Ads: ad_storage}', "E111"),
    ],
)
def test_what_may_be_written(keys: str, code: str) -> None:
    server = f"clients: {{segment: {{write_keys: {keys}}}}}"
    found = load({"server.yaml": server, "container.yaml": "tags: []"}, environ=KEYS).problems
    assert [one.code for one in found] == [code]
