"""The stand-in's addresses in one table, and its page. The page is plain HTML; its script only keeps it fresh."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tagserver.sandbox.answers import json_response
from tagserver.sandbox.control import Control
from tagserver.sandbox.graph import Graph
from tagserver.sandbox.ledger import Ledger
from tagserver.sandbox.pixel import CORS, Pixel
from tagserver.sandbox.vendors import Vendors

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def create_sandbox(clock: Callable[[], float] = time.time) -> Starlette:
    """The ASGI application. `clock` gives unix time in seconds; it decides about ages and windows.

    Nothing is written to disk and nothing is protected: it is for one's own machine.
    """
    ledger = Ledger(clock)
    control = Control()
    graph = Graph(ledger, control, clock)
    others = Vendors(clock)

    async def stats(request: Request) -> Response:
        return _counts(ledger.stats())

    async def vendors(request: Request) -> Response:
        return _counts(others.stats())

    async def reset(request: Request) -> Response:
        """Forget everything that came and disarm every fault. A form is led back to the page."""
        ledger.forget()
        others.forget()
        control.clear()
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", 303)
        return json_response({"reset": True})

    pixel = Pixel(ledger).__call__
    fbevents = static("fbevents.js", "text/javascript", {**CORS, "cache-control": "no-cache"})
    return Starlette(
        routes=[
            # Before Meta's: some vendor's address ends like one of Meta's.
            Route("/vendors/{vendor}/{rest:path}", others.__call__, methods=["POST", "PUT", "PATCH"]),
            Route("/vendors.json", vendors),
            Route("/{version}/{pixel}/events", graph),
            Route("/{pixel}/events", graph),
            Route("/tr", pixel, methods=["GET", "POST", "OPTIONS"]),
            Route("/tr/", pixel, methods=["GET", "POST", "OPTIONS"]),
            Route("/fbevents.js", fbevents),
            # Where the real script lives, so that a snippet needs another host and nothing else.
            Route("/{language}/fbevents.js", fbevents),
            Route("/control", control.__call__, methods=["GET", "POST"]),
            Route("/stats.json", stats),
            Route("/reset", reset, methods=["POST"]),
            Route("/", Page(ledger, control, others).__call__),
            Route("/static/page.css", static("page.css", "text/css", HEADERS)),
            Route("/static/page.js", static("page.js", "text/javascript", HEADERS)),
        ]
    )


def _counts(value: object) -> Response:
    headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
    return json_response(value, headers=headers)


@cache
def _template() -> jinja2.Template:
    """Compiled once, however many stand-ins a process has."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tagserver.sandbox"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = _clock
    environment.filters["amount"] = _amount
    return environment.get_template("page.html")


class Page:
    """What the ledger holds, for people."""

    def __init__(self, ledger: Ledger, control: Control, vendors: Vendors) -> None:
        self._ledger = ledger
        self._control = control
        self._vendors = vendors
        self._template = _template()

    async def __call__(self, request: Request) -> Response:
        """HTML, under a policy that lets nothing run but the one script beside it."""
        text = self._template.render(
            stats=self._ledger.stats(), armed=self._control.armed(), vendors=self._vendors.stats()
        )
        return Response(text, headers=HEADERS, media_type="text/html")


def static(name: str, media_type: str, headers: Mapping[str, str]) -> Callable[[Request], Any]:
    """An endpoint that serves one file of `static/`, read once."""
    content = files("tagserver.sandbox").joinpath("static", name).read_bytes()

    async def serve(request: Request) -> Response:
        return Response(content, headers=headers, media_type=media_type)

    return serve


def _clock(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _amount(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1e12 else f"{value:g}"
