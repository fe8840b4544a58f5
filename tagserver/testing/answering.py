"""The rules of `classify` and `exchange`: whatever a vendor answers has a meaning, and none of its words are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagserver.kit.attempt import conversation
from tagserver.kit.declared import call
from tagserver.kit.fault import PluginCode, PluginFailed
from tagserver.plugin import Built, Destination, Outcome, Payload, Request, Response, default_outcome
from tagserver.testing.events import known_of, payloads_of

SAID = "erika@example.com"
"""What vendors repeat in their sentences."""
WORDS = ("code", "detail", "error", "errors", "message", "reason", "status", "title", "type")
ODD: tuple[Any, ...] = (None, 7, -1, [], {}, [[]], {"code": {}})
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'"ok"',
    b"\xff\xfe",
    b"<html></html>",
    b"[" * 5000,
    json.dumps(dict.fromkeys(WORDS, SAID)).encode(),
    json.dumps({"error": dict.fromkeys(WORDS, SAID), "errors": [dict.fromkeys(WORDS, SAID)]}).encode(),
    *(json.dumps({word: value}).encode() for word in WORDS for value in ODD),
)
HEADERS: tuple[Mapping[str, str], ...] = ({}, {"retry-after": "soon", "content-type": "text/plain"})
USUAL = (200, 201, 202, 204, 207, 301, 400, 401, 403, 404, 408, 409, 410, 413, 422, 426, 429, 500, 502, 503)
"""Statuses that vendors use: these with every body, all others with two."""
STEPS = 8
"""Requests of one exchange, beyond which it does not end."""


def answering_faults(plugin: Destination, settings: Any, built: Sequence[Built]) -> list[str]:
    """What is wrong with the outcomes, each sentence once."""
    several = payloads_of(built[: min(3, plugin.limits.events)])
    faults: dict[str, None] = {}
    for payloads in (several[:1], several):
        for status in range(100, 600):
            for body in BODIES if status in USUAL else BODIES[:2]:
                headers = HEADERS[len(body) % 2]
                faults |= dict.fromkeys(_faults(plugin, payloads, Response(status, headers, body)))
    if type(plugin).exchange is not Destination.exchange:
        for status in USUAL:
            for body in BODIES:
                faults |= dict.fromkeys(_exchanged(plugin, several, settings, Response(status, {}, body)))
    return list(faults)


def _faults(plugin: Destination, payloads: Sequence[Payload], response: Response) -> Iterator[str]:
    try:
        with PluginCode(plugin, "classify"):
            outcomes = call(plugin.classify, known_of(plugin, payloads), response, payloads)
            faults = list(_judged("classify", outcomes, payloads, response))
    except PluginFailed as failed:
        yield f"classify raises {failed.error} for status {response.status}"
        return
    yield from faults


def _judged(method: str, outcomes: Any, payloads: Sequence[Payload], response: Response) -> Iterator[str]:
    status = response.status
    each = [outcomes] if isinstance(outcomes, Outcome) else outcomes
    if not isinstance(each, list | tuple) or not all(isinstance(outcome, Outcome) for outcome in each):
        yield f"{method} gives something that is no Outcome for status {status}"
        return
    if each is outcomes and len(each) != len(payloads):
        yield f"{method} gives {len(each)} outcomes for {len(payloads)} payloads"
    if not 200 <= status < 300 and any(outcome.kind == "delivered" for outcome in each):
        usual = default_outcome(response, payloads).kind
        yield f"{method} takes status {status} as delivered; usual is {usual}"
    if any(SAID in f"{outcome.reason}{outcome.detail}{outcome.warning}" for outcome in each):
        yield f"an outcome of {method} repeats the vendor's text, which may hold personal data"
    if any(not 0 <= index < len(payloads) for outcome in each for index in outcome.bad):
        yield f"{method} blames a payload that is not there"


def _exchanged(plugin: Destination, payloads: Sequence[Payload], settings: Any, response: Response) -> Iterator[str]:
    """An exchange in which the vendor always answers the same."""
    try:
        with PluginCode(plugin, "exchange"):
            faults = list(_talked(plugin, payloads, settings, response))
    except PluginFailed as failed:
        yield f"exchange raises {failed.error} for status {response.status}"
        return
    yield from faults


def _talked(plugin: Destination, payloads: Sequence[Payload], settings: Any, response: Response) -> Iterator[str]:
    talk = conversation(plugin, payloads, settings, {}, known_of(plugin, payloads))
    try:
        asked: Any = next(talk)
        for _ in range(STEPS):
            if not isinstance(asked, Request):
                yield "exchange yields something that is no Request"
                return
            asked = talk.send(response)
        yield f"exchange does not end after {STEPS} requests"
    except StopIteration as end:
        yield from _judged("exchange", end.value, payloads, response)
    finally:
        talk.close()
