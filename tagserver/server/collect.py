"""`POST /collect`: the endpoint that takes events in, and the conductor of what happens to them.

It is written against ASGI itself, without request and response objects: it runs for every event of a site.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from tagserver.delivery.outbox import OutboxError
from tagserver.door import TooMuch
from tagserver.event import Note
from tagserver.inbound.datalayer import read_context
from tagserver.inbound.enrich import read_facts, read_headers, visitor_ip
from tagserver.inbound.sources import BROWSER, Header, is_unseen, origin_of, refusal
from tagserver.rate import sender_of
from tagserver.runtime import Runtime
from tagserver.server.answer import compose
from tagserver.server.body import BadBody, Disconnected, Room, Turns, read_body, split, unpack, unpack_small

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_encode = msgspec.json.Encoder().encode
_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")


class TooFast(Exception):
    """The sender is above its rate; `wait` in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"again in {wait} s")
        self.wait = wait


class Collect:
    """The ASGI endpoint. `runtime` gives the present configuration, the door and the clock."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._room = Room()
        self._turns = Turns(self._room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        origin = origin_of(headers)
        sources = self._runtime.sources
        cors = sources.cors(origin)
        method = scope["method"]
        if method == "OPTIONS":
            return await _send(send, 204, b"", [*cors, *sources.preflight(origin)])
        if method != "POST":
            return await _problem(
                send, 405, "method", "post events to this address", [*cors, (b"allow", b"POST, OPTIONS")]
            )
        if self._runtime.closing:
            self._runtime.meters.refused("closing")
            return await _problem(send, 503, "try_later", "the server is closing", [*cors, *_GO_AWAY])
        authorization = headers.get("authorization")
        source: str | None = BROWSER
        if authorization is not None:
            source = sources.of_key(authorization)
            if source is None:
                self._runtime.meters.refused("key")
                return await _problem(send, 401, "unknown_key", "this key is not known here", [*cors, _CHALLENGE])
        elif not sources.takes_origin(origin):
            self._runtime.meters.refused("origin")
            message = "neither a browser's Origin nor a server's key; see collect.keys"
            if origin == "null":
                message = "a page without an origin (a file, a frame in a sandbox) may not post; see collect.origins"
            elif origin is not None:
                message = f"the origin {origin[:200]} may not post here; see collect.origins"
            return await _problem(send, 403, "origin", message, refusal(origin))
        elif is_unseen(headers):
            self._runtime.meters.refused("unseen")
            message = "nobody has seen this page yet: send its events when it is shown"
            return await _problem(send, 503, "unseen", message, [*cors, _WHEN_SHOWN])
        assert source is not None
        connection = scope["client"][0] if scope.get("client") else None
        try:
            status, body = await self._take(source, headers, connection, receive)
        except Disconnected:
            return None
        except BadBody as bad:
            self._runtime.meters.refused(bad.code)
            again: list[Header] = [(b"retry-after", b"2")] if bad.status == 503 else []
            return await _problem(send, bad.status, bad.code, str(bad), [*cors, *again])
        except TooMuch as much:
            self._runtime.meters.refused("too_large")
            return await _problem(send, 413, "too_large", str(much), cors)
        except TooFast as fast:
            self._runtime.meters.refused("rate")
            retry_after: Header = (b"retry-after", str(max(1, math.ceil(fast.wait))).encode())
            return await _problem(send, 429, "rate", "too many events; see collect.rate", [*cors, retry_after])
        except OutboxError as error:
            self._runtime.meters.refused("outbox")
            retry: Header = (b"retry-after", str(max(1, round(error.retry_after))).encode())
            return await _problem(send, 503, "try_later", str(error), [*cors, retry])
        except MemoryError:
            self._runtime.meters.refused("memory")
            return await _problem(
                send, 503, "try_later", "the server is out of memory", [*cors, (b"retry-after", b"5")]
            )
        return await _send(send, status, body, [_JSON, _NO_STORE, *cors])

    async def _take(
        self, source: str, headers: dict[str, str], connection: str | None, receive: Receive
    ) -> tuple[int, bytes]:
        """Read, decode, decide, store, answer. One event's way through the server is these lines."""
        limits = self._runtime.server.collect
        body = await read_body(receive, headers.get("content-length"), limits.max_body, self._room)
        encoding = headers.get("content-encoding")
        if (small := unpack_small(body, encoding, limits.max_body)) is not None:
            return await self._decide(source, headers, connection, *split(small, limits))
        async with self._turns.one(len(body), limits.max_body):
            found = await asyncio.to_thread(lambda: split(unpack(body, encoding, limits.max_body), limits))
            return await self._decide(source, headers, connection, *found)

    async def _decide(
        self, source: str, headers: dict[str, str], connection: str | None, raws: list[Any], ctx: Any, sent: Any
    ) -> tuple[int, bytes]:
        runtime = self._runtime
        container, server = runtime.container, runtime.server
        limits = server.collect
        sender = source
        if source == BROWSER:
            runtime.meters.forwarded(headers.get("x-forwarded-for"))
            sender = sender_of(visitor_ip(connection, headers, limits.trusted_proxies))
        if (wait := runtime.rate.wait(sender, len(raws))) > 0:
            raise TooFast(wait)
        facts = read_facts(
            source,
            runtime.clock(),
            headers,
            connection,
            trusted_proxies=limits.trusted_proxies,
            geo_headers=limits.geo_headers,
            locate=limits.locate,
        )
        context = read_context(ctx, sent, facts, limits.locate)
        answers = await runtime.door.accept(container, server, raws, facts, context)
        return compose(answers, context.notes, limits.max_body)


_GO_AWAY: tuple[Header, ...] = ((b"retry-after", b"2"), (b"connection", b"close"))
_WHEN_SHOWN: Header = (b"retry-after", b"30")
"""A page may be prerendered for minutes, and scripts give up after some tries."""
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="tagserver"')


async def _problem(send: Send, status: int, code: str, message: str, headers: list[Header]) -> None:
    body = _encode({"events": [], "problems": [Note("", code, message)]})
    await _send(send, status, body, [_JSON, _NO_STORE, *headers])


async def _send(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
