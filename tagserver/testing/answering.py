"""The rules of `classify` and `exchange`: whatever a vendor answers has a meaning, and none of its words are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagserver.plugin import Built, Destination, Outcome, Payload, Request, Response, default_outcome
from tagserver.plugin.attempt import conversation
from tagserver.plugin.declared import call
from tagserver.plugin.fault import PluginFailed
from tagserver.testing.events import known_of, payloads_of
from tagserver.testing.faults import Fault, raised
from tagserver.testing.shut import Shut, shut

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
USUAL = (404, 200, 201, 202, 204, 207, 301, 400, 401, 403, 408, 409, 410, 413, 422, 426, 429, 500, 502, 503)
"""Statuses that vendors use: these with every body, all others with two. Of a fault that many have the first is
named, so the one that everybody knows comes first."""
ALL = (*USUAL, *(status for status in range(100, 600) if status not in USUAL))
STEPS = 8
"""Requests of one exchange, beyond which it does not end."""


def answering_faults(plugin: Destination, settings: Any, built: Sequence[Built]) -> list[Fault]:
    """What is wrong with the outcomes."""
    several = payloads_of(built[: min(3, plugin.limits.events)])
    faults: list[Fault] = []
    for payloads, response in _answers(several):
        reached: list[Fault] = []
        faults += _faults(plugin, payloads, response, reached)
        if reached:  # who reaches for the network is not asked five thousand times
            return [*faults, *reached]
    if type(plugin).exchange is not Destination.exchange:
        for status in USUAL:
            for body in BODIES:
                reached = []
                faults += _exchanged(plugin, several, settings, Response(status, {}, body), reached)
                if reached:
                    return [*faults, *reached]
    return faults


def _answers(several: Sequence[Payload]) -> Iterator[tuple[Sequence[Payload], Response]]:
    """Every status with some bodies, to one payload and to several."""
    for payloads in (several[:1], several):
        for status in ALL:
            for body in BODIES if status in USUAL else BODIES[:2]:
                yield payloads, Response(status, HEADERS[len(body) % 2], body)


def _faults(
    plugin: Destination, payloads: Sequence[Payload], response: Response, reached: list[Fault]
) -> Sequence[Fault]:
    try:
        with shut(plugin, "classify", reached):
            outcomes = call(plugin.classify, known_of(plugin, payloads), response, payloads)
            return list(_judged("classify", outcomes, payloads, response))
    except Shut:
        return ()  # and it is noted
    except PluginFailed as failed:
        return [raised("classify", failed, f"status {response.status}")]


def _judged(method: str, outcomes: Any, payloads: Sequence[Payload], response: Response) -> Iterator[Fault]:
    status = str(response.status)
    each = [outcomes] if isinstance(outcomes, Outcome) else outcomes
    if not isinstance(each, list | tuple) or not all(isinstance(outcome, Outcome) for outcome in each):
        yield Fault(f"{method} gives something that is no Outcome for status {{}}", status)
        return
    if each is outcomes and len(each) != len(payloads):
        yield Fault(f"{method} gives {len(each)} outcomes for {len(payloads)} payloads")
    if not 200 <= response.status < 300 and any(outcome.kind == "delivered" for outcome in each):
        usual = default_outcome(response, payloads).kind
        yield Fault(f"{method} takes status {{}} as delivered; usual is {usual}", status)
    if any(SAID in f"{outcome.reason}{outcome.detail}{outcome.warning}" for outcome in each):
        yield Fault(f"an outcome of {method} repeats the vendor's text, which may hold personal data")
    if any(not 0 <= index < len(payloads) for outcome in each for index in outcome.bad):
        yield Fault(f"{method} blames a payload that is not there")


def _exchanged(
    plugin: Destination, payloads: Sequence[Payload], settings: Any, response: Response, reached: list[Fault]
) -> Sequence[Fault]:
    """An exchange in which the vendor always answers the same."""
    try:
        with shut(plugin, "exchange", reached):
            return list(_talked(plugin, payloads, settings, response))
    except Shut:
        return ()  # and it is noted
    except PluginFailed as failed:
        return [raised("exchange", failed, f"status {response.status}")]


def _talked(plugin: Destination, payloads: Sequence[Payload], settings: Any, response: Response) -> Iterator[Fault]:
    talk = conversation(plugin, payloads, settings, {}, known_of(plugin, payloads))
    try:
        asked: Any = next(talk)
        for _ in range(STEPS):
            if not isinstance(asked, Request):
                yield Fault("exchange yields something that is no Request")
                return
            asked = talk.send(response)
        yield Fault(f"exchange does not end after {STEPS} requests")
    except StopIteration as end:
        yield from _judged("exchange", end.value, payloads, response)
    finally:
        talk.close()
