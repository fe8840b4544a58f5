"""The way out: connections to addresses that were looked at first.

A name is resolved (`resolver.py`), each address is checked, and the connection goes to that very address: a name that
points somewhere else a moment later (DNS rebinding) changes nothing. Names that operations allow may lead anywhere.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

from tagserver.delivery.resolver import Resolver
from tagserver.system.egress import address_refusal

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
