"""The body of a request to `/collect`: read within limits, unpacked within limits, decoded, and cut into events."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from tagserver.config.collect import CollectConfig
from tagserver.event.consent_fields import CONSENT_MODE, FIELDS, ILLEGIBLE, NOTHING, with_signals
from tagserver.event.event import Note
from tagserver.event.json_text import UNREADABLE, bare, read_json
from tagserver.inbound.clients.datalayer import WAIT, Refused
from tagserver.inbound.shapes.commands import is_one_call

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SLOW_BODY = 10.0
"""Seconds a client may take to send its body."""
UNDER_WAY = 64 << 20
"""Bytes that all bodies together may hold that are not complete yet; small ones, which come in one piece, do not
count."""
MEMBERS = 16
"""gzip members in one body; each costs a copy of all that follow it."""
ASIDE = 64 << 10
"""From this many bytes on a body is large: it is decoded in a thread, so that it does not hold up the others."""
MANY = 400
"""Objects, from which on a body is large, too: a thousand small events are kilobytes, and megabytes in memory."""
AT_ONCE = 4
"""Large requests that are worked at a time."""
DEPTH = 20
NODES = 2000
"""How deep one event's JSON may nest, and how many values it may hold."""
SHALLOW = 6
"""How deep nearly all events nest at most: an item of a purchase lies four deep."""
VALUE = 16
"""Bytes that a value costs beside its text, where `ctx` is laid beneath an event."""


class BadBody(Exception):
    """The request as a whole is refused: HTTP status, a stable code, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Room:
    """The bytes of all bodies that are under way: a crowd of slow clients with large bodies must not use up memory."""

    def __init__(self, most: int = UNDER_WAY) -> None:
        self._most = most
        self.used = 0

    def take(self, size: int, limit: int) -> None:
        """So many bytes more, of a body of at most `limit`. Raises BadBody (503) when there is no room for them."""
        if self.used + size > max(self._most, 4 * limit):
            raise BadBody(503, "busy", "too many large requests are under way")
        self.used += size


class Turns:
    """Large requests take turns. Each is a small multiple of its size in memory while it is decoded and decided, and
    until it is on disk; those that wait are no more than their bytes, of which there are no more than `room` has."""

    def __init__(self, room: Room, at_once: int = AT_ONCE) -> None:
        self._room = room
        self._free = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def one(self, size: int, limit: int) -> AsyncIterator[None]:
        """A turn for a body of `size` bytes. Raises BadBody (503) when too many wait."""
        self._room.take(size, limit)
        try:
            async with self._free:
                yield
        finally:
            self._room.used -= size


class Disconnected(Exception):
    """The client went away before its body was complete; there is nobody to answer."""


async def read_body(receive: Receive, content_length: str | None, limit: int, room: Room | None = None) -> bytes:
    """The whole body, at most `limit` bytes. Raises BadBody (413, 408, 503) or Disconnected."""
    if content_length is not None and content_length.isdecimal() and int(content_length[:20]) > limit:
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
            return await _rest(receive, body, limit, room or Room())
    except TimeoutError:
        raise BadBody(408, "slow_body", f"the body took longer than {SLOW_BODY:.0f} s") from None


async def _rest(receive: Receive, first: bytes, limit: int, room: Room) -> bytes:
    chunks, size, more = [first], 0, True
    try:
        while True:
            room.take(len(chunks[-1]), limit)
            size += len(chunks[-1])
            if size > limit:
                raise _too_large(limit)
            if not more:
                return b"".join(chunks)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
    finally:
        room.used -= size


def _too_large(limit: int) -> BadBody:
    return BadBody(413, "too_large", f"the body is larger than {limit} bytes")


def unpack(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body without its content encoding. Only gzip is taken; never more than `limit` bytes are made."""
    if encoding is None or (named := encoding.strip().lower()) == "identity":
        return body
    if named not in ("gzip", "x-gzip"):
        raise BadBody(400, "bad_encoding", "only gzip is understood as content encoding")
    made: list[bytes] = []
    room = limit
    try:
        while body:
            if len(made) == MEMBERS:
                raise BadBody(400, "bad_gzip", f"the gzip data has more than {MEMBERS} members")
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


