"""What shows that a page of ours posted something: the form token, in a field of a form or in a header."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from tagserver.ingest.body import Room, read_body

FIELD, HEADER = "form_token", "x-form-token"
LARGEST = 1 << 20
"""Bytes of a form: an event of 256 KiB that was pasted is three times as long in a form."""
FORM = "application/x-www-form-urlencoded"
_PREFIX = f"{FIELD}=".encode()
_room = Room(8 * LARGEST)


async def brought_with(request: Request) -> tuple[str, Receive]:
    """The form token that came with a request, "" for none; and the `receive` from which the body can still be read.

    It stands in the header, or in the field of a form. Other forms (`multipart/form-data`) bring it in the header, as
    JSON does: none of our pages posts files, and a body that nobody can read is not read. Raises BadBody,
    Disconnected.
    """
    if HEADER in request.headers:
        return request.headers[HEADER], request.receive
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return "", request.receive
    body = await read_body(request.receive, request.headers.get("content-length"), LARGEST, _room)
    found = [part.removeprefix(_PREFIX) for part in body.split(b"&") if part.startswith(_PREFIX)]
    # Of two one could be ours and the other what the address believes: then it is neither.
    return (found[0].decode("latin-1") if len(found) == 1 else ""), _again(body, request.receive)


def _again(body: bytes, receive: Receive) -> Receive:
    """As the server gave it, but in one piece."""
    waiting = [body]

    async def replayed() -> MutableMapping[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed
