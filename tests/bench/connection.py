"""One HTTP connection of the load: a request out, its answer in, the next one. As little work as Python allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class Connection(asyncio.Protocol):
    """`answered(connection, status)` is called for each answer, `status` as three bytes; `ended` once at the end."""

    def __init__(self, answered: Callable[[Connection, bytes], None], ended: Callable[[], None]) -> None:
        self._answered = answered
        self._ended = ended
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.since = 0.0
        """The moment that the latency of the request under way counts from; the load's own."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def send(self, request: bytes, since: float) -> None:
        """One request; nothing may be under way."""
        assert self._transport is not None
        self.since = since
        self._transport.write(request)

    def close(self) -> None:
        """Nothing more will be sent."""
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self._buffer[:head].lower()
        length = int(lower[lower.find(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < head + 4 + length:
            return
        status = self._buffer[9:12]
        self._buffer = b""
        self._answered(self, status)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()


async def connect(
    number: int, port: int, answered: Callable[[Connection, bytes], None], ended: Callable[[], None]
) -> list[Connection]:
    """So many connections to a loopback port."""
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: Connection(answered, ended), "127.0.0.1", port))[1] for _ in range(number)
    ]
