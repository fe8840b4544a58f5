"""Answers under `/-/` are packed where that is safe, and known by their ETag."""

from __future__ import annotations

import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tagserver.server.admin.compressed import LEAST, Packed

from .conftest import TOKEN, Running

BEARER = {"authorization": f"Bearer {TOKEN}"}
PACKED = ["/-/", "/-/status.json", "/-/metrics", "/-/style.css", "/-/login"]
STEADY = ["/-/", "/-/status.json", "/-/style.css", "/-/login", "/-/dead.json", "/-/versions.json"]
"""Two answers are equal as long as nothing happens; of metrics never, for the process uses time and memory."""


@pytest.mark.parametrize("path", STEADY)
@pytest.mark.parametrize("coding", ["identity", "gzip", "br, gzip;q=0.5", "gzip;q=0", "*"])
async def test_an_answer_is_packed_and_known(server: Running, path: str, coding: str) -> None:
    """By one ETag for the plain bytes and another for the packed ones."""
    asked = {**BEARER, "accept-encoding": coding}
    plain = await server.http.get(path, headers={**BEARER, "accept-encoding": "identity"})
    answer = await server.http.get(path, headers=asked)
    assert answer.status_code == 200
    assert answer.content == plain.content, "httpx unpacks"
    assert "accept-encoding" in answer.headers["vary"]
    small = len(plain.content) < LEAST
    packs = not small and coding in ("gzip", "br, gzip;q=0.5", "*")
    assert answer.headers.get("content-encoding") == ("gzip" if packs else None)
    assert (answer.headers["etag"] == plain.headers["etag"]) is not packs
    assert answer.headers["etag"].startswith('"'), "strong: each coding has its own"
    assert packs is (int(answer.headers["content-length"]) < len(plain.content))
    for known in (answer.headers["etag"], f"W/{answer.headers['etag']}", f'"x", {answer.headers["etag"]}', "*"):
        again = await server.http.get(path, headers={**asked, "if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "vary", "cache-control", "content-security-policy"):
            assert again.headers[name] == answer.headers[name]
        assert "content-type" not in again.headers
    other = await server.http.get(path, headers={**asked, "if-none-match": '"another"'})
    assert other.status_code == 200
    head = await server.http.head(path, headers=asked)
    assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])


@pytest.mark.parametrize("path", PACKED)
async def test_pages_are_packed(server: Running, path: str) -> None:
    answer = await server.http.get(path, headers={**BEARER, "accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


async def test_what_is_refused_or_posted_is_not_packed(server: Running) -> None:
    """What somebody else may have chosen comes back plain: its length tells nothing of what stands beside it."""
    asked = {"accept-encoding": "gzip"}
    body = {"event": {"event": "purchase", "page": {"title": "x" * 2000}}}
    posted = await server.http.post("/-/try.json", json=body, headers={**BEARER, **asked})
    refused = await server.http.get("/-/status.json", headers={**asked, "if-none-match": "*"})
    assert (posted.status_code, refused.status_code) == (200, 401)
    for answer in (posted, refused):
        assert not {"content-encoding", "etag"} & set(answer.headers)


async def test_no_validator_opens_a_page(server: Running) -> None:
    """304 is an answer, too: whoever has no token gets none, also who knows the ETag."""
    etag = (await server.http.get("/-/status.json", headers=BEARER)).headers["etag"]
    for path in ("/-/status.json", "/-/"):
        answer = await server.http.get(path, headers={"if-none-match": etag})
        assert answer.status_code == 401


async def test_streams_and_what_is_packed_already_pass_as_they_are() -> None:
    async def stream(request: Request) -> Response:
        async def parts() -> object:
            for part in (b"a" * 1000, b"b" * 1000):
                yield part

        return StreamingResponse(parts())  # type: ignore[arg-type] # an async generator, which it takes

    async def packed(request: Request) -> Response:
        return Response(gzip.compress(b"x" * 1000), headers={"content-encoding": "gzip"})

    async def large(request: Request) -> Response:
        return PlainTextResponse("long " * 100_000)

    app = Packed(Starlette(routes=[Route("/stream", stream), Route("/packed", packed), Route("/large", large)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        answer = await http.get("/stream")
        assert (answer.content, "etag" in answer.headers) == (b"a" * 1000 + b"b" * 1000, False)
        answer = await http.get("/packed")
        assert (answer.content, "etag" in answer.headers) == (b"x" * 1000, False)
        answer = await http.get("/large")
        assert (answer.text, answer.headers["content-encoding"]) == ("long " * 100_000, "gzip")
