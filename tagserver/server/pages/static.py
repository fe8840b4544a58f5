"""The style sheet and the modules of the pages: files of this package, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from tagserver.server.admin.answers import SAFE
from tagserver.server.pages.failures import NotThere

HEADERS = {**SAFE, "cache-control": "private, no-cache"}
"""A browser keeps them and asks each time whether they are still the same (by their ETag): after an upgrade no page
meets a module of another version."""


def _modules() -> Mapping[str, bytes]:
    folder = files("tagserver.server").joinpath("static")
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.endswith(".js")}


MODULES = _modules()
"""By name, read once: what is asked for is looked up here, never on the disk."""
STYLE = files("tagserver.server").joinpath("templates", "style.css").read_text("utf-8")
"""The style sheet of all pages."""
INLINE = re.sub(r"/\*[^*]*\*/\n?", "", STYLE)
"""The same without what it says to developers, for a page that has it in itself."""
INLINE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()}"
"""By which a policy lets it stand there (CSP, "hash-source")."""


async def module(request: Request) -> Response:
    """`/-/static/NAME`."""
    name = request.path_params["name"]
    if name not in MODULES:
        raise NotThere("not_found", "No such file", "the pages have no file of this name")
    return Response(MODULES[name], media_type="text/javascript", headers=HEADERS)


async def style(request: Request) -> Response:
    """`/-/style.css`."""
    return Response(STYLE, media_type="text/css", headers=HEADERS)
