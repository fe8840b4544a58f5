"""The way out: connections to addresses that were looked at first.

A name is resolved, each address is checked, and the connection goes to that very address: a name that points somewhere
else a moment later (DNS rebinding) changes nothing. Names that operations allow may lead anywhere.

The system's look-up blocks, for half a minute when no name server answers, and cannot be ended. In the event loop's
pool, which has six threads on two cores and in which everybody else works, a few names that do not resolve would stop
every vendor and the intake. So each destination has a thread here while it looks a name up, and never a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

from tagserver.system.egress import address_refusal
from tagserver.system.time import Time

KEPT = 60.0
"""Seconds in which what was found is used again: short enough for a vendor that moves."""

LookUp = Callable[[str], Sequence[str]]
"""The addresses of a name, by a call that may block. Raises OSError, and ValueError for what cannot be a name."""


class Unresolved(Exception):
    """A name has no address, or none was found in time. The text says which."""


def ask_system(host: str) -> Sequence[str]:
    """What the system's resolver knows of a name."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Resolver:
    """The look-ups of one destination."""

    def __init__(self, time: Time, look_up: LookUp = ask_system) -> None:
        self._time = time
        self._look_up = look_up
        self._known: dict[str, tuple[float, Sequence[str]]] = {}
        self._under_way: tuple[str, asyncio.Future[Sequence[str] | Exception]] | None = None

    async def addresses(self, host: str, timeout: float | None) -> Sequence[str]:  # noqa: ASYNC109 (httpcore's way)
        """The addresses of a host, at least one. Raises Unresolved, after `timeout` seconds at the latest; a look-up
        that takes longer goes on, and what it finds is there for the next attempt."""
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if (known := self._known.get(host)) is not None and self._time.monotonic() < known[0]:
                        return known[1]
                    asked, answer = self._under_way or self._begin(host)
                    found = await asyncio.shield(answer)
                    if asked == host and isinstance(found, Exception):
                        raise Unresolved(f"the name {host} is not known ({_why(found)})")
        except TimeoutError:
            raise Unresolved(f"the name {host} was not resolved in time") from None

    def forget(self, host: str) -> None:
        """Its addresses have not answered: look it up anew the next time."""
        self._known.pop(host, None)

    def _begin(self, host: str) -> tuple[str, asyncio.Future[Sequence[str] | Exception]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str] | Exception] = loop.create_future()

        def ended(found: Sequence[str] | Exception) -> None:
            self._under_way = None
            if not isinstance(found, Exception):
                self._known[host] = (self._time.monotonic() + KEPT, found)
            answer.set_result(found)

        def work() -> None:
            found: Sequence[str] | Exception
            try:
                found = self._look_up(host) or OSError("it has no address")
            except (OSError, ValueError) as error:
                found = error
            with contextlib.suppress(RuntimeError):  # the loop is gone: so is everybody who waited
                loop.call_soon_threadsafe(ended, found)

        try:
            # A daemon: a name server that is silent does not hold up the end of the process either.
            threading.Thread(target=work, name="name look-up", daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            raise Unresolved(f"the name {host} cannot be looked up ({error})") from None
        self._under_way = (host, answer)
        return self._under_way


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


Allowed = Callable[[], Sequence[str]]
"""Host names and networks that operations allow now."""


class NotPublic(Exception):
    """A name leads to an address that may not be called."""


class CheckedBackend(httpcore.AnyIOBackend):
    """Opens TCP connections to addresses that `address_refusal` has nothing against."""

    def __init__(self, allowed: Allowed, resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's interface)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of `host` that answers. Raises Unresolved and, before anything is sent,
        NotPublic."""
        addresses = await self._resolver.addresses(host, timeout)
        for address in addresses:
            if (why := address_refusal(host, address, self._allowed())) is not None:
                raise NotPublic(why)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        self._resolver.forget(host)
        assert failure is not None, "a name that is known has an address"
        raise failure


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class CheckedTransport(httpx.AsyncBaseTransport):
    """httpx's transport over connections of a CheckedBackend."""

    def __init__(self, allowed: Allowed, limits: httpx.Limits, resolver: Resolver) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=CheckedBackend(allowed, resolver),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request. Raises httpx's exceptions, NotPublic and Unresolved."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _as_httpx():
            answer = await self._pool.handle_async_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


_SAME = (
    *("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "ConnectError", "ReadError", "WriteError"),
    *("ProxyError", "UnsupportedProtocol", "LocalProtocolError", "RemoteProtocolError"),
)
_KINDS: dict[type[Exception], type[httpx.HTTPError]] = {getattr(httpcore, name): getattr(httpx, name) for name in _SAME}


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpcore's exceptions under httpx's names, which are the same."""
    try:
        yield
    except tuple(_KINDS) as error:
        raise _KINDS[type(error)](str(error)) from error
