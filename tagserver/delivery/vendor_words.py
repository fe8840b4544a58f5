"""What a vendor says of an event that it refuses, in its own words, as a dead letter may keep it.

A vendor can repeat what it was sent. Of a person that is hashes, and fields that it needs in the clear; and there is
the token of the request. All of these are taken out, and whatever else looks like a contact, an address or a long
number. Everything here is bounded, and no answer makes it raise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from tagserver.kit.destination import Response
from tagserver.operations.redaction import redacted

LONGEST = 300
"""Characters that are kept."""
_LOOKED_AT = 4000
_MOST_NODES = 500
_DEEPEST = 6
_SHORTEST_VALUE = 4
"""Characters of a value that is looked for; a shorter one stands in every second sentence by chance."""

_KEYS = frozenset(
    [
        *("message", "msg", "error", "error_message", "error_description", "error_user_title", "error_user_msg"),
        *("reason", "detail", "description", "explanation"),
    ]
)
"""Where vendors put sentences for people."""
_LIKE_A_PERSON = (
    ("[address]", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])", re.ASCII)),
    ("[address]", re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?![\w:])", re.ASCII)),
    ("[number]", re.compile(r"\d(?:[ ()/.-]?\d){8,30}", re.ASCII)),
)
_condition = re.compile(r"\[[^\[\]]*\]")


def words_of(response: Response) -> str:
    """The sentences of an answer, as they came: of JSON those under the usual keys, of plain text all of it, of a web
    page nothing."""
    text = response.body.decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.startswith("<") or "html" in response.headers.get("content-type", "") else text[:_LOOKED_AT]
    return "; ".join(dict.fromkeys(_sentences(answer, [_MOST_NODES], 0)))[:_LOOKED_AT]


def without_persons(words: str, bodies: Iterable[bytes], personal: Collection[str]) -> str:
    """Words of a vendor on one line, without what the payloads `bodies` hold of persons at the paths `personal`,
    without secrets, and without what looks like either."""
    text = "".join(sign if sign.isprintable() else " " for sign in words[:_LOOKED_AT])
    found = {value for body in bodies for value in _values(body, personal) if value in text}
    for value in sorted(found, key=len, reverse=True):
        text = text.replace(value, "[value]")
    text = redacted(text)
    for name, pattern in _LIKE_A_PERSON:
        text = pattern.sub(name, text)
    return " ".join(text.split())[:LONGEST]


def _sentences(value: Any, left: list[int], depth: int) -> Iterator[str]:
    """The texts under the usual keys, the outer ones first. `left`: how many values may still be looked at."""
    deeper = []
    for key, one in (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    ):
        if left[0] <= 0:
            return
        left[0] -= 1
        if isinstance(one, str) and one.strip() and key in _KEYS:
            yield one.strip()
        elif isinstance(one, Mapping | list) and depth < _DEEPEST:
            deeper.append(one)
    for one in deeper:
        yield from _sentences(one, left, depth + 1)


def _values(body: bytes, paths: Collection[str]) -> set[str]:
    """The texts of a payload at some paths and below them."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    found: set[str] = set()
    for path in paths:
        for value in _at(payload, _condition.sub("", path).split(".")):
            found.update(one for one in _texts(value, 0) if len(one) >= _SHORTEST_VALUE)
    return found


def _at(value: Any, way: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, way)
    elif not way:
        yield value
    elif isinstance(value, Mapping) and way[0] in value:
        yield from _at(value[way[0]], way[1:])


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping | list) and depth < _DEEPEST:
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one, depth + 1)
