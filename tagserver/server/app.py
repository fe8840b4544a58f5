"""The server's addresses, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.admin import Admin
from tagserver.server.collect import Collect
from tagserver.server.edge import Edge
from tagserver.server.health import Health
from tagserver.server.kept_scripts import KeptScripts
from tagserver.server.page_script import shipped
from tagserver.server.prefix import routed
from tagserver.server.script import Scripts
from tagserver.system.process import affordable, file_descriptors


class TagServer(Starlette):
    """The ASGI application.

    `/collect` is reached before Starlette's own middleware: it runs for every event of a site, answers its own errors,
    and each layer in front of it costs as much as deciding fifty tags.
    """

    def __init__(self, collect: ASGIApp, routes: Sequence[BaseRoute], prefix: Callable[[], str]) -> None:
        """`prefix`: below which path the public addresses lie now, "" for none."""
        super().__init__(routes=routes)
        # A redirect to the path with or without a slash would go where the client's Host header says.
        self.router.redirect_slashes = False
        self._collect = collect
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request."""
        if scope["type"] == "http" and (prefix := self._prefix()):
            scope["path"] = routed(scope["path"], prefix)
        if scope["type"] == "http" and scope["path"] == "/collect":
            await self._collect(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(runtime: Runtime, admin_token: str, steady: Callable[[], float] = time.monotonic) -> Starlette:
    """The ASGI application of one runtime. `admin_token` opens what lies under `/-/`. `steady`: seconds that never
    jump."""
    current, kept = shipped(), KeptScripts(runtime.data / "t", runtime.clock)
    runtime.unwritten.attempt(
        "page's script", partial(kept.keep, current), "after an upgrade pages that name this version will not find it"
    )
    scripts = Scripts(current, kept)

    admin = Admin(runtime, admin_token, steady)
    health = Health(runtime, admin.guard)
    app = TagServer(
        collect=Collect(runtime),
        prefix=lambda: runtime.server.path_prefix,
        routes=[
            Route("/t.js", scripts.latest),
            Route("/t/{version}.js", scripts.version),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Mount("/-", app=admin.app),
        ],
    )
    app.state.login_path = admin.login_path
    return app


def create_edge(runtime: Runtime) -> Edge:
    """The limits of a runtime's connections. How many there may be is fixed at the start, how many of one address
    follows the configuration."""
    edge = Edge(
        most=affordable(runtime.server.collect.max_connections, file_descriptors()),
        per_address=lambda: runtime.server.collect.max_connections_per_address,
        refused=runtime.meters.refused,
    )
    runtime.meters.connections = lambda: edge.connections
    return edge
