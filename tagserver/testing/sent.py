"""What a request carries, as a vendor reads it: JSON, a form, a query, packed or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from tagserver.explain.differences import differences
from tagserver.plugin import Request
from tagserver.plugin.carried import form_fields, unpacked


def body_of(request: Request) -> Any:
    """The content as data: the fields of a form, or what its JSON says, else its text."""
    if (fields := form_fields(request)) is not None:
        return fields
    text = unpacked(request).decode(errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def carries(request: Request, text: str) -> bool:
    """Whether a text reaches the vendor: in the body, a header, the path or the query, however it is written there."""
    content = unpacked(request).decode(errors="replace")
    address = urlsplit(request.url)
    places = [content, unquote_plus(content), unquote(address.path), unquote_plus(address.query)]
    places += map(str, request.headers.values())
    written = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return any(form in place for form in written for place in places)


def differing(first: Request, second: Request) -> Iterator[str]:
    """The parts in which two requests differ, by name and without their values."""
    if first.method != second.method:
        yield "the method"
    if first.url != second.url:
        yield "the address"
    if changed := sorted(_changed(first.headers, second.headers)):
        yield from (f"the header {name}" for name in changed)
    if first.content != second.content:
        paths = [change.path for change in differences(body_of(first), body_of(second))]
        yield from (f"{path} of the body" if path else "the body" for path in paths or [""])


def _changed(first: Mapping[str, str], second: Mapping[str, str]) -> set[str]:
    return {name for name in {**first, **second} if first.get(name) != second.get(name)}
