"""Clients that pages send to: the origin rule comes first, whatever the client says; the visitor is the browser's."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tagserver.ingest.sources import origin_of
from tagserver.plugin.inbound import (
    BROWSER,
    Client,
    Endpoint,
    InboundRequest,
    Incoming,
    KeyedSource,
    Reply,
    RequestFacts,
    Result,
    check_hmac,
    json_body,
    mac,
)
from tagserver.testing import check_client
from tests.server.conftest import ORIGIN, SERVER, Running, Start, installed, purchase

HITS = f"{SERVER}\nclients: {{hits: {{till: {{secret: '${{env:TILL}}'}}}}}}\n"
SECRETS = {"BACKEND_KEY": "backend-key", "CRM_KEY": "crm-key", "META_TOKEN": "meta-token-secret", "TILL": "till-secret"}
EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Nothing:
    """No settings."""


class Hits(Client):
    """Hits of pages, and of a till that signs them."""

    type = "hits"
    api_version = 1
    Settings = Nothing
    Source = Nothing
    browser = True
    headers = ("x-visit",)
    cookies = ("seen",)
    addresses = (Endpoint("GET", "/hits"), Endpoint("POST", "/hits"))
    refuses = ("signature", "no_secret", "bad_json", "bad_query")

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """In one header."""
        return request.with_headers({"x-sign": mac(source.texts()[0].encode(), request.body or b"")})

    def identify(self, request: InboundRequest) -> str:
        """A page, unless there is a signature."""
        if (given := request.headers.get("x-sign")) is None:
            return BROWSER
        check_hmac(given, [key.encode() for key in self.sources["till"].texts()], request.body)
        return "till"

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """The body's event, or that of the query."""
        found = json_body(body) if body else {"event": facts.query[:40] or "hit"}
        own = partial(_picture, facts.cookies) if facts.method == "GET" and not facts.query else None
        listed = [found if isinstance(found, dict) else {}]
        return Incoming(listed, ctx={"visit": facts.headers.get("x-visit", "")}, answer=own)


def _picture(cookies: Mapping[str, str], results: Sequence[Result]) -> Reply:
    """What an image is answered; it tells which cookies were seen."""
    return Reply(200, f"{results[0].status} {dict(cookies)}".encode(), "image/gif")


class Turncoat(Hits):
    """Says that it is a sender, until the body is here."""

    def identify(self, request: InboundRequest) -> str:
        """A page in the end."""
        return BROWSER if request.body is not None else "till"


@pytest.fixture
async def hits(start: Start) -> Running:
    """A server with such a client."""
    registry = dataclasses.replace(installed(), clients={"hits": Hits})
    server: Running = await start(server=HITS, environ=SECRETS, registry=registry)
    return server


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"origin": ORIGIN}, 200),
        ("POST", {"origin": ORIGIN.upper()}, 200),
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"referer": f"{ORIGIN}/a"}, 403),
        ("POST", {}, 403),
        ("GET", {"referer": f"{ORIGIN}/a?b=https://evil.example"}, 200),
        ("GET", {"referer": ORIGIN}, 200),
        ("GET", {"referer": "https://evil.example/?https://shop.example"}, 403),
        ("GET", {"referer": f"https://evil.example/{ORIGIN}"}, 403),
        ("GET", {"sec-fetch-site": "same-origin", "host": "shop.example"}, 200),
        ("GET", {"sec-fetch-site": "cross-site", "host": "shop.example"}, 403),
        ("GET", {"origin": "https://evil.example", "referer": f"{ORIGIN}/a"}, 403),
        ("GET", {}, 403),
        ("POST", {"origin": ORIGIN, "sec-purpose": "prefetch;prerender"}, 503),
        ("PUT", {"origin": ORIGIN}, 405),
    ],
)
async def test_who_may_send(hits: Running, method: str, headers: dict[str, str], status: int) -> None:
    """By the origins of `collect`; a GET of a page to its own host has no Origin."""
    content = json.dumps(purchase()) if method == "POST" else None
    answer = await hits.http.request(method, "/hits", content=content, headers=headers)
    assert answer.status_code == status
    if status in (403, 503):
        assert answer.json()["problems"][0]["code"] in ("origin", "unseen")


async def test_who_has_neither_origin_nor_key_is_told_where_keys_are(hits: Running) -> None:
    """Those of this client, and not those of /collect."""
    answer = await hits.http.post("/hits", json=purchase())
    assert answer.json()["problems"][0]["message"].endswith("; see clients.hits")


