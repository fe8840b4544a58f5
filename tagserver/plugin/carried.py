"""What a request carries, as people and checks read it: unpacked, and of a form its fields."""

from __future__ import annotations

import contextlib
import zlib
from urllib.parse import parse_qsl

from tagserver.plugin.destination import Request

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 64 << 20
"""Of a body that is unpacked."""


def unpacked(request: Request) -> bytes:
    """The body, without the gzip or deflate that its content-encoding names; as it is, if it cannot be unpacked."""
    content = request.content
    if _header(request, "content-encoding") in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(wbits=47).decompress(content, MOST_BYTES)
    return content


def form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a form by name, of several with one name the last; None for what is no form."""
    if _header(request, "content-type").partition(";")[0].strip() != FORM:
        return None
    return dict(parse_qsl(unpacked(request).decode(errors="replace"), keep_blank_values=True))


def _header(request: Request, name: str) -> str:
    found = next((value for key, value in request.headers.items() if str(key).lower() == name), "")
    return str(found).strip().lower()
