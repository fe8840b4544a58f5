"""A collector that writes down what browsers send, and pages to send it from, on a loopback port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import uvicorn
from playwright.sync_api import ConsoleMessage, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.browser.build import STATIC, build, sources

PATIENCE = 8.0
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


@dataclass
class Post:
    """One request to `/collect`."""

    at: float
    headers: dict[str, str]
    query: str
    body: dict[str, Any]
    status: int

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.body["events"]
        return events


@cache
def _built() -> Mapping[str, bytes]:
    """What a server would serve of the scripts: under short names they have to work, too."""
    return build(sources())


@dataclass
class Recorder:
    """`pages`: path → HTML. `answers`: what the next requests are answered (status, headers); afterwards 202.
    `asked`: the paths of pages that were asked for."""

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pixel: str = ""
    """What `/fbevents.js` holds."""
    status: str = "accepted"
    """What it says of each event."""
    lists: bool = True
    """Whether it takes events of this page: a browser cannot read the refusal of a request with credentials."""
    delay: float = 0
    """Seconds until it answers."""
    scripts: list[str] = field(default_factory=list)
    """Which of them were asked for: `t`, `more`, …"""
    blocked: set[str] = field(default_factory=set)
    """Which of them cannot be had."""

    @property
    def shop(self) -> str:
        """Where pages are."""
        return f"http://localhost:{self.port}"

    @property
    def tags(self) -> str:
        """Where `t.js` and `/collect` are: another origin, and another site."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Events that were answered 202, in order."""
        return [event for post in self.posts if post.status == 202 for event in post.events]

    def page(self, body: str = "", *, settings: str = "", before: str = "", after: str = "") -> str:
        """Add a page with `t.js` (its `settings` are attributes) between two scripts; gives its address."""
        path = f"/page{len(self.pages)}"
        tag = f'<script src="{self.tags}/t.js" {settings}></script>'
        self.pages[path] = (
            f"<!doctype html><title>Page</title><body>{body}<script>window.dataLayer = window.dataLayer || [];"
            f"function gtag() {{ dataLayer.push(arguments); }}\n{before}</script>{tag}<script>{after}</script>"
        )
        return self.shop + path

    def wait(self, done: Callable[[], object], what: str) -> None:
        """Until `done()`, or fail."""
        until = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < until, f"{what} did not come; so far {self.taken}"
            time.sleep(0.01)

    def events(self, count: int) -> list[dict[str, Any]]:
        """The events taken, as soon as there are `count` of them."""
        self.wait(lambda: len(self.taken) >= count, f"{count} events")
        assert len(self.taken) == count, self.taken
        return self.taken

    @property
    def stub(self) -> str:
        """What a page has inline before `t.js`."""
        return (STATIC / "stub.js").read_text()

    # ── the application ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _collect(self, request: Request) -> Response:
        self.methods.append(request.method)
        origin = {
            "access-control-allow-origin": request.headers.get("origin", ""),
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "retry-after",
            "access-control-allow-headers": "content-type",
        }
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=origin)
        body = msgspec.json.decode(await request.body())
        await asyncio.sleep(self.delay)
        if not self.lists:
            self.posts.append(Post(time.monotonic(), dict(request.headers), request.url.query, body, 403))
            del origin["access-control-allow-credentials"]
            return JSONResponse({"events": [], "problems": []}, 403, headers=origin)
        status, headers = self.answers.pop(0) if self.answers else (202, {})
        self.posts.append(Post(time.monotonic(), dict(request.headers), request.url.query, body, status))
        found = [{"event_id": event["event_id"], "status": self.status, "problems": []} for event in body["events"]]
        problems = [] if status == 202 else [{"path": "", "code": "refused", "message": "not today"}]
        return JSONResponse({"events": found, "problems": problems}, status, headers=headers | origin)

    async def _page(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        page = self.pages.get(request.url.path)
        return HTMLResponse(page or "", 200 if page is not None else 404, headers={"cache-control": "no-store"})

    async def _script(self, request: Request) -> Response:
        headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
        text: str | bytes = self.pixel
        if "fbevents" not in request.url.path:
            name = request.path_params.get("name", "t")
            self.scripts.append(name)
            if name in self.blocked:
                return Response(status_code=404, headers=headers)
            text = _built()[f"{name}.min.js"] if name != "preview" else (STATIC / "preview.js").read_bytes()
        return Response(text, media_type="text/javascript", headers=headers)

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/collect", self._collect, methods=["POST", "OPTIONS"]),
                Route("/t.js", self._script),
                Route("/t/{name}.{version}.js", self._script),
                Route("/t/{version}.js", self._script),
                Route("/fbevents.js", self._script),
                Route("/{page:path}", self._page),
            ]
        )


class _Quiet(uvicorn.Server):
    """uvicorn in a thread, where signals cannot be handled."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def running(app: Starlette, bound: socket.socket) -> Iterator[None]:
    """Serve an application on a listening socket, in a thread; leaving ends both."""
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = _Quiet(config)

    async def serve() -> None:
        await server.serve(sockets=[bound])
        await asyncio.sleep(0.01)  # a connection that a browser opened at the very end is only known now
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="recorder")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def listening() -> socket.socket:
    """A socket on a free loopback port."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    return bound


def warnings(page: Page) -> list[str]:
    """The page's console warnings, from now on."""
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "warning":
            found.append(message.text)

    page.on("console", hear)
    return found
