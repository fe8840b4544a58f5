"""The page that somebody wanted when they were asked to log in, and where they go afterwards: a page under `/-/`,
whatever stands in the address, and never another site."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request

HOME = "/-/"
NEXT = "next"
"""The name of it in the address of the login page, and in its form."""
LONGEST = 2000
_PATH = re.compile(r"/-/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*\Z")
_NEVER = ("/-/login", "/-/logout")


def wanted(request: Request) -> str:
    """The page that a request is for."""
    raw = request.scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(request.scope["path"])
    query = request.scope["query_string"].decode("latin-1")
    return safe(f"{path}?{query}" if query else path)


def safe(text: str | None) -> str:
    """The page that a text names, as it may stand in a `Location`; the first page for everything else."""
    if text is None or len(text) > LONGEST or not _PATH.match(text) or "//" in text:
        return HOME
    path = text.partition("?")[0]
    # Browsers take `%2e%2e` for `..` (URL, "double-dot path segment").
    dots = any(part in (".", "..") for part in path.lower().replace("%2e", ".").split("/"))
    return HOME if dots or path in _NEVER else text
