"""Bodies of requests at a client's addresses, decoded by what the bytes are: content types lie in four real senders.
Authors import this from `tagserver.plugin.inbound`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tagserver.event.json_text import UNREADABLE, bare, read_json
from tagserver.plugin.client import Refuse

MOST_FIELDS = 500
"""Fields of a form that are read."""
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def looks_like_json(body: bytes) -> bool:
    """Whether a body begins as a JSON object or list does."""
    return bare(body)[:1] in (b"{", b"[")


def json_body(body: bytes) -> Any:
    """The object or list in a body. Raises Refuse (400), without anything of the body in its message."""
    if looks_like_json(body):
        try:
            return read_json(body, _any)
        except UNREADABLE:
            pass
    raise Refuse(400, "bad_json", "the body is no JSON object or list")


def form(body: bytes, most: int = MOST_FIELDS) -> dict[str, str]:
    """The fields of a form, of a repeated one the last. Raises Refuse (400)."""
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="replace"))
    except ValueError:  # also a byte beyond ASCII, and too many fields
        raise Refuse(400, "bad_form", f"the body is no form of at most {most} fields") from None
