"""The rules of `request`: pure, where it goes, and that everything that was handed over is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from tagserver.event.event import Event
from tagserver.plugin import Built, Destination, Payload, Request
from tagserver.plugin.fault import PluginFailed
from tagserver.system.egress import literal_refusal
from tagserver.testing.events import payload_of, request_of
from tagserver.testing.faults import Fault, raised
from tagserver.testing.sent import carries, differing
from tagserver.testing.shut import Shut, shut

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