async def test_what_a_page_may_read(hits: Running) -> None:
    """The answer, where it may send; of a refusal that it is one, and nothing with credentials."""
    answer = await hits.http.post("/hits", json=purchase(), headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    refused = await hits.http.post("/hits", json=purchase(), headers={"origin": "https://evil.example"})
    assert refused.headers["access-control-allow-origin"] == "https://evil.example"
    assert "access-control-allow-credentials" not in refused.headers
    bad = await hits.http.post("/hits", content=b"no", headers={"origin": ORIGIN})
    assert (bad.status_code, bad.headers["access-control-allow-origin"]) == (400, ORIGIN)


async def test_an_answer_by_what_was_asked(hits: Running) -> None:
    """An image for a GET, and the client's own for all else; of the cookies a client sees those that it lists."""
    headers = {"referer": f"{ORIGIN}/a", "cookie": "seen=a%20b; other=no"}
    answer = await hits.http.get("/hits", headers=headers)
    assert (answer.content, answer.headers["content-type"]) == (b"accepted {'seen': 'a b'}", "image/gif")
    assert (await hits.http.get("/hits?a", headers=headers)).json()["events"][0]["status"] == "accepted"


async def test_a_browser_that_asks_first(hits: Running) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-visit"}
    answer = await hits.http.options("/hits", headers={"origin": ORIGIN, **asked})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert "x-visit" in answer.headers["access-control-allow-headers"].split(", ")
    strange = await hits.http.options("/hits", headers={"origin": "https://evil.example", **asked})
    assert (strange.status_code, "access-control-allow-methods" in strange.headers) == (204, False)


async def test_whose_agent_and_cookies_they_are(start: Start) -> None:
    """A page's are the visitor's, and so is what it says of privacy; a sender's with a secret, which needs no origin,
    are nobody's."""
    had: list[dict[str, Any]] = []

    async def vendor(request: Request) -> JSONResponse:
        had.extend((await request.json())["data"])
        return JSONResponse({"events_received": 1})

    registry = dataclasses.replace(installed(), clients={"hits": Hits})
    app = Starlette(routes=[Route("/{path:path}", vendor, methods=["POST"])])
    server: Running = await start(server=HITS, environ=SECRETS, registry=registry, vendor=app)
    browser = {"user-agent": "Firefox", "cookie": "_fbp=fb.1.1790000000000.1234567890", "sec-gpc": "1"}

    async def sent(number: int, **headers: str) -> dict[str, Any]:
        content = json.dumps(purchase(f"purchase_T-{number}")).encode()
        signed = {"x-sign": mac(b"till-secret", content)} if "origin" not in headers else {}
        answer = await server.http.post("/hits", content=content, headers={**headers, **signed})
        assert answer.status_code == 200
        for _ in range(500):
            if len(had) >= number:
                break
            await asyncio.sleep(0.02)
        return had[number - 1]

    event = await sent(1, origin=ORIGIN, **browser)
    assert (event["user_data"]["client_user_agent"], event["user_data"]["fbp"]) == ("Firefox", browser["cookie"][5:])
    assert event["data_processing_options"] == ["LDU"]
    event = await sent(2, **browser)
    assert {"client_user_agent", "fbp"}.isdisjoint(event["user_data"])
    assert not event.get("data_processing_options")


async def test_cookies_are_set_for_pages_alone(start: Start) -> None:
    """As by /collect's answers: what its visitor has granted, and not with a refusal."""
    registry = dataclasses.replace(installed(), clients={"hits": Hits})
    server: Running = await start(server=f"{HITS}cookies: {{}}\n", environ=SECRETS, registry=registry)
    granted = {"ad_storage": "granted", "analytics_storage": "granted"}
    view = {"event": "page_view", "page": {"location": f"{ORIGIN}/?gclid=Cj0K"}, "consent": granted}

    async def names(content: bytes, **headers: str) -> list[str]:
        answer = await server.http.post("/hits", content=content, headers={"host": "shop.example", **headers})
        return [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]

    content = json.dumps(view).encode()
    assert await names(content, origin=ORIGIN) == ["ts_id", "_gcl_aw"]
    assert await names(content, **{"x-sign": mac(b"till-secret", content)}) == []
    assert await names(b'{"event": 7}', origin=ORIGIN) == []
    server.runtime.closing = True
    assert await names(content, origin=ORIGIN) == []


async def test_a_signature_at_the_same_address(hits: Running) -> None:
    """An origin is none, once there is one."""
    content = json.dumps(purchase()).encode()
    signature = mac(b"till-secret", content)
    forged = await hits.http.post("/hits", content=content + b" ", headers={"x-sign": signature, "origin": ORIGIN})
    assert forged.status_code == 401


async def test_nobody_becomes_a_page_behind_the_origin_rule(start: Start) -> None:
    """Who is a page is asked before the body is read: with another word afterwards it is the client that fails."""
    registry = dataclasses.replace(installed(), clients={"hits": Turncoat})
    server: Running = await start(server=HITS, environ=SECRETS, registry=registry)
    answer = await server.http.post("/hits", json=purchase(), headers={"origin": "https://evil.example"})
    assert answer.status_code == 503
    assert (await server.drained())["arrivals"] == 0


def test_the_kit_knows_pages() -> None:
    """And a client that names them without saying that it does."""
    assert check_client(Hits, {"till": {"secret": "till-secret"}}) == []
    hidden = type("Hidden", (Hits,), {"__doc__": "Hits.", "browser": False})
    assert any("write browser = True" in fault for fault in check_client(hidden, {"till": {"secret": "till-secret"}}))


@pytest.mark.parametrize(
    ("method", "headers", "origin"),
    [
        ("GET", {"referer": "https://user:secret@Shop.example:8443/x#y"}, "https://shop.example:8443"),
        ("GET", {"referer": "https://shop.example?x=1"}, "https://shop.example"),
        ("GET", {"referer": "about:blank"}, None),
        ("GET", {"referer": "shop.example"}, None),
        ("POST", {"referer": "https://shop.example/"}, None),
        ("GET", {"origin": "null", "referer": "https://shop.example/"}, "null"),
        ("GET", {"sec-fetch-site": "same-origin"}, None),
    ],
)
def test_what_tells_of_the_page(method: str, headers: dict[str, str], origin: str | None) -> None:
    assert origin_of(method, headers) == origin
