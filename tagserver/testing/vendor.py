"""A vendor in memory."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import httpx

from tagserver.plugin import Destination, Outcomes, Payload, Request, Response
from tagserver.plugin.attempt import conversation
from tagserver.testing.events import NOW, known_of


class FakeVendor(httpx.AsyncBaseTransport):
    """A vendor in memory: keeps the requests, gives the answers that a function makes of them (without one: 200, `{}`).
    The function gets an `httpx.Request`, and gives an `httpx.Response` or a `Response`; TypeError for anything else.

    `talk` is for destinations; for code that has an httpx client of its own, it is a transport.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response | Response] | None = None) -> None:
        self._answer = answer or (lambda request: httpx.Response(200, json={}))
        self.requests: list[httpx.Request] = []

    def talk(
        self,
        destination: Destination,
        payloads: Sequence[Payload],
        settings: Any,
        cache: MutableMapping[str, Any] | None = None,
        now: int = NOW,
    ) -> Outcomes:
        """The whole exchange of some payloads, as the host has it: every request is answered; gives the outcomes.
        `now`: the attempt's time, in ms since 1970."""
        known = known_of(destination, payloads, now)
        talk = conversation(destination, payloads, settings, {} if cache is None else cache, known)
        try:
            request = next(talk)
            while True:
                request = talk.send(self._answered(request))
        except StopIteration as end:
            outcomes: Outcomes = end.value
            return outcomes

    def _answered(self, request: Request) -> Response:
        sent = httpx.Request(request.method, request.url, headers=dict(request.headers), content=request.content)
        self.requests.append(sent)
        said = self._said(sent)
        return Response(said.status_code, {name.lower(): value for name, value in said.headers.items()}, said.content)

    def _said(self, request: httpx.Request) -> httpx.Response:
        said = self._answer(request)
        if isinstance(said, Response):
            return httpx.Response(said.status, headers=dict(said.headers), content=said.body)
        if not isinstance(said, httpx.Response):
            raise TypeError(f"answer(request) gives {type(said).__name__}: return an httpx.Response(200, json={{}})")
        return said

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request of a client."""
        await request.aread()
        self.requests.append(request)
        return self._said(request)
