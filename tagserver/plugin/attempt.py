"""One attempt to hand payloads over: what a plugin may know of it, its methods called with that, and what its request
carries, as people and checks read it (unpacked, and of a form its fields)."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from tagserver.plugin.destination import Destination, Outcomes, Payload, Request, Response, SettingsT, call, declared

MOST_STEPS = 8


def attempt_of(destination: Destination, name: str, payloads: Sequence[Payload], now: int) -> Mapping[str, Any]:
    """What the methods of a destination declare of an attempt, by name. `name`: the destination's in the configuration;
    `now`: ms since 1970."""
    kind = type(destination)
    known: dict[str, Any] = {}
    wanted = declared(kind.request) | declared(kind.classify) | declared(kind.exchange) | declared(kind.deliver)
    if "now" in wanted:
        known["now"] = now
    if "batch_id" in wanted:
        known["batch_id"] = batch_id_of(name, payloads)
    return known


def batch_id_of(name: str, payloads: Sequence[Payload]) -> str:
    """32 hex digits that are the same whenever the same payloads, in whatever order, go to the same destination
    together, and other ones for any other set."""
    each = sorted(
        _digest(*map(_bytes, (one.event_id, one.name, str(one.time), one.group or "")), one.body) for one in payloads
    )
    return _digest(_bytes(name), *each).hex()[:32]


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _digest(*parts: bytes) -> bytes:
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.digest()


def conversation(
    destination: Destination,
    payloads: Sequence[Payload],
    settings: SettingsT,
    cache: MutableMapping[str, Any],
    known: Mapping[str, Any],
) -> Generator[Request, Response, Outcomes]:
    """The destination's `exchange`, begun; `known`: what `attempt_of` gave."""
    if type(destination).exchange is Destination.exchange:
        return destination.exchange(payloads, settings, cache, **known)
    return call(destination.exchange, known, payloads, settings, cache)


def carrying_request(
    destination: Destination, payloads: Sequence[Payload], settings: SettingsT, known: Mapping[str, Any]
) -> Request:
    """The request that carries the payloads, for people and for checks: what `request` makes.

    Of a destination that has an `exchange` alone: the last that it yields while everything is answered with 200 and an
    empty object. `known`: what `attempt_of` gave.
    """
    if type(destination).request is not Destination.request:
        return call(destination.request, known, payloads, settings)
    talk = conversation(destination, payloads, settings, {}, known)
    request = next(talk)
    try:
        for _ in range(MOST_STEPS):
            request = talk.send(Response(200, {}, b"{}"))
    except (StopIteration, KeyError, ValueError):
        return request
    finally:
        talk.close()
    return request


FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 64 << 20
"""Of a body that is unpacked."""


def unpacked(request: Request) -> bytes:
    """The body, without the gzip or deflate that its content-encoding names; as it is, if it cannot be unpacked."""
    content = request.content
    if _header(request, "content-encoding") in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(wbits=47).decompress(content, MOST_BYTES)
    return content


def form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a form by name, of several with one name the last; None for what is no form."""
    if _header(request, "content-type").partition(";")[0].strip() != FORM:
        return None
    return dict(parse_qsl(unpacked(request).decode(errors="replace"), keep_blank_values=True))


def _header(request: Request, name: str) -> str:
    found = next((value for key, value in request.headers.items() if str(key).lower() == name), "")
    return str(found).strip().lower()