def unpack_small(body: bytes, encoding: str | None, limit: int) -> bytes | None:
    """The body without its content encoding, if it is not large. Raises BadBody."""
    if len(body) >= ASIDE:
        return None
    try:
        plain = body if encoding is None else unpack(body, encoding, min(ASIDE, limit))
    except BadBody as bad:
        if bad.status == 413:
            return None
        raise
    return plain if _number(plain, b"{", most=MANY) <= MANY else None


class Batch(msgspec.Struct):
    """`{"events": [...], "ctx": {...}, "sent": ms}`."""

    events: list[Any] | msgspec.UnsetType = msgspec.UNSET
    ctx: Any = None
    sent: Any = None
    wait: Any = None

    @property
    def context(self) -> Any:
        """`ctx`, with what is said of consent beside it, and for how long the events may wait."""
        if self.wait is not None and (self.ctx is None or isinstance(self.ctx, dict)):
            self.ctx, self.wait = {**(self.ctx or NOTHING), WAIT: self.wait}, None
        beside = {name: said for field, name in _BESIDE.items() if (said := getattr(self, field)) is not None}
        if not beside:
            return self.ctx
        if self.ctx is None or isinstance(self.ctx, dict):
            return with_signals(self.ctx or NOTHING, beside)
        return {CONSENT_MODE[0]: ILLEGIBLE}


_OPENING = (b"[", b"{")
_BESIDE = {f"said_{place}": name for place, name in enumerate(sorted(FIELDS))}
"""The fields of consent as attributes of a batch: some of their names are none of Python's."""


class _Decoders(NamedTuple):
    """How the three envelopes are decoded; where `one` is None, a single event is left as it is."""

    many: msgspec.json.Decoder[list[Any]]
    batch: msgspec.json.Decoder[Batch]
    one: msgspec.json.Decoder[Any] | None


def _decoders(event: Any, one: msgspec.json.Decoder[Any] | None) -> _Decoders:
    """The decoders for events of a type."""
    events: Any = list.__class_getitem__(event)
    fields = [("events", events | msgspec.UnsetType, msgspec.UNSET), *((field, Any, None) for field in _BESIDE)]
    batch = msgspec.defstruct("_Batch", fields, bases=(Batch,), rename=_BESIDE)
    return _Decoders(msgspec.json.Decoder(events), msgspec.json.Decoder(batch), one)


def _nested(levels: int) -> Any:
    """The type of JSON that nests so deep at most."""
    flat: Any = bool | int | float | str | None
    if not levels:
        return flat
    inner = _nested(levels - 1)
    return flat | list.__class_getitem__(inner) | dict.__class_getitem__((str, inner))


_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_shallow = _decoders(_nested(SHALLOW), msgspec.json.Decoder(_nested(SHALLOW)))
"""The type bounds the depth while it is decoded; what is decoded is the same as without."""
_raw = _decoders(msgspec.Raw, None)
"""Each event is kept as its own JSON text until its turn."""


def split(body: bytes, limits: CollectConfig) -> tuple[list[Any], Any, Any]:
    """The events of a body (decoded, or a Refused in the place of one that is not acceptable), `ctx` and `sent`.

    `ctx` stands beneath each event, and counts with each: for its size, and for that of the request. What is said of
    consent beside `events` is in it. Raises BadBody.
    """
    if body[:1] not in _OPENING and (body := bare(body))[:1] not in _OPENING:
        raise BadBody(400, "bad_json", "the body is not a JSON object or list")
    whole = _at_once(body, limits.max_event)
    try:
        events, ctx, sent = whole or _envelope(body, _raw)
    except UNREADABLE as error:
        raise BadBody(400, "bad_json", f"the body is not JSON as we take it: {_plain(error)}") from None
    if len(events) > limits.max_events:
        raise BadBody(413, "too_many_events", f"more than {limits.max_events} events in one request")
    beneath = 0 if ctx is None else _beneath(ctx, len(events), len(body), limits.max_merged)
    if whole and len(body) + beneath <= limits.max_event:
        return whole
    raws = _envelope(body, _raw)[0] if whole else events
    events = [_decode(raw, limits.max_event, beneath) for raw in raws]
    if raws and raws[0] is body and isinstance(events[0], Refused) and events[0].notes[0].code == "bad_json":
        raise BadBody(400, "bad_json", events[0].notes[0].message)
    return events, ctx, sent


