"""A stand-in vendor that costs next to nothing: counts events in whatever it is sent, and answers as Meta does."""

from __future__ import annotations

import asyncio
import re
import time
from typing import cast

_EVENT_IDS = re.compile(rb'"event_id":\s?"([^"]+)"').findall


class Vendor:
    """What arrived. `events` counts `event_name` in the bodies (JSON or form) that were taken, `fills` says how many
    there were in each request. While `down`, everything is answered with 503."""

    def __init__(self) -> None:
        self.down = False
        self.events = 0
        self.fills: list[int] = []
        self.arrivals: dict[bytes, float] | None = None
        """When each event_id came, for whoever puts a dict here."""
        self.port = 0

    async def listen(self) -> asyncio.Server:
        """Listen on a free loopback port."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def take(self, body: bytes) -> bytes:
        """One request's body; the answer."""
        if self.down:
            return b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
        count = body.count(b"event_name")
        self.events += count
        self.fills.append(count)
        if self.arrivals is not None:
            now = time.perf_counter()
            for event_id in _EVENT_IDS(body):
                self.arrivals.setdefault(event_id, now)
        said = b'{"events_received": %d, "messages": [], "fbtrace_id": "bench"}' % count
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said)
        return head + said

    async def has(self, events: int, within: float = 120.0) -> None:
        """Return when so many events have come. Ends the run when they do not."""
        end = time.monotonic() + within
        while self.events < events:
            if time.monotonic() > end:
                raise SystemExit(f"the vendor has {self.events} of {events} events")
            await asyncio.sleep(0.01)


class _Connection(asyncio.Protocol):
    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            lower = bytes(self._buffer[:head]).lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head + 4 + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[head + 4 : end])
            del self._buffer[:end]
            assert self._transport is not None
            self._transport.write(self._vendor.take(body))
