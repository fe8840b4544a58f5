"""The name of an event, as a record may keep it. Pages choose it, and some put into it who somebody is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from tagserver.event.event import Event
from tagserver.records.masking.marks import Marks
from tagserver.records.masking.mask import masked_text
from tagserver.records.masking.shapes import shape_of

_TOLD = ("user_data", "user_id", "client_id", "session_id", "external_id")
_DEEPEST = 4
_LONGEST_CACHED = 100
_LARGE = 10**40
_text = lru_cache(maxsize=2048)(masked_text)


def name_of(event: Event, known: Collection[str]) -> str:
    """The name without what looks like a person's; its shape where something stands in it by which this event tells
    who somebody is. `known`: names that the configuration has written down, which are nobody's."""
    name, data = event.name, event.data
    if name not in known:
        marks = Marks()
        for key in _TOLD:
            if key in data:
                for text in _texts(data[key], 0):
                    marks.watch(text)
        if marks.told and marks.tells(name):
            return f"[{shape_of(name)}]"
    return _text(name) if len(name) <= _LONGEST_CACHED else masked_text(name)


def _texts(value: Any, depth: int) -> Iterator[str]:
    """What stands in a field of persons."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for held in value.values():
            yield from _texts(held, depth + 1)
    elif isinstance(value, list | tuple) and depth < _DEEPEST:
        for held in value:
            yield from _texts(held, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value) if abs(value) < _LARGE else ""