def _at_once(body: bytes, max_event: int) -> tuple[list[Any], Any, Any] | None:
    """The parts of a body that keeps, as a whole, within what one event may be: then so does each event in it, but for
    `ctx` beneath. Nearly all do. None for another, and where anything of it cannot be decoded."""
    # Of the values within another the first has a bracket before it, each other one a comma.
    if len(body) > max_event or (len(body) > 2 * NODES and _number(body, b",", b"{", b"[", most=NODES) > NODES):
        return None
    try:
        return _envelope(body, _shallow)
    except UNREADABLE:
        return None


def _envelope(body: bytes, decoders: _Decoders) -> tuple[list[Any], Any, Any]:
    """The events, `ctx` and `sent` of a body. Raises one of UNREADABLE."""
    if body[:1] == b"[":
        events = read_json(body, decoders.many)
        if not is_one_call(events):
            return events, None, None
        return [events if decoders.one else body], None, None
    if b'"events"' in body:
        try:
            batch = read_json(body, decoders.batch)
        except msgspec.ValidationError:
            pass  # one event that has a key of its own called `events`; or too deep, which it is as one event, too
        else:
            if batch.events is not msgspec.UNSET:
                return batch.events, batch.context, batch.sent
    return [read_json(body, decoders.one) if decoders.one else body], None, None


def _beneath(ctx: Any, events: int, body: int, max_merged: int) -> int:
    """Bytes of `ctx`, which so many events of a body will have beneath them. Raises BadBody."""
    text = msgspec.json.encode(ctx)
    if too := _unbounded(text, ctx):
        raise BadBody(400, "bad_ctx", f"ctx {too}")
    if body + events * (len(text) + VALUE * text.count(b",")) > max_merged:
        message = (
            f"with ctx beneath each event the request is larger than {max_merged} bytes; post fewer events at a time"
        )
        raise BadBody(413, "too_large", message)
    return len(text)


def _decode(raw: msgspec.Raw | bytes, max_event: int, beneath: int) -> Any:
    text = bytes(raw)
    if len(text) + beneath > max_event:
        what = "the event is" if not beneath else "the event with ctx beneath it is"
        return Refused(None, Note("", "too_large", f"{what} larger than {max_event} bytes"))
    try:
        value = read_json(text, _any)
    except UNREADABLE as error:
        return Refused(None, Note("", "bad_json", f"the event is not JSON as we take it: {_plain(error)}"))
    too = _unbounded(text, value)
    return Refused(None, Note("", "too_deep", f"the event {too}")) if too else value


def _unbounded(text: bytes, value: Any) -> str | None:
    """What is too much about a value, if anything. The count of brackets bounds the depth, and the length, or else the
    count of commas, the size: only what passes neither is walked through."""
    few = len(text) <= 2 * NODES or _number(text, b",", most=NODES) <= NODES
    if few and _number(text, b"{", b"[", most=DEPTH) <= DEPTH:
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


def _number(text: bytes, *marks: bytes, most: int) -> int:
    """How often the marks are in a text; anything above `most` for more. `replace` leaps from one to the next, where
    `count` looks at each byte."""
    left = text
    for mark in marks:
        left = left.replace(mark, b"", most + 1)
    return len(text) - len(left)


def _plain(error: Exception) -> str:
    return "it nests too deeply" if isinstance(error, RecursionError) else str(error).partition(" - at")[0]
