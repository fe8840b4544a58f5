"""The rules of `request`, `classify` and `exchange`: pure, to the stated hosts, with everything in it that was handed
over (as JSON, a form or a query, packed or not); and whatever a vendor answers has a meaning, and none of its words are
kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

import httpx

from tagserver.event.event import Event
from tagserver.explain.differences import differences
from tagserver.plugin import Built, Destination, Outcome, Payload, Request, Response, default_outcome
from tagserver.plugin.attempt import conversation, form_fields, unpacked
from tagserver.plugin.destination import call
from tagserver.plugin.fault import PluginFailed
from tagserver.system.egress import literal_refusal
from tagserver.testing.events import known_of, payload_of, payloads_of, request_of
from tagserver.testing.shut import Fault, Shut, raised, shut

SOME = 3
"""Payloads of one request: more than one, where the destination takes them."""
MOST_PARTS = 5
"""Parts that differ, which are named."""


def request_faults(
    plugin: Destination,
    settings: Any,
    hosts: Sequence[str],
    built: Sequence[tuple[Event, Built]],
    secrets: Sequence[str],
) -> list[Fault]:
    """What is wrong with a request for one payload, and with one for several."""
    faults: list[Fault] = []
    payloads = [payload_of(one, event.event_id) for event, one in built if one.group == built[0][1].group]
    for count in sorted({1, min(SOME, plugin.limits.events, len(payloads))}):
        request, again = (_made(plugin, settings, payloads[:count], faults) for _ in range(2))
        if request is not None and again is not None:
            faults += map(
                Fault, (*_impure(request, again), *_faults(plugin, hosts, payloads[:count], secrets, request))
            )
    return faults


def _made(plugin: Destination, settings: Any, payloads: Sequence[Payload], faults: list[Fault]) -> Request | None:
    what = f"{len(payloads)} payload{'s' if len(payloads) != 1 else ''}"
    try:
        with shut(plugin, "request", faults):
            request: Any = request_of(plugin, payloads, settings)
    except Shut:
        return None  # and it is noted
    except PluginFailed as failed:
        faults.append(raised("request", failed, what))
        return None
    if isinstance(request, Request) and isinstance(request.content, bytes) and _is_text(request):
        return request
    faults.append(Fault("request gives no Request whose content is bytes, and whose headers are a map of texts"))
    return None


def _is_text(request: Request) -> bool:
    """Whether address, method and headers are texts, of which everything else here makes sure."""
    parts: object = request.headers
    if not isinstance(parts, Mapping):
        return False
    return all(isinstance(one, str) for one in (request.method, request.url, *parts, *parts.values()))


def _impure(first: Request, second: Request) -> Iterator[str]:
    """What differs between two requests for the same payloads, made at the same time."""
    if parts := ", ".join(list(differing(first, second))[:MOST_PARTS]):
        yield (
            f"request gives different results for the same payloads, in {parts}: what changes with each attempt is a "
            "parameter, `now` or `batch_id`"
        )


def _faults(
    plugin: Destination, hosts: Sequence[str], payloads: Sequence[Payload], secrets: Sequence[str], request: Request
) -> Iterator[str]:
    if plugin.sink:
        return
    try:
        url, headers = httpx.URL(request.url), request.headers.items()
    except httpx.InvalidURL:
        yield "the address of the request cannot be read"
        return
    if url.host not in hosts:
        yield f"the request goes to {url.host}, which is not among its hosts"
    elif (never := literal_refusal(request.url, ())) is not None:
        yield f"the request goes where none may go: {never}"
    if url.scheme != "https":
        yield "the request does not go by https"
    if url.userinfo:
        yield "the address of the request holds a user name or password"
    if any(secret in url.path for secret in secrets):
        yield "a secret stands in the path of the address, which ends up in logs"
    if any(not f"{name}{value}".isascii() or not f"{name}{value}".isprintable() for name, value in headers):
        yield "a header of the request is not printable ASCII"
    lost = [payload for payload in payloads if not carries(request, payload.event_id)]
    if plugin.event_id and len(lost) == len(payloads):
        yield "the event_id does not reach the vendor"
    elif plugin.event_id and lost:
        yield f"{len(lost)} of {len(payloads)} payloads are not in the request"


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
        faults += _answer_faults(plugin, payloads, response, reached)
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


def _answer_faults(
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
