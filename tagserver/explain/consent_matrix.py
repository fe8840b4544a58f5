"""Every test case under every state of consent: does anything leave without its purpose?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagserver.config.model import Container, Tag
from tagserver.config.server import ServerConfig
from tagserver.event.consent_fields import FIELDS, PURPOSES
from tagserver.explain.cases import Case, explain_case
from tagserver.explain.try_ import BadQuestion
from tagserver.privacy.rules import is_personal

STATES: Mapping[str, Any] = {
    "granted": dict.fromkeys(PURPOSES, "granted"),
    "denied": dict.fromkeys(PURPOSES, "denied"),
    "missing": None,
    "garbled": dict.fromkeys(PURPOSES, "yes please"),
}
"""What a visitor may have said."""
SHORTEST = 6
"""Letters of a value that is looked for inside others; a shorter one must be alone."""


def consent_matrix(cases: Sequence[Case], container: Container, server: ServerConfig) -> list[str]:
    """Sentences about tags that would send without what they must have, or personal fields for which they need no
    purpose at all.

    Of events whose key has a contract about consent nothing is asked. A sink that keeps its rows on this machine may
    have personal fields.
    """
    wrong: list[str] = []
    for case in cases:
        if server.sender(str(case.asked.get("source", "browser")))[1] is not None:
            continue
        for state in STATES.keys() - {"granted"}:
            wrong += _unsafe(case, state, container, server)
    return sorted(set(wrong), key=wrong.index)


def _unsafe(case: Case, state: str, container: Container, server: ServerConfig) -> Iterator[str]:
    event = {key: value for key, value in case.asked["event"].items() if key not in FIELDS}
    consent = STATES[state]
    try:
        asked = {**case.asked, "event": event if consent is None else {**event, "consent": consent}}
        answer = explain_case(container, server, asked).answer
    except BadQuestion:
        return  # the case itself fails for it
    for shown in answer["tags"]:
        tag = container.tag(shown["tag"])
        if tag is None or shown["decision"] not in ("send", "restrict"):
            continue
        if needs := _needs(tag):
            yield f"{tag.name} sends with consent {state} ({case.name}); it needs {', '.join(needs)}"
        elif not tag.destination.plugin.sink:
            for path in personal_fields(answer["event"], shown["request"]):
                yield f"{tag.name} sends {path} with consent {state} ({case.name}); say which purposes it needs"


def _needs(tag: Tag) -> list[str]:
    """What the destination declares, whatever reason the tag gives for leaving it out; and what the tag adds."""
    declared = tag.destination.plugin.consent.purposes
    return [*declared, *sorted(tag.needs.purposes - set(declared))]


def personal_fields(event: Mapping[str, Any], request: Mapping[str, Any]) -> list[str]:
    """The personal fields of an event whose value, or its hash, stands in a request."""
    text = json.dumps([request["url"], request["headers"], request["body"], request["content"]], ensure_ascii=False)
    leaves = {str(leaf) for leaf in _leaves(request["body"])}
    found = []
    for path, value in _values(event):
        canonical = value.strip().lower()
        forms = {value, canonical, *(hashlib.sha256(one.encode()).hexdigest() for one in (value, canonical))}
        if any(form in leaves or (len(form) >= SHORTEST and form in text) for form in forms):
            found.append(path)
    return found


def _values(event: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The personal values of an event with their paths."""
    for name, value in event.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield from _values(value, below)
        elif is_personal(below) and isinstance(value, str | int) and not isinstance(value, bool) and str(value):
            yield below, str(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
