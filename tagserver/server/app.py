"""The server's addresses, in one table; those of its health; and the path below which the public ones lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.auth import Guard
from tagserver.server.collect import Collect
from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.console import Admin
from tagserver.server.doors import Doors
from tagserver.server.script import KeptScripts, Scripts, shipped
from tagserver.system.machine import affordable, file_descriptors
from tagserver.system.time import Time


class TagServer(Starlette):
    """The ASGI application.

    `/collect` is reached before Starlette's own middleware: it runs for every event of a site, answers its own errors,
    and each layer in front of it costs as much as deciding fifty tags.
    """

    def __init__(self, runtime: Runtime, collect: Collect, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes)
        # A redirect to the path with or without a slash would go where the client's Host header says.
        self.router.redirect_slashes = False
        self._collect = collect
        self._doors = Doors(runtime, collect)
        self._publisher = runtime.publisher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request."""
        if scope["type"] == "http":
            if prefix := self._publisher.now.server.path_prefix:
                scope["path"] = routed(scope["path"], prefix)
            if scope["path"] == "/collect":
                await self._collect(scope, receive, send)
                return
            if (claimed := self._doors.has(scope)) is not None:
                await self._doors(scope, receive, send, claimed)
                return
        await super().__call__(scope, receive, send)


def create_app(runtime: Runtime, admin_token: str, time: Time | None = None) -> Starlette:
    """The ASGI application of one runtime. `admin_token` opens what lies under `/-/`. `time`: by which
    guesses at it are counted; the runtime's where none is given."""
    current, kept = shipped(), KeptScripts(runtime.data / "t", runtime.time)
    runtime.unwritten.attempt(
        "page's script", partial(kept.keep, current), "after an upgrade pages that name this version will not find it"
    )
    scripts = Scripts(current, kept)

    admin = Admin(runtime, admin_token, time or runtime.time)
    health = Health(runtime, admin.guard)
    app = TagServer(
        runtime,
        collect=Collect(runtime),
        routes=[
            Route("/t.js", scripts.latest),
            Route("/t/more.js", partial(scripts.latest, name="more")),
            Route("/t/keep.js", partial(scripts.latest, name="keep")),
            Route("/t/pixel.js", partial(scripts.latest, name="pixel")),
            Route("/t/preview.js", partial(scripts.latest, name="preview")),
            Route("/t/{name}.{version}.js", scripts.version),
            Route("/t/{version}.js", scripts.version),
            Route("/", root),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Mount("/-", app=admin.app),
        ],
    )
    app.state.login_path = admin.login_path
    return app


def connection_limits(runtime: Runtime) -> ConnectionLimits:
    """The limits of a runtime's connections. How many there may be is fixed at the start, how many of one address
    follows the configuration."""
    limits = ConnectionLimits(
        most=affordable(runtime.server.collect.max_connections, file_descriptors()),
        per_address=lambda: runtime.server.collect.max_connections_per_address,
        refused=runtime.meters.refused,
    )
    runtime.meters.connections = lambda: limits.connections
    return limits


# ── `/`, `/healthz` and `/readyz`

AGAIN = "2"
"""Seconds after which to ask again while the answer is 503."""
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_NOTHING_HERE = "Nothing is here: events are posted to /collect, and the pages are at /-/.\n"


async def root(request: Request) -> Response:
    """`/`, the address that `serve` prints: a browser goes on to the pages, where it is asked for a login. Everybody
    else finds nothing, as anywhere that is no address, and is told where to look: no more than the guide says."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/-/", 303, headers=_HEADERS)
    return PlainTextResponse(_NOTHING_HERE, 404, headers=_HEADERS)


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


# ── public addresses below `path_prefix`, for a proxy that passes paths on as they are

NOWHERE = "/nowhere"
"""A path without a route."""
_EVERYWHERE = ("/", "/healthz", "/readyz")
"""Asked by this machine and by load balancers, which know nothing of pages."""


def routed(path: str, prefix: str) -> str:
    """The path of the table of addresses that a request's path means. Public ones have moved below the prefix; those of
    the admin have not, so that a proxy that passes on the prefix alone has closed them."""
    if path.startswith(prefix) and path[len(prefix) :].startswith("/"):
        inner = path[len(prefix) :]
        return NOWHERE if inner in ("/", "/-") or inner.startswith("/-/") else inner
    return path if path in _EVERYWHERE or path.startswith("/-/") else NOWHERE
