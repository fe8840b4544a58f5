"""The rules of `hashed` and `clear`: what a destination says of its payload is true, and all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.event.event import Event
from tagserver.plugin import Built
from tagserver.plugin.payload_fields import NO_CLEAR_FIELD, PayloadFields
from tagserver.privacy.detection import without_emails

SHORTEST = 5
"""Characters of a personal value that is no other value by chance."""
INTO_OBJECT = "let it stand in an object, and name that one in `clear`"
_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_SHARED = frozenset({"country", "region", "gender"})
"""What many people have in common, and other fields, too."""


def field_faults(event: Event, built: Built, declared: PayloadFields) -> Iterator[str]:
    """A declared hash that is none, a hash that is not declared, and a person in the clear where nothing says so."""
    for one in declared.only_hashes(built.body)[1]:
        yield f"{one.field} is declared in `hashed`, and holds something else"
    for one in declared.without_emails(built.body, event.event_id)[1]:
        if one.why == NO_CLEAR_FIELD:
            yield f"{one.field} {one.why}; {INTO_OBJECT}"
    known = {_bare(path) for path in declared.hashed}
    personal = {text.strip().lower() for text in _personal(event)}
    for way, value, parent in _texts(built.body, (), {}):
        path = ".".join(way)
        if _is_hash(value):
            if path not in known and value not in personal:
                yield f"{path} holds a SHA-256: name it in `hashed`"
        elif value.strip().lower() in personal and value != event.event_id and not _declared(way, parent, declared):
            instead = "name it in `clear`" if without_emails(value) == value else INTO_OBJECT
            yield f"{path} holds who it was in the clear: hash it, or {instead}"


def _bare(path: str) -> str:
    return re.sub(r"\[[^\[\]]*\]", "", path)


def _declared(way: tuple[str, ...], parent: Mapping[str, Any], declared: PayloadFields) -> bool:
    return any(declared.is_clear(way[:length], parent) for length in range(1, len(way) + 1))


def _personal(event: Event) -> Iterator[str]:
    """What an event says of a person and its browser, without what many have in common."""
    for path, value in _values(event.user_data):
        if path not in _SHARED and len(value.strip()) >= SHORTEST:
            yield value
    for text in (event.data.get("user_id"), event.data.get("client_id"), event.facts.ip, event.facts.user_agent):
        if isinstance(text, str) and len(text) >= SHORTEST:
            yield text
    yield from (text for text in event.cookies.values() if len(text) >= SHORTEST)


def _values(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, str):
            yield name, one
        elif isinstance(one, Mapping):
            yield from _values(one)


def _texts(
    value: Any, way: tuple[str, ...], parent: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Any]]]:
    """The texts of a payload, each with the names that lead to it and the object that it stands in."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, (*way, str(name)), value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, way, parent)
    elif isinstance(value, str):
        yield way, value, parent
