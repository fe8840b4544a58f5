"""The conversation with a vendor: a plugin's requests out, capped answers in, within one total time."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Any

import httpx

from tagserver import __version__
from tagserver.delivery.network import Allowed, CheckedTransport, NotPublic, Resolver, Unresolved
from tagserver.delivery.outcomes import one_each
from tagserver.delivery.sink import awaited, sink_fault
from tagserver.delivery.target import Target
from tagserver.plugin.attempt import conversation
from tagserver.plugin.destination import Destination, Outcome, Outcomes, Payload, Request, Response, call
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.egress import refusal
from tagserver.system.time import Time

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


class Undecided(Exception):
    """The plugin has failed after the vendor's answer, or in the middle of writing: whether the events are there nobody
    knows, and none of them is to blame."""


_READ = httpx.ByteStream(b"")
LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=30.0)


def open_http(allowed: Allowed, transport: httpx.AsyncBaseTransport | None, time: Time) -> httpx.AsyncClient:
    """A client of its own for one destination: no redirects, no proxies from the environment, no compressed answers.

    `allowed`: what operations allow beyond public addresses. `transport` replaces the network.
    """
    return httpx.AsyncClient(
        transport=transport or CheckedTransport(allowed, LIMITS, Resolver(time)),
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
    working: AbstractContextManager[None],
    known: Mapping[str, Any],
    turn: Callable[[], Awaitable[None]],
) -> tuple[list[Outcome], Response | None]:
    """Drive the plugin's `exchange` to its end: an outcome for each payload, and the last response. The plugin's own
    code runs inside `working`. `known`: what its methods declare of the attempt. `turn` is waited for before each
    request but the first, whose turn it is.

    Raises NotSent, MaybeSent, NotAllowed; PluginFailed when the plugin fails before anything has left, Undecided when
    it fails later.
    """
    if target.destination.sink:
        return await _deliver(target, payloads, working, known), None
    talk = _Talk(http, target, payloads, cache, working, known)
    try:
        request = talk.go_on()
        for number in range(MOST_REQUESTS):
            if request is None:
                break
            if number:
                await turn()
            talk.response = await _send(http, request)
            request = talk.go_on()
        if request is not None:
            raise PluginFailed(f"exchange wants more than {MOST_REQUESTS} requests")
        return talk.outcomes, talk.response
    except PluginFailed as failed:
        if talk.response is None:
            raise
        raise Undecided(str(failed)) from failed
    except MemoryError:
        if talk.response is None:
            raise
        raise MaybeSent("MemoryError") from None
    finally:
        if not talk.ended:
            talk.close()


class _Talk:
    """One `exchange` of a plugin about some payloads, step by step. `response`: the last one. At its end there are
    `outcomes`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        target: Target,
        payloads: Sequence[Payload],
        cache: MutableMapping[str, Any],
        working: AbstractContextManager[None],
        known: Mapping[str, Any],
    ) -> None:
        self._http = http
        self._target = target
        self._payloads = payloads
        self._cache = cache
        self._working = working
        self._known = known
        self._steps: Generator[Request, Response, Outcomes] | None = None
        self._own = type(target.destination).exchange is not Destination.exchange
        self.response: Response | None = None
        self.outcomes: list[Outcome] = []
        self.ended = False

    def go_on(self) -> httpx.Request | None:
        """The next request, the first one or that after an answer; None at the end. Raises NotAllowed, PluginFailed."""
        destination = self._target.destination
        method = "exchange" if self._own else "request" if self.response is None else "classify"
        with self._working, PluginCode(destination, method, NotAllowed):
            try:
                if self.response is None:
                    settings = self._target.settings
                    self._steps = conversation(destination, self._payloads, settings, self._cache, self._known)
                    request = next(self._steps)
                else:
                    assert self._steps is not None
                    request = self._steps.send(self.response)
            except StopIteration as done:
                self.ended = True
                # A list may be made while it is read.
                self.outcomes = one_each(done.value, len(self._payloads), "exchange" if self._own else "classify")
                return None
            return _prepared(self._http, self._target, request)

    def close(self) -> None:
        """Let it end where it stands. What it does at that changes nothing: the talk is over, for another reason."""
        if self._steps is not None:
            with suppress(PluginFailed), self._working, PluginCode(self._target.destination, "exchange"):
                self._steps.close()


async def _deliver(
    target: Target,
    payloads: Sequence[Payload],
    working: AbstractContextManager[None],
    known: Mapping[str, Any],
) -> list[Outcome]:
    plugin = target.destination

    def begin() -> Any:
        return call(plugin.deliver, {**known, "data_folder": target.data}, payloads, target.settings)

    try:
        with working:
            given = await awaited(plugin, "deliver", begin, TOTAL)
            with PluginCode(plugin, "deliver"):
                return one_each(given, len(payloads), "deliver")
    except (TimeoutError, MemoryError) as error:
        raise MaybeSent(type(error).__name__) from None
    except OSError as error:
        raise NotSent(sink_fault(error, target)) from None
    except PluginFailed as failed:
        raise Undecided(str(failed)) from failed


_refusal = lru_cache(maxsize=64)(refusal)
"""A vendor is asked at the same address again and again."""


def _prepared(http: httpx.AsyncClient, target: Target, request: Request) -> httpx.Request:
    """A plugin's request as it can be sent. What fails here is the plugin's fault, what fails later never is."""
    if not isinstance(request, Request):
        raise PluginFailed(f"request gives {type(request).__name__} in place of a Request")
    why = _refusal(request.url, target.hosts, target.egress)
    if why is not None:
        raise NotAllowed(why)
    if not isinstance(request.content, bytes | str):
        raise PluginFailed("request gives no bytes as the content of a request")
    return http.build_request(request.method, request.url, headers=dict(request.headers), content=request.content)


async def _send(http: httpx.AsyncClient, asked: httpx.Request) -> Response:
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
            plain = bytes(body[:BODY_CAP])
            if "content-encoding" in headers:
                plain = _plain(plain, headers["content-encoding"])
            return Response(answer.status_code, headers, plain)
    except NotPublic as error:
        raise NotAllowed(str(error)) from None
    except httpx.LocalProtocolError:
        raise NotAllowed("it is no valid HTTP request (a header, perhaps)") from None
    except Unresolved as error:
        raise NotSent(str(error)) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise NotSent(certificate_fault(error) or type(error).__name__) from None
    except Exception as error:  # a connection that ends at a bad moment makes libraries fail in ways of their own
        raise MaybeSent(type(error).__name__) from None


def certificate_fault(error: BaseException | None) -> str | None:
    """What is wrong with the certificate, where a connection failed for it; None where it did not."""
    for _ in range(8):  # libraries wrap each other's errors
        if isinstance(error, ssl.SSLCertVerificationError):
            ours = ", by the clock of this machine" if error.verify_code in _OF_ANOTHER_TIME else ""
            return f"the vendor's certificate is not taken: {error.verify_message}{ours}"
        error = None if error is None else error.__cause__ or error.__context__
    return None


_OF_ANOTHER_TIME = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED."""


def _plain(body: bytes, encoding: str) -> bytes:
    """The body of an answer that came compressed although none was asked for; never more than the cap is unpacked."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=47).decompress(body, BODY_CAP)
    except zlib.error:
        return body
