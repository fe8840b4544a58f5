"""The browser's side: `/tr`, which takes hits of the pixel, and `/fbevents.js`, a stand-in for Meta's script.

A hit is a GET for an image, or a POST, with the fields `id` (pixel), `ev` (event name), `eid` (event id, what
the fourth argument of `fbq('track', ...)` gives), `dl`, `rl`, `cd[value]`, `cd[currency]` (Meta,
deduplication). A browser never learns whether a hit counted.
"""

from __future__ import annotations

import base64
import math
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from tagserver.sandbox.ledger import Details, Ledger
from tagserver.sandbox.upload import GoneError, TooLargeError, read_body

LIMIT = 256 << 10
"""Bytes of one hit. Browsers let 64 KiB pass as keepalive."""
FIELDS = 500

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "content-type",
    "cache-control": "no-store",
}


class Pixel:
    """The endpoint `/tr`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, request: Request) -> Response:
        """An image for GET, nothing for POST; 413 and 415 for what cannot be a hit."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS)
        if request.method != "POST":
            self._count(request.scope["query_string"])
            return Response(GIF, headers=CORS, media_type="image/gif")
        if request.headers.get("content-type", "").startswith("multipart/"):
            return Response("send the fields form encoded", 415, CORS, media_type="text/plain")
        try:
            body = await read_body(request.receive, LIMIT)
        except TooLargeError as error:
            return Response(str(error), 413, CORS, media_type="text/plain")
        except GoneError:
            return Response(status_code=400)
        query: bytes = request.scope["query_string"]
        self._count(query + b"&" + body if query else body)
        return Response(status_code=200, headers=CORS)

    def _count(self, text: bytes) -> None:
        try:
            pairs = parse_qsl(text.strip().decode(), keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError:
            return
        fields = dict(pairs)
        if fields.get("id") and fields.get("ev"):
            self._ledger.arrive("browser", fields["id"], fields["ev"], fields.get("eid"), _details(fields))


def _details(fields: dict[str, str]) -> Details:
    try:
        value: float | None = float(fields.get("cd[value]", ""))
    except ValueError:
        value = None
    return {
        "value": value if value is not None and math.isfinite(value) else None,
        "currency": fields.get("cd[currency]") or None,
        "data_processing_options": _options(fields.get("dpo")),
    }


def _options(text: str | None) -> list[str] | None:
    """The list that `fbq('dataProcessingOptions', [...])` gave, with commas between."""
    if not text:
        return None
    return [option[:40] for option in text.split(",")[:10]]
