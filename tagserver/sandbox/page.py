"""The page at `/`, and the files beside it. It is plain HTML; its script only keeps it fresh."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import Response

from tagserver.sandbox.control import Control
from tagserver.sandbox.ledger import Ledger
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


class Page:
    """What the ledger holds, for people."""

    def __init__(self, ledger: Ledger, control: Control, vendors: Vendors) -> None:
        self._ledger = ledger
        self._control = control
        self._vendors = vendors
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tagserver.sandbox"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["clock"] = _clock
        environment.filters["amount"] = _amount
        self._template = environment.get_template("page.html")

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
