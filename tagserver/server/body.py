"""The body of a request to `/collect`: read within limits, unpacked within limits, decoded, and cut into events."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from tagserver.datalayer import Refused
from tagserver.event import Note

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SLOW_BODY = 10.0
"""Seconds a client may take to send its body."""
DEPTH = 20
NODES = 2000
"""How deep one event's JSON may nest, and how many values it may hold."""


class BadBody(Exception):
    """The request as a whole is refused: HTTP status, a stable code, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Disconnected(Exception):
    """The client went away before its body was complete; there is nobody to answer."""


async def read_body(receive: Receive, content_length: str | None, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises BadBody (413, 408) or Disconnected."""
    if content_length is not None and content_length.isdigit() and int(content_length[:20]) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    try:
        async with asyncio.timeout(SLOW_BODY):
            return await _rest(receive, body, limit)
    except TimeoutError:
        raise BadBody(408, "slow_body", f"the body took longer than {SLOW_BODY:.0f} s") from None


async def _rest(receive: Receive, first: bytes, limit: int) -> bytes:
    chunks, size, more = [first], len(first), True
    while more:
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> BadBody:
    return BadBody(413, "too_large", f"the body is larger than {limit} bytes")


def unpack(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body without its content encoding. Only gzip is taken; never more than `limit` bytes are made."""
    if encoding is None or encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise BadBody(400, "bad_encoding", "only gzip is understood as content encoding")
    made: list[bytes] = []
    room = limit
    try:
        while body:
            member = zlib.decompressobj(wbits=31)
            made.append(member.decompress(body, room + 1))
            room -= len(made[-1])
            if room < 0:
                raise _too_large(limit)
            if not member.eof:
                raise BadBody(400, "bad_gzip", "the gzip data is cut short")
            body = member.unused_data
    except zlib.error:
        raise BadBody(400, "bad_gzip", "the body is not gzip data") from None
    return b"".join(made)


class Batch(msgspec.Struct):
    """`{"events": [...], "ctx": {...}, "sent": ms}`; each event is kept as its own JSON text until its turn."""

    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    ctx: Any = None
    sent: Any = None


_batch = msgspec.json.Decoder(Batch)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder()
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def split(body: bytes, max_event: int, max_events: int) -> tuple[list[Any], Any, Any]:
    """The events of a body (decoded, or a Refused in the place of one that is not acceptable), `ctx` and `sent`."""
    first = body[:64].lstrip()[:1]
    ctx = sent = None
    try:
        if first == b"[":
            raws: list[msgspec.Raw] | list[bytes] = _list.decode(body)
        elif first == b"{":
            raws = [body]
            if b'"events"' in body:
                batch = _as_batch(body)
                if batch is not None and batch.events is not msgspec.UNSET:
                    raws, ctx, sent = batch.events, batch.ctx, batch.sent
        else:
            raise BadBody(400, "bad_json", "the body is not a JSON object or list")
    except _UNREADABLE as error:
        raise BadBody(400, "bad_json", f"the body is not JSON as we take it: {_plain(error)}") from None
    if len(raws) > max_events:
        raise BadBody(413, "too_many_events", f"more than {max_events} events in one request")
    if ctx is not None and (too := _unbounded(msgspec.json.encode(ctx), ctx)):
        raise BadBody(400, "bad_ctx", f"ctx {too}")
    events = [_decode(raw, max_event) for raw in raws]
    if raws and raws[0] is body and isinstance(events[0], Refused) and events[0].notes[0].code == "bad_json":
        raise BadBody(400, "bad_json", events[0].notes[0].message)
    return events, ctx, sent


def _as_batch(body: bytes) -> Batch | None:
    """The envelope, or None for one event that has a key of its own called `events`."""
    try:
        return _batch.decode(body)
    except msgspec.ValidationError:
        return None


def _decode(raw: msgspec.Raw | bytes, max_event: int) -> Any:
    text = bytes(raw)
    if len(text) > max_event:
        return Refused(None, Note("", "too_large", f"the event is larger than {max_event} bytes"))
    try:
        value = _any.decode(text)
    except _UNREADABLE as error:
        return Refused(None, Note("", "bad_json", f"the event is not JSON as we take it: {_plain(error)}"))
    too = _unbounded(text, value)
    return Refused(None, Note("", "too_deep", f"the event {too}")) if too else value


def _unbounded(text: bytes, value: Any) -> str | None:
    """What is too much about a value, if anything. The count of brackets bounds the depth, that of commas the size:
    only what passes neither is walked through."""
    if text.count(b"{") + text.count(b"[") <= DEPTH and text.count(b",") <= NODES:
        return None
    nodes = 0
    level = [value]
    for _ in range(DEPTH + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        nodes += len(below)
        if nodes > NODES:
            return f"holds more than {NODES} values"
        if not below:
            return None
        level = below
    return f"nests deeper than {DEPTH} levels"


def _plain(error: Exception) -> str:
    return "it nests too deeply" if isinstance(error, RecursionError) else str(error).partition(" - at")[0]
