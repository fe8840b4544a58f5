"""A stand-in vendor that costs next to nothing: counts events in whatever it is sent, and answers as Meta does."""

from __future__ import annotations

import asyncio


class Vendor:
    """What arrived. `events` counts `event_name` in the bodies (JSON or form)."""

    def __init__(self) -> None:
        self.events = 0
        self.requests = 0

    async def start(self) -> tuple[asyncio.Server, int]:
        """Listen on a free loopback port."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]


class _Connection(asyncio.Protocol):
    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            lower = bytes(self._buffer[:head]).lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head + 4 + length
            if len(self._buffer) < end:
                return
            count = bytes(self._buffer[head + 4 : end]).count(b"event_name")
            del self._buffer[:end]
            self._vendor.events += count
            self._vendor.requests += 1
            body = b'{"events_received": %d, "messages": [], "fbtrace_id": "bench"}' % count
            head_bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            assert self._transport is not None
            self._transport.write(head_bytes + body)
