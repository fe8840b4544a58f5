"""The conversation with a vendor: a plugin's requests out, capped answers in, within one total time."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from typing import Any

import httpx

from tagserver.delivery.target import Target
from tagserver.egress import refusal
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


def open_http(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """A client of its own for one destination: no redirects, no proxies from the environment. `transport` replaces
    the network."""
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=5)
    return httpx.AsyncClient(
        transport=transport, timeout=TIMEOUT, limits=limits, follow_redirects=False, trust_env=False, http2=False
    )


async def exchange(
    http: httpx.AsyncClient, target: Target, payloads: Sequence[Payload], cache: MutableMapping[str, Any]
) -> tuple[Outcomes, Response | None]:
    """Drive the plugin's `exchange` to its end: its outcomes and the last response.

    Raises NotSent, MaybeSent, NotAllowed, and whatever the plugin raises.
    """
    talk = target.destination.exchange(payloads, target.settings, cache)
    response: Response | None = None
    try:
        request = next(talk)
        for _ in range(MOST_REQUESTS):
            response = await _send(http, target, request)
            request = talk.send(response)
    except StopIteration as done:
        return done.value, response
    finally:
        talk.close()
    raise NotAllowed(f"more than {MOST_REQUESTS} requests in one exchange")


async def _send(http: httpx.AsyncClient, target: Target, request: Request) -> Response:
    why = refusal(request.url, target.hosts, target.egress)
    if why is not None:
        raise NotAllowed(why)
    try:
        async with asyncio.timeout(TOTAL):
            async with http.stream(
                request.method, request.url, headers=dict(request.headers), content=request.content
            ) as answer:
                body = bytearray()
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) >= BODY_CAP:
                        break
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, headers, bytes(body[:BODY_CAP]))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise NotSent(type(error).__name__) from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise MaybeSent(type(error).__name__) from None
