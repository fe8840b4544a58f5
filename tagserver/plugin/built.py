"""What a plugin's `build` gave, or skipped with, checked before anything relies on it.

All deliveries of a request are stored in one transaction, so a name that is no text would be refused by the queue
together with everybody else's. It is the plugin's fault, and has to stay its own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tagserver.plugin import Built, Limits, Omitted, Skip
from tagserver.system.unicode import is_text

LARGEST = 1 << 20
"""Bytes that a payload may have at least, whatever its destination says about its requests."""
LAST_MS = 1 << 53

_encode = msgspec.json.Encoder().encode


class Unsound(Exception):
    """The plugin's `build` broke the contract; the text says how, without the event's data."""


def encoded(built: Any, limits: Limits) -> bytes:
    """The JSON of a payload that can be stored. Raises Unsound."""
    if not isinstance(built, Built):
        raise Unsound(f"build gave {type(built).__name__} in place of Built")
    if not _text(built.name):
        raise Unsound("the name of what was built is no text")
    if not (built.group is None or _text(built.group)):
        raise Unsound("the group of what was built is no text")
    if not (_moment(built.time) and (built.expires is None or _moment(built.expires))):
        raise Unsound("a time of what was built is no whole number of milliseconds")
    _check_omitted(built.omitted)
    try:
        body = _encode(built.body)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unsound(f"the body of what was built cannot be written as JSON ({type(error).__name__})") from None
    if len(body) > max(limits.bytes, LARGEST):
        raise Unsound(f"the body of what was built has {len(body)} bytes, and a request {limits.bytes} at most")
    return body


def skipped(skip: Skip) -> Skip:
    """The same, of what can be shown. Raises Unsound."""
    reason, detail, omitted = skip.reason, skip.detail, skip.omitted
    if type(reason) is not str:
        raise Unsound("it skips for a reason that there is not")
    if type(detail) is not str:
        raise Unsound("it skips with a detail that is no text")
    _check_omitted(omitted)
    return Skip(reason, detail if is_text(detail) else detail.encode(errors="replace").decode(), omitted)


def _check_omitted(omitted: Any) -> None:
    if omitted and not all(isinstance(one, Omitted) and _text(one.field) and _text(one.why) for one in omitted):
        raise Unsound("what was left out is not listed as Omitted, with texts")


def _text(value: Any) -> bool:
    """Whether the queue can hold it: half an emoji cannot be written as UTF-8."""
    return type(value) is str and is_text(value)


def _moment(value: Any) -> bool:
    return type(value) is int and -LAST_MS < value < LAST_MS
