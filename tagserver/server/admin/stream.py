"""`GET /-/stream`: what is put on record, as it comes, by server-sent events (HTML, "Server-sent events").

One message a record (`event: record`, `id:` its number, `data:` its SUMMARY), one for each attempt of those
(`event: attempt`), one that says how many were left out for a viewer that is too slow or a name that is too busy
(`event: skipped`), and one at the end (`event: end`), which also comes when the token or the login has ended, with the
reason (`why`). A browser that comes again brings the last number, and hears what
it has missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from tagserver.records.api import RecordsError
from tagserver.records.live import Live, Message
from tagserver.records.query import MOST, Query
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem
from tagserver.server.admin.auth import is_still_known, user_of
from tagserver.server.admin.records import BadFilter, read_query
from tagserver.server.admin.streams import StreamLimits
from tagserver.system.text import printable_json

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies close what is silent for longer, and who has gone is
noticed."""
AGAIN_MS = 2000
"""Milliseconds after which a browser comes again."""
_HEADERS = {**SAFE, "x-accel-buffering": "no"}


class Stream:
    """The address. `limits`: how many may watch; `visitor`: who asks, by the rules of `/collect`."""

    def __init__(self, runtime: Runtime, limits: StreamLimits, visitor: Callable[[Request], str | None]) -> None:
        self._runtime = runtime
        self._limits = limits
        self._visitor = visitor

    async def follow(self, request: Request) -> ASGIApp:
        """The filters are those of `/-/events.json`."""
        live = self._runtime.records.live
        if live.ended:
            return problem(503, "closing", "the server ends", {"retry-after": "2"})
        try:
            query = read_query(request.query_params, self._runtime)
        except BadFilter as bad:
            return problem(400, "bad_filter", str(bad))
        told = self._told(live, query, request)
        response = StreamingResponse(told, media_type="text/event-stream", headers=_HEADERS)
        return self._limits.watched(response, user_of(request), self._visitor(request))

    async def _told(self, live: Live, query: Query, request: Request) -> AsyncIterator[str]:
        viewer = live.watch(query)
        try:
            yield f"retry: {AGAIN_MS}\n\n"
            seen = 0
            for message in await self._missed(query, _last(request)):
                seen = message.number
                yield _written(message)
            while True:
                told = await viewer.next(HEARTBEAT)
                if not is_still_known(request):
                    yield _written(Message("end", {"why": "this token or login has ended"}))
                    return
                if told is None:
                    yield ": still here\n\n"
                elif not told.number or told.number > seen or told.data["status"] == "refused":  # its count goes on
                    yield _written(told)
                    if told.kind == "end":
                        return
        except asyncio.CancelledError:  # whoever watched has gone
            return
        finally:
            live.leave(viewer)

    async def _missed(self, query: Query, last: int | None) -> list[Message]:
        """The records behind the last one that a viewer has seen, the oldest first."""
        if last is None:
            return []
        try:
            found = await self._runtime.records.read(lambda reader: reader.summaries(query.newest(MOST)))
        except RecordsError:
            return []
        return [Message("record", one, one["record"]) for one in reversed(found["events"]) if one["record"] > last]


def _last(request: Request) -> int | None:
    """The number that a browser says it has seen last. What opens a stream by itself cannot set the header, and says
    it as `after`; when a browser comes again by itself, the header is newer."""
    text = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _written(message: Message) -> str:
    if not message.text:
        named = f"id: {message.number}\n" if message.number else ""
        message.text = f"event: {message.kind}\n{named}data: {printable_json(message.data)}\n\n"
    return message.text
