"""The conversation with a vendor: a plugin's requests out, capped answers in, within one total time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx

from tagserver import __version__
from tagserver.delivery.network import Allowed, CheckedTransport, NotPublic
from tagserver.delivery.resolver import Resolver, Unresolved
from tagserver.delivery.target import Target
from tagserver.egress import refusal
from tagserver.kit.attempt import conversation
from tagserver.kit.declared import call
from tagserver.plugin import Outcomes, Payload, Request, Response

TIMEOUT = httpx.Timeout(connect=3.0, write=5.0, read=10.0, pool=5.0)
TOTAL = 15.0
"""Seconds for one request with its answer; a vendor that sends a byte now and then does not prolong it."""
BODY_CAP = 64 << 10
MOST_REQUESTS = 8
"""Requests in one exchange; a plugin that wants more is broken."""


class NotSent(Exception):
    """The vendor has not got the request, for sure."""


class MaybeSent(Exception):
    """The vendor may have got the request; nobody knows the outcome."""


class NotAllowed(Exception):
    """The request may not leave."""


_READ = httpx.ByteStream(b"")
LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=30.0)


def open_http(allowed: Allowed, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """A client of its own for one destination: no redirects, no proxies from the environment, no compressed answers.

    `allowed`: what operations allow beyond public addresses. `transport` replaces the network.
    """
    return httpx.AsyncClient(
        transport=transport or CheckedTransport(allowed, LIMITS, Resolver()),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        headers={"accept-encoding": "identity", "user-agent": f"tagserver/{__version__}"},
    )


async def exchange(
    http: httpx.AsyncClient,
    target: Target,
    payloads: Sequence[Payload],
    cache: MutableMapping[str, Any],
    working: Callable[[], AbstractContextManager[None]],
    known: Mapping[str, Any],
    turn: Callable[[], Awaitable[None]],
) -> tuple[Outcomes, Response | None]:
    """Drive the plugin's `exchange` to its end: its outcomes and the last response. The plugin's own code runs inside
    `working`. `known`: what its methods declare of the attempt. `turn` is waited for before each request.

    Raises NotSent, MaybeSent, NotAllowed, and whatever the plugin raises.
    """
    if target.destination.sink:
        await turn()
        with working():
            return await _deliver(target, payloads, known), None
    talk = conversation(target.destination, payloads, target.settings, cache, known)
    response: Response | None = None
    try:
        with working():
            request = next(talk)
        for _ in range(MOST_REQUESTS):
            await turn()
            response = await _send(http, target, request)
            with working():
                request = talk.send(response)
    except StopIteration as done:
        return done.value, response
    finally:
        talk.close()
    raise NotAllowed(f"more than {MOST_REQUESTS} requests in one exchange")


async def _deliver(target: Target, payloads: Sequence[Payload], known: Mapping[str, Any]) -> Outcomes:
    try:
        async with asyncio.timeout(TOTAL):
            return await call(target.destination.deliver, known, payloads, target.settings)
    except TimeoutError:
        raise MaybeSent("TimeoutError") from None
    except OSError as error:
        raise NotSent(type(error).__name__) from None


async def _send(http: httpx.AsyncClient, target: Target, request: Request) -> Response:
    why = refusal(request.url, target.hosts, target.egress)
    if why is not None:
        raise NotAllowed(why)
    if not isinstance(request.content, bytes | str):
        raise TypeError("the content of a request is bytes")
    asked = http.build_request(
        request.method, request.url, headers=dict(request.headers), content=request.content
    )  # what fails until here is the plugin's fault, what fails from here on never is
    try:
        async with asyncio.timeout(TOTAL):
            answer = await http.send(asked, stream=True)
            try:
                body = bytearray()
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) >= BODY_CAP:
                        break
            finally:
                await answer.aclose()
                # An answer and its stream hold each other, and with them a request of a megabyte or more: left to the
                # collector, which looks seldom, dozens of those pile up.
                answer.stream = _READ
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, headers, _plain(bytes(body[:BODY_CAP]), headers))
    except NotPublic as error:
        raise NotAllowed(str(error)) from None
    except httpx.LocalProtocolError:
        raise NotAllowed("it is no valid HTTP request (a header, perhaps)") from None
    except Unresolved as error:
        raise NotSent(str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise NotSent(type(error).__name__) from None
    except Exception as error:  # a connection that ends at a bad moment makes libraries fail in ways of their own
        raise MaybeSent(type(error).__name__) from None


def _plain(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body of an answer that came compressed although none was asked for; never more than the cap is unpacked."""
    if headers.get("content-encoding", "identity") not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=47).decompress(body, BODY_CAP)
    except zlib.error:
        return body
