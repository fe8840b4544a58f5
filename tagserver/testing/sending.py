"""The rules of `request`: where it goes, and that everything that was handed over is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote_plus

import httpx

from tagserver.event import Event
from tagserver.kit.carried import unpacked
from tagserver.kit.fault import PluginCode, PluginFailed
from tagserver.plugin import Built, Destination, Payload, Request
from tagserver.testing.events import payload_of, request_of

SOME = 3
"""Payloads of one request: more than one, where the destination takes them."""


def request_faults(
    plugin: Destination,
    settings: Any,
    hosts: Sequence[str],
    built: Sequence[tuple[Event, Built]],
    secrets: Sequence[str],
) -> list[str]:
    """What is wrong with a request for one payload, and with one for several."""
    faults: list[str] = []
    payloads = [payload_of(one, event.event_id) for event, one in built if one.group == built[0][1].group]
    for count in sorted({1, min(SOME, plugin.limits.events, len(payloads))}):
        faults += _faults(plugin, settings, hosts, payloads[:count], secrets)
    return faults


def _faults(
    plugin: Destination, settings: Any, hosts: Sequence[str], payloads: Sequence[Payload], secrets: Sequence[str]
) -> Iterator[str]:
    try:
        with PluginCode(plugin, "request"):
            request: Any = request_of(plugin, payloads, settings)
    except PluginFailed as failed:
        yield f"request raises {failed.error}"
        return
    if not isinstance(request, Request) or not isinstance(request.content, bytes):
        yield "request gives no Request whose content is bytes"
        return
    if plugin.sink:
        return
    try:
        url, headers = httpx.URL(request.url), request.headers.items()
    except httpx.InvalidURL:
        yield "the address of the request cannot be read"
        return
    if url.host not in hosts:
        yield f"the request goes to {url.host}, which is not among its hosts"
    if url.scheme != "https":
        yield "the request does not go by https"
    if url.userinfo:
        yield "the address of the request holds a user name or password"
    if any(secret in url.path for secret in secrets):
        yield "a secret stands in the path of the address, which ends up in logs"
    if any(not f"{name}{value}".isascii() or not f"{name}{value}".isprintable() for name, value in headers):
        yield "a header of the request is not printable ASCII"
    sent = _carried(request)
    lost = [payload for payload in payloads if payload.event_id not in sent]
    if plugin.event_id and len(lost) == len(payloads):
        yield "the event_id does not reach the vendor"
    elif plugin.event_id and lost:
        yield f"{len(lost)} of {len(payloads)} payloads are not in the request"


def _carried(request: Request) -> str:
    """All that a request says, in the clear: its query, its headers, and its body without packing and form encoding."""
    texts = [unpacked(request).decode(errors="replace"), request.url, *request.headers.values()]
    return "\n".join([*texts, *map(unquote_plus, texts)])
