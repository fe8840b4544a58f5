"""`/-/glossary`: every word that pages use."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.server.admin.answers import SAFE
from tagserver.server.pages.glossary import shown
from tagserver.server.pages.rendering import page


async def for_people(request: Request) -> Response:
    """The page."""
    return page(request, "glossary.html", **shown())


async def for_machines(request: Request) -> Response:
    """`{"terms": [{"term", "anchor", "meanings": [{"of", "text"}]}]}`."""
    return JSONResponse(shown(), headers=SAFE)
