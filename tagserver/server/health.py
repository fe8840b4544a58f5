"""`/healthz` and `/readyz`: one word for anybody, and what is behind it for whoever brings the admin token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.guard import Guard

AGAIN = "2"
"""Seconds after which to ask again while the answer is 503."""
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Health:
    """The endpoints. A wrong token is answered like none, and is a guess all the same (`Guard.knows`): a load balancer
    must not take a server out of service because somebody else behind its address guesses. A login's cookie means
    nothing here: these are public addresses."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard

    async def alive(self, request: Request) -> Response:
        """The process lives."""
        return PlainTextResponse("ok", headers=_HEADERS)

    async def ready(self, request: Request) -> Response:
        """Whether anything can be promised now: `ok` and `degraded` are 200, `unavailable` is 503."""
        shown = self._runtime.status.told()
        headers = _HEADERS if shown["ready"] else {**_HEADERS, "retry-after": AGAIN}
        code = 200 if shown["ready"] else 503
        if self._guard.knows(request):
            return JSONResponse(shown, code, headers)
        return PlainTextResponse(shown["status"], code, headers)
