"""What a vendor says of an event that it refuses, in its own words, as a dead letter may keep it.

A vendor can repeat what it was sent. Of a person that is hashes, and fields that it needs in the clear; and there is
the token of the request. All of these are taken out, and texts of several words and addresses of pages wherever they
stood, for a visitor may have written them; and whatever else looks like a contact, an address or a long number.
Everything here is bounded, and no answer makes it raise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any
from urllib.parse import quote

from tagserver.logs.logs import redacted
from tagserver.plugin.destination import Destination, Response
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.statement import stated

LONGEST = 300
"""Characters that are kept."""
_LOOKED_AT = 4000
_MOST_NODES = 500
_DEEPEST = 6
_SHORTEST_VALUE = 4
"""Characters of a value that is looked for; a shorter one stands in every second sentence by chance."""
_MOST_VALUES = 2000
"""Of a payload with more the words are not kept: to look for each takes too long."""
_HEAD = 12
"""Characters by which a longer value is known, where its end is cut off."""
_TAKEN_OUT = "\0"
"""Stands for a value meanwhile: nothing that is looked for holds it, so that nothing is found twice."""
_MOST_ALIKE = 50
"""Of more that begin alike nobody looks which it is: the words end there."""

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


def personal_paths(plugin: Destination, settings: Any) -> tuple[str, ...] | None:
    """Where a plugin's payloads hold what tells of a person; None where it fails to say so, and its vendor's words
    cannot be shown."""
    try:
        with PluginCode(plugin, "hashes or in_clear"):
            return (*stated("hashes", plugin.hashes(settings)), *stated("in_clear", plugin.in_clear(settings)))
    except PluginFailed:
        return None


def without_persons(words: str, bodies: Iterable[bytes], personal: Collection[str]) -> str:
    """Words of a vendor on one line, without what the payloads `bodies` hold of persons at the paths `personal` or
    as texts of several words, in whatever spelling; without secrets, and without what looks like either."""
    text = _on_one_line(words[:_LOOKED_AT])
    values = {value for body in bodies for value in _values(body, personal)}
    if len(values) > _MOST_VALUES:
        return ""
    text = _without(text, {one for value in values for one in _spellings(value) if one[:_HEAD] in text})
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


def _spellings(value: str) -> Iterator[str]:
    """How a text may come back: as it is, in other letters, inside JSON, inside an address."""
    raw = value[:_LOOKED_AT]
    begin = _on_one_line(raw)
    yield from (begin, begin.lower(), begin.upper(), json.dumps(raw)[1:-1], quote(raw, errors="replace"))


def _without(text: str, values: Collection[str]) -> str:
    """The text without these values, or as much of each as stands there: vendors cut what is long."""
    alike: dict[str, list[str]] = {}
    for value in sorted(values, key=len, reverse=True):
        alike.setdefault(value[:_HEAD], []).append(value)
    for head in sorted(alike, key=len, reverse=True):
        at = text.find(head)
        while at >= 0:
            text = f"{text[:at]}{_TAKEN_OUT}{text[_end(text, at, alike[head]) :]}"
            at = text.find(head, at)
    return text.replace(_TAKEN_OUT, "[value]")


def _end(text: str, at: int, values: Sequence[str]) -> int:
    """Where in the text ends what begins there as some values do, the longest first."""
    if len(values) <= _MOST_ALIKE:
        return at + max(_common(text[at:], value) for value in values)
    whole = next((value for value in values if text.startswith(value, at)), "")
    further = text[at : at + len(whole) + 1]
    return len(text) if any(value.startswith(further) for value in values if value != whole) else at + len(whole)


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _values(body: bytes, paths: Collection[str]) -> set[str]:
    """The texts of a payload at some paths and below them, and those that somebody may have written."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    found = {one for one in _texts(payload, 0) if " " in one.strip() or "://" in one}
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
