"""Content codings and validators: what a request allows, and whether it has the answer already; and the answers under
`/-/`, compressed with gzip and under an ETag.

Compression must not help anybody to guess what stands in an answer (the BREACH attack: who can have a victim ask again
and again, and choose a part of the answer, learns the rest from its length). So only answers to GET are compressed:
what was posted comes back plain. No answer holds a token that opens anything. A page holds its form token, which is of
use with the login's cookie alone; and no web page can have a browser ask with that: it is `SameSite=Strict`, and the
guard refuses what a page beside ours asks for. Answers stay `no-store`: a browser keeps no copy of what operators see.
The ETag is for those that poll.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

IDENTITY = "identity"


def accepted(header: str, codings: Iterable[str]) -> list[str]:
    """Those of `codings` that an Accept-Encoding header allows, in their order (RFC 9110, 12.5.3); the plain one is
    always among them, for an answer that does not come is worse than one that comes unasked."""
    wanted: dict[str, bool] = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.partition("=")
        wanted[coding.strip()] = name.strip() != "q" or weight.strip().strip("0.") != ""
    return [one for one in codings if one == IDENTITY or wanted.get(one, wanted.get("*", False))]


def etag_of(version: str, coding: str) -> str:
    """A strong validator of these bytes: packed in another way they are others."""
    return f'"{version}"' if coding == IDENTITY else f'"{version}.{coding}"'


def is_known(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names it, by weak comparison (RFC 9110, 13.1.2): a proxy that packs answers
    itself makes a strong one weak."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in header.split(","))


LEAST = 256
"""Bytes below which packing saves nothing worth the time."""
ASIDE = 32 << 10
"""Bytes from which on a thread packs: it takes more than a millisecond."""
_CODINGS = ("gzip", IDENTITY)


class Packed:
    """Around an application. What is no whole answer of status 200 passes as it is: errors, redirects, streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self._app(scope, receive, send)
        return await self._app(scope, receive, _Answer(Headers(scope=scope), send))


class _Answer:
    """What the application sends, held back until it is known whether its first part is the whole of it."""

    def __init__(self, asked: Headers, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._start = message
            return
        if (start := self._start) is None:
            await self._send(message)
            return
        self._start = None
        messages: Sequence[Message] = (start, message)
        if not message.get("more_body") and "content-encoding" not in Headers(raw=start["headers"]):
            messages = await self._packed(start, message)
        for one in messages:
            await self._send(one)

    async def _packed(self, start: Message, message: Message) -> Sequence[Message]:
        body: bytes = message.get("body", b"")
        codings = accepted(self._asked.get("accept-encoding", ""), _CODINGS) if len(body) >= LEAST else [IDENTITY]
        etag = etag_of(hashlib.sha256(body).hexdigest()[:16], codings[0])
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["etag"] = etag
        headers.add_vary_header("accept-encoding")
        if is_known(self._asked.get("if-none-match", ""), etag):
            for name in ("content-length", "content-type"):
                del headers[name]
            return {**start, "status": 304, "headers": headers.raw}, {**message, "body": b""}
        if codings[0] != IDENTITY:
            body = await asyncio.to_thread(_pack, body) if len(body) >= ASIDE else _pack(body)
            headers["content-encoding"] = codings[0]
            headers["content-length"] = str(len(body))
        return {**start, "headers": headers.raw}, {**message, "body": body}


def _pack(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
