"""What stands in a cookie, whatever a tool and a browser did to it on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

LONGEST = 16384
"""Characters of a cookie beyond which it is not read."""
MOST_DECODINGS = 2


def decodings(raw: str) -> Iterator[str]:
    """The text as it is, and percent-decoded at most twice; it ends where nothing changes, or when it is too long."""
    if len(raw) > LONGEST:
        return
    yield raw
    for _ in range(MOST_DECODINGS):
        text = unquote(raw)
        if text == raw:
            return
        yield text
        raw = text


def plain_text(raw: str) -> str | None:
    """The text, decoded as far as `decodings` goes; None when it is too long."""
    forms = list(decodings(raw))
    return forms[-1] if forms else None


def json_object(text: str | None) -> dict[str, Any] | None:
    """The JSON object that a text is, or None. One that says a thing twice is none: nobody knows which one holds."""
    if text is None:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_said_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
