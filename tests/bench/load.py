"""Load on a server, and how long its answers took: as fast as it answers, or at a pace of its own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from tests.bench.connection import Connection, connect
from tests.bench.purchase import Requests


@dataclass(frozen=True)
class Answers:
    """What came of a load. `began`: the moment of the first request, on `time.perf_counter`; `seconds` in all;
    `latencies` in seconds, sorted."""

    began: float
    seconds: float
    latencies: list[float]
    refused: int

    def ms(self, share: float) -> float:
        """The latency in ms that this share of the requests stayed within."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


class _Load:
    def __init__(self, requests: Requests, number: int) -> None:
        self._requests = requests
        self._left = number
        self._latencies: list[float] = []
        self._refused = 0
        self._done = asyncio.Event()

    def _note(self, connection: Connection, status: bytes) -> None:
        self._latencies.append(time.perf_counter() - connection.since)
        if not status.startswith(b"2"):
            self._refused += 1

    def _ended(self) -> None:
        self._done.set()

    def _answers(self, began: float, connections: list[Connection]) -> Answers:
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
        return Answers(began, seconds, sorted(self._latencies), self._refused)


class ClosedLoop(_Load):
    """Each connection sends its next request when the last one is answered."""

    async def run(self, port: int, connections: int = 32) -> Answers:
        """Until all are answered."""
        self._open = min(connections, self._left)
        made = await connect(self._open, port, self._answered, self._ended)
        began = time.perf_counter()
        for connection in made:
            self._next(connection)
        await self._done.wait()
        return self._answers(began, made)

    def _next(self, connection: Connection) -> None:
        if self._left == 0:
            self._open -= 1
            if self._open == 0:
                self._done.set()
            return
        self._left -= 1
        connection.send(next(self._requests), time.perf_counter())

    def _answered(self, connection: Connection, status: bytes) -> None:
        self._note(connection, status)
        self._next(connection)


class OpenLoop(_Load):
    """`rate` requests a second whatever the server does. A latency counts from the instant at which the request was
    due, not from that at which it was sent: a server that stands still makes all of them late, as visitors see it."""

    def __init__(self, requests: Requests, number: int, rate: float) -> None:
        super().__init__(requests, number)
        self._number = number
        self._rate = rate
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()

    async def run(self, port: int, connections: int = 64) -> Answers:
        """Until all are answered."""
        made = await connect(connections, port, self._answered, self._ended)
        self._idle.extend(made)
        began = time.perf_counter()
        for index in range(self._number):
            due = began + index / self._rate
            while (wait := due - time.perf_counter()) > 0:
                # The loop's timers are too coarse for the last millisecond.
                await asyncio.sleep(wait - 0.001 if wait > 0.002 else 0)
            self._due.append(due)
            self._send()
        await self._done.wait()
        return self._answers(began, made)

    def _send(self) -> None:
        while self._due and self._idle:
            self._idle.popleft().send(next(self._requests), self._due.popleft())

    def _answered(self, connection: Connection, status: bytes) -> None:
        self._note(connection, status)
        self._idle.append(connection)
        self._send()
        if len(self._latencies) == self._number:
            self._done.set()
