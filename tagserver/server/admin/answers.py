"""How the addresses under `/-/` read what is posted to them, and how they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body

Order = TypeVar("Order")
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Not `no-referrer`: browsers would say `Origin: null` of our own forms (Fetch, "append a request Origin header").
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer."""
PAGE = {
    **SAFE,
    "content-security-policy": (
        f"{SAFE['content-security-policy']}; script-src 'self'; connect-src 'self'; img-src data:"
    ),
}
"""Those of a page: its modules, what they fetch, and the icon that stands in it."""


async def read_order(
    request: Request,
    decoder: msgspec.json.Decoder[Order],
    limit: int,
    say: Callable[[Exception], str] = str,
    code: str = "bad_order",
    empty: Order | None = None,
) -> Order:
    """What was posted, of at most `limit` bytes; `empty`: what nothing means, if that is an order. Raises BadBody
    (answered by `pages.failures.HANDLERS`), of what cannot be read with this code and what `say` makes of the error."""
    body = await read_body(request.receive, request.headers.get("content-length"), limit)
    if empty is not None and not body.strip():
        return empty
    try:
        return read_json(body, decoder)
    except UNREADABLE as error:
        raise BadBody(400, code, say(error)) from None


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal in the shape that all have."""
    shown = {"problems": [{"path": "", "code": code, "message": message}]}
    return JSONResponse(shown, status, headers={**SAFE, **(headers or {})})
