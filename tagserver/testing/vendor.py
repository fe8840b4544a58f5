"""A vendor in memory."""

from __future__ import annotations

from collections.abc import Callable

import httpx


class FakeVendor(httpx.AsyncBaseTransport):
    """A vendor in memory: keeps the requests, gives the answers that a function makes of them."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | None = None) -> None:
        self._answer = answer or (lambda request: httpx.Response(200, json={}))
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        await request.aread()
        self.requests.append(request)
        return self._answer(request)
