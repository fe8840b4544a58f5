"""The body of a Graph request: read within a limit, then taken apart, whether it is JSON or a form.

Meta takes both: plain JSON, and form encoding in which `data` is a JSON text. The SDKs send the form, with
each event as a JSON text of its own inside the list.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

FORM = "application/x-www-form-urlencoded"
FIELDS = 100
"""More fields than the reference knows, many times over."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class UploadError(Exception):
    """The body cannot be used; the sentence says why. Answered as code 100."""


class TooLargeError(UploadError):
    """The body is over the limit."""


class GoneError(Exception):
    """The client left before its body was complete; there is nobody to answer."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises TooLargeError or GoneError."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def fields_of(body: bytes, content_type: str) -> dict[str, Any]:
    """The fields of a body by name, `data` decoded. Raises UploadError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM or (not kind and not body.lstrip().startswith(b"{")):
        return _form(body)
    if kind.startswith("multipart/"):
        raise UploadError("the body must be JSON or form encoded; multipart is not understood here")
    fields = _decode(body, "the body")
    if not isinstance(fields, dict):
        raise UploadError("the body must be a JSON object")
    return fields


def _form(body: bytes) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise UploadError("the body is not a form") from None
    if "data" in fields:
        data = _decode(fields["data"], "data")
        if isinstance(data, list):
            data = [_decode(one, "an event in data") if isinstance(one, str) else one for one in data]
        fields["data"] = data
    return fields


def _decode(text: bytes | str, what: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except _UNREADABLE as error:
        # The decoder's sentence names a position, never the content; for nesting it would name our insides.
        detail = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise UploadError(f"{what} is not JSON: {detail}") from None
