"""A closed-loop HTTP load on asyncio protocols: N connections, each sends its next request when the last is
answered."""

from __future__ import annotations

import asyncio
import time

from tests.bench.purchase import Bodies


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._next()

    def _next(self) -> None:
        assert self.transport is not None
        request = self._load.take()
        if request is None:
            self.transport.close()
            return
        self._sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self._buffer[:head].lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < head + 4 + length:
            return
        self._load.answered(self._buffer[9:12], time.perf_counter() - self._sent)
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.left()


class Load:
    """`requests` requests of `events` events to one address; `run()` returns when all are answered."""

    def __init__(self, port: int, path: str, events: int, requests: int, connections: int, prefix: str) -> None:
        self._port = port
        self._connections = connections
        self._left = requests
        self._open = connections
        self._bodies = Bodies(events, prefix)
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: https://shop.example\r\n"
            "content-type: text/plain\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\ncontent-length: "
        ).encode()
        self._done: asyncio.Event = asyncio.Event()
        self.latencies: list[float] = []
        self.refused = 0

    def take(self) -> bytes | None:
        """The next request, or None."""
        if self._left == 0:
            return None
        self._left -= 1
        body = next(self._bodies)
        return self._head + str(len(body)).encode() + b"\r\n\r\n" + body

    def answered(self, status: bytes, seconds: float) -> None:
        """One answer came."""
        self.latencies.append(seconds)
        if not status.startswith(b"2"):
            self.refused += 1

    def left(self) -> None:
        """One connection has ended."""
        self._open -= 1
        if self._open == 0:
            self._done.set()

    async def run(self) -> float:
        """Seconds from the first request to the last answer."""
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        for _ in range(self._connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        await self._done.wait()
        return time.perf_counter() - started
