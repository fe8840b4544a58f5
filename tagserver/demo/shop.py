"""The shop: two pages and their files, what has arrived at the stand-ins of the vendors, and the way to the server's
own pages, which say what happened to each event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

PagePath = Callable[[str], str]
"""A path under `/-/` → an address of the server that logs the browser in and leads there."""
SandboxStats = Callable[[], Awaitable[dict[str, Any]]]
"""What the stand-in for Meta has counted; under `arrived`, if it is there, what came to all others."""
PURPOSES = {
    "ad_storage": "ad cookies and click ids",
    "ad_user_data": "personal data to ad networks",
    "ad_personalization": "ads made for this person",
    "analytics_storage": "measurement",
}
AD_PURPOSES = {name: meaning for name, meaning in PURPOSES.items() if name.startswith("ad_")}
EVERYONE = ("file", "ga4", "linkedin", "pinterest", "reddit", "snapchat", "tiktok", "webhook")
"""The destinations of `everyone.yaml`, by name; each has the name of its type, and of its stand-in."""

SCRIPTS = ("shop.js", "pixel.js", "consent.js")
Arrivals = dict[str, dict[str, int]]
"""An event's id → how often each destination got it."""


def create_shop(
    collect_origin: str,
    pixel_origin: str,
    pixel_id: str,
    page_of: PagePath,
    sandbox_stats: SandboxStats,
    purposes: Mapping[str, str] = AD_PURPOSES,
) -> Starlette:
    """The shop as an ASGI application, with a second page at `/pixel-only`, which has nothing but Meta's pixel.

    `collect_origin` serves `/t.js` and `/collect`, `pixel_origin` serves `/fbevents.js`; both as the browser sees
    them. The page may load from, and talk to, these two and itself; nothing else. `purposes` have a switch each.
    `page_of`: where `/see` leads to, with or without an event's id behind it.
    """
    policy = (
        f"default-src 'none'; script-src 'self' {collect_origin} {pixel_origin}; style-src 'self'; "
        f"connect-src 'self' {collect_origin} {pixel_origin}; img-src data: {pixel_origin}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }

    def page(name: str, **more: Any) -> bytes:
        template = jinja2.Template(_file(name).decode(), autoescape=True, undefined=jinja2.StrictUndefined)
        text: str = template.render(
            collect_origin=collect_origin, pixel_origin=pixel_origin, pixel_id=pixel_id, purposes=purposes, **more
        )
        return text.encode()

    with_tool, without = (_serve(page("pixel.html", tool=tool), "text/html", headers) for tool in (True, False))

    async def pixel_only(request: Request) -> Response:
        return await (without if request.query_params.get("tool") == "none" else with_tool)(request)

    async def see(request: Request) -> Response:
        event_id = request.path_params.get("event_id", "")
        path = f"/-/events/{quote(event_id, safe='')}" if event_id else "/-/preview"
        return RedirectResponse(page_of(path), 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def sandbox(request: Request) -> Response:
        return _json(await sandbox_stats())

    return Starlette(
        routes=[
            Route("/", _serve(page("shop.html"), "text/html", headers)),
            Route("/pixel-only", pixel_only),
            *(Route(f"/{name}", _serve(_file(name), "text/javascript", headers)) for name in SCRIPTS),
            Route("/shop.css", _serve(_file("shop.css"), "text/css", headers)),
            Route("/see", see),
            Route("/see/{event_id:path}", see),
            Route("/demo/sandbox.json", sandbox),
        ]
    )


def _file(name: str) -> bytes:
    return files("tagserver.demo").joinpath(name).read_bytes()


def _serve(content: bytes, media_type: str, headers: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return Response(content, headers=headers, media_type=media_type)

    return serve


def _json(value: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


class _Row(msgspec.Struct):
    event_id: str


async def arrivals(http: httpx.AsyncClient, stand_in: str, archive: Path) -> Arrivals:
    """All that arrived. `stand_in`: the address of the sandbox; `archive`: the folder that rows are written to."""
    seen: Arrivals = {}
    answer = (await http.get(f"{stand_in}/vendors.json")).json()
    found = [(name, one["event_id"]) for name, vendor in answer.items() for one in vendor["events"]]
    found += [("file", event_id) for event_id in await asyncio.to_thread(lambda: list(_rows(archive)))]
    for name, event_id in found:
        at = seen.setdefault(event_id, {})
        at[name] = at.get(name, 0) + 1
    return seen


def _rows(archive: Path) -> Iterator[str]:
    for path in sorted(archive.glob("dt=*/*.jsonl")):
        # The last line may be half written.
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=_Row).event_id
