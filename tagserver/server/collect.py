"""`POST /collect`: the endpoint that takes events in, and the conductor of what happens to them.

It is written against ASGI itself, without request and response objects: it runs for every event of a site.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from tagserver.config.collect import BROWSER
from tagserver.event.event import Note
from tagserver.inbound.clients.datalayer import read_context
from tagserver.inbound.enrich import read_facts, read_headers, visitor_ip
from tagserver.ingest.answer import compose
from tagserver.ingest.body import BadBody, Disconnected, Room, Turns, read_body, split, unpack, unpack_small
from tagserver.ingest.ingest import TooMuch
from tagserver.ingest.sources import Header, is_unseen, origin_of, refusal
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.system.rate_limit import sender_of

Reply = tuple[int, bytes, Sequence[Header]]
"""Status, body, headers."""
GONE = 499
"""What is counted when the client went away before its body was complete; nobody gets it as an answer."""

_encode = msgspec.json.Encoder().encode
_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")


class TooFast(Exception):
    """The sender is above its rate; `wait` in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"again in {wait} s")
        self.wait = wait


class Collect:
    """The ASGI endpoint. `runtime` gives the present configuration, the ingest and the clock."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._room = Room()
        self._turns = Turns(self._room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        try:
            answer, complete = await self._answer(scope["method"], scope.get("client"), headers, receive)
        except Disconnected:
            self._runtime.meters.answered(GONE, None)
            return
        except Exception:
            # The server below answers it.
            self._runtime.meters.answered(500, None)
            raise
        status, body, fields = answer
        self._runtime.meters.answered(status, None if complete is None else perf_counter() - complete)
        fields = [*fields, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, method: str, client: Sequence[Any] | None, headers: dict[str, str], receive: Receive
    ) -> tuple[Reply, float | None]:
        """What is answered, and when the request was complete (None: it never was, or asks for nothing). Raises
        Disconnected."""
        origin = origin_of(headers)
        sources = self._runtime.sources
        cors = sources.cors(origin)
        if method == "OPTIONS":
            # Each browser asks before it posts: with these, half of all times would be of no work at all.
            return (204, b"", [*cors, *sources.preflight(origin)]), None
        complete: float | None = perf_counter()
        if method != "POST":
            allow: Header = (b"allow", b"POST, OPTIONS")
            return _problem(405, "method", "post events to this address", [*cors, allow]), complete
        if self._runtime.closing:
            self._runtime.meters.refused("closing")
            return _problem(503, "try_later", "the server is closing", [*cors, *_GO_AWAY]), complete
        authorization = headers.get("authorization")
        source: str | None = BROWSER
        if authorization is not None:
            source = sources.of_key(authorization)
            if source is None:
                self._runtime.meters.refused("key")
                self._log_refused("unknown_key", client, headers)
                return _problem(401, "unknown_key", "this key is not known here", [*cors, _CHALLENGE]), complete
        elif not sources.takes_origin(origin):
            self._runtime.meters.refused("origin")
            self._log_refused("origin", client, headers, origin)
            message = "neither a browser's Origin nor a server's key; see collect.keys"
            if origin == "null":
                message = "a page without an origin (a file, a frame in a sandbox) may not post; see collect.origins"
            elif origin is not None:
                message = f"the origin {origin[:200]} may not post here; see collect.origins"
            return _problem(403, "origin", message, refusal(origin)), complete
        elif is_unseen(headers):
            self._runtime.meters.refused("unseen")
            message = "nobody has seen this page yet: send its events when it is shown"
            return _problem(503, "unseen", message, [*cors, _WHEN_SHOWN]), complete
        assert source is not None
        connection = client[0] if client else None
        try:
            limit, complete = self._runtime.publisher.now.server.collect.max_body, None
            body = await read_body(receive, headers.get("content-length"), limit, self._room)
            complete = perf_counter()
            status, content = await self._take(source, headers, connection, body)
        except BadBody as bad:
            self._runtime.meters.refused(bad.code)
            again: list[Header] = [(b"retry-after", b"2")] if bad.status == 503 else []
            return _problem(bad.status, bad.code, str(bad), [*cors, *again]), complete
        except TooMuch as much:
            self._runtime.meters.refused("too_large")
            return _problem(413, "too_large", str(much), cors), complete
        except TooFast as fast:
            self._runtime.meters.refused("rate")
            retry_after: Header = (b"retry-after", str(max(1, math.ceil(fast.wait))).encode())
            return _problem(429, "rate", "too many events; see collect.rate", [*cors, retry_after]), complete
        except OutboxError as error:
            self._runtime.meters.refused("outbox")
            self._runtime.states.refused()
            retry: Header = (b"retry-after", str(max(1, round(error.retry_after))).encode())
            return _problem(503, "try_later", str(error), [*cors, retry]), complete
        except MemoryError:
            self._runtime.meters.refused("memory")
            later: Header = (b"retry-after", b"5")
            return _problem(503, "try_later", "the server is out of memory", [*cors, later]), complete
        return (status, content, [_JSON, _NO_STORE, *cors]), complete

    def _log_refused(
        self, kind: str, client: Sequence[Any] | None, headers: dict[str, str], origin: str | None = None
    ) -> None:
        """For the log. Whoever it is, a proxy of ours is not who is meant."""
        proxies = self._runtime.server.collect.trusted_proxies
        address = visitor_ip(client[0] if client else None, headers, proxies)
        self._runtime.states.refused_requests.count(kind, address, origin)

    async def _take(
        self, source: str, headers: dict[str, str], connection: str | None, body: bytes
    ) -> tuple[int, bytes]:
        """Decode, decide, store, answer. One event's way through the server is these lines."""
        limits = self._runtime.publisher.now.server.collect
        encoding = headers.get("content-encoding")
        if (small := unpack_small(body, encoding, limits.max_body)) is not None:
            return await self._decide(source, headers, connection, *split(small, limits))
        async with self._turns.one(len(body), limits.max_body):
            found = await asyncio.to_thread(lambda: split(unpack(body, encoding, limits.max_body), limits))
            return await self._decide(source, headers, connection, *found)

    async def _decide(
        self, source: str, headers: dict[str, str], connection: str | None, raws: list[Any], ctx: Any, sent: Any
    ) -> tuple[int, bytes]:
        runtime, time = self._runtime, self._runtime.time
        now = runtime.publisher.now
        limits = now.server.collect
        facts = read_facts(
            source,
            time.now() if time.wrong is None else runtime.received(sent if source == BROWSER else None),
            headers,
            connection,
            trusted_proxies=limits.trusted_proxies,
            geo_headers=limits.geo_headers,
            locate=limits.locate,
        )
        sender = source
        if source == BROWSER:
            runtime.meters.forwarded(headers.get("x-forwarded-for"))
            sender = sender_of(facts.ip)
        if (wait := runtime.rate.wait(sender, len(raws))) > 0:
            raise TooFast(wait)
        context = read_context(ctx, sent, facts, limits.locate)
        answers = await runtime.ingest.accept(now.container, now.server, raws, facts, context)
        return compose(answers, context.notes, limits.max_body)


_GO_AWAY: tuple[Header, ...] = ((b"retry-after", b"2"), (b"connection", b"close"))
_WHEN_SHOWN: Header = (b"retry-after", b"30")
"""A page may be prerendered for minutes, and scripts give up after some tries."""
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="tagserver"')


def _problem(status: int, code: str, message: str, headers: Sequence[Header]) -> Reply:
    body = _encode({"events": [], "problems": [Note("", code, message)]})
    return status, body, [_JSON, _NO_STORE, *headers]
