"""Workers with everything around them in hand: a vendor that answers what a test says, naps that end when a test says,
no chance."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tagserver.delivery.batch import SendPolicy
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.observer import DeliveryObserver
from tagserver.delivery.target import Target
from tagserver.delivery.worker import LINGER
from tagserver.plugin import Destination, Limits, Payload, Request
from tagserver.queue.api import Outbox
from tests.delivery.support import claims_in_flight, meta, until
from tests.fake_time import FakeTime

URL = "https://vendor.example/events"
Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]
AsyncHandler = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


@dataclass(frozen=True)
class Account:
    """Of the destination in tests."""

    token: str = "good"  # no secret of anybody


class Hundred(Destination):
    """A destination of up to a hundred events a request; the default meaning of status codes."""

    type = "hundred"
    Settings = Account
    limits = Limits(events=100, bytes=1 << 20, repeat=47 * 3600.0)

    def request(self, payloads: Sequence[Payload], settings: Account) -> Request:
        """All bodies in a list."""
        body = b"[" + b",".join(payload.body for payload in payloads) + b"]"
        return Request("POST", URL, {"authorization": settings.token, "content-type": "application/json"}, body)


class Lone(Hundred):
    """One event a request."""

    limits = Limits(events=1)


class Vendor:
    """Answers each request with the next of `script`, then by `always`; keeps what it was sent."""

    def __init__(self) -> None:
        self.script: deque[Answer | Handler] = deque()
        self.always: Answer | Handler = httpx.Response(200)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """The transport's handler."""
        self.requests.append(request)
        answer = self.script.popleft() if self.script else self.always
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        stream = httpx.ByteStream(answer.content)  # as it comes from the network: not read yet
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

    @property
    def sent(self) -> list[list[str]]:
        """The event ids of each request."""
        return [ids_of(request) for request in self.requests]


def ids_of(request: httpx.Request) -> list[str]:
    """The event ids in a request."""
    return [one["id"] for one in json.loads(request.content)]


BUSY = httpx.Response(503)


def rate_limited(retry_after: str | None) -> httpx.Response:
    return httpx.Response(429, headers={} if retry_after is None else {"retry-after": retry_after})


def refuses(*bad: str) -> Handler:
    """A vendor that refuses a whole request for one bad event, and does not say which."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400 if set(ids_of(request)) & set(bad) else 200)

    return answer


def takes_only(token: str) -> Handler:
    """A vendor that knows one token."""
    return lambda request: httpx.Response(200 if request.headers["authorization"] == token else 401)


async def at_once() -> None:
    """The turn of a destination without a rate."""


class Naps:
    """The workers' sleep. The linger between batches passes at once; every other nap ends when the test says so."""

    def __init__(self, clock: FakeTime) -> None:
        self._clock = clock
        self._asked: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()
        self._present: tuple[float, asyncio.Future[None]] | None = None

    async def __call__(self, seconds: float) -> None:
        """Sleep."""
        if seconds == LINGER:
            await asyncio.sleep(0)
            return
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((seconds, end))
        await end

    async def begun(self) -> float:
        """Wait until a worker sleeps; for how long it wants to sleep."""
        while True:
            self._present = await asyncio.wait_for(self._asked.get(), 5)
            if not self._present[1].done():  # else something else has woken it
                return self._present[0]

    def over(self) -> None:
        """Time passes, and the worker that `begun` told about wakes."""
        assert self._present is not None
        seconds, end = self._present
        self._clock.advance(seconds)
        if not end.done():
            end.set_result(None)

    @property
    def none(self) -> bool:
        """Nobody sleeps since the last nap that was asked about."""
        return self._asked.empty()


class Hours:
    """Sleep where several sleep at a time: the first to wake wakes first, and it is then as late as that."""

    def __init__(self, clock: FakeTime) -> None:
        self._clock = clock
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    async def __call__(self, seconds: float) -> None:
        """Sleep."""
        if seconds == LINGER:
            await asyncio.sleep(0)
            return
        self._count += 1
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._asleep, (self._clock.monotonic() + seconds, self._count, end))
        await end

    async def pass_until(self, condition: Callable[[], bool]) -> None:
        """Time passes whenever all that is going on waits for it, until a condition holds."""
        for _ in range(3000):
            for _ in range(20):
                await asyncio.sleep(0.0005)
                if condition():
                    return
            while self._asleep and self._asleep[0][2].done():
                heapq.heappop(self._asleep)
            if self._asleep:
                at, _, end = heapq.heappop(self._asleep)
                self._clock.advance(at - self._clock.monotonic())
                end.set_result(None)
        raise AssertionError("it did not come to that")


class Told(DeliveryObserver):
    """Keeps how calls of sinks have ended."""

    def __init__(self, sinks: list[tuple[str, str | None]]) -> None:
        self._sinks = sinks

    def sink_called(self, destination: str, failure: str | None) -> None:
        """Destination, and how its plugin failed."""
        self._sinks.append((destination, failure))


class World:
    """A dispatcher with its vendor. `targets` are looked up, and `policy` is asked, before every attempt."""

    def __init__(
        self,
        outbox: Outbox,
        clock: FakeTime,
        folder: Path,
        handler: AsyncHandler | None = None,
        sleep: Callable[[float], Coroutine[None, None, None]] | None = None,
    ) -> None:
        self.outbox = outbox
        self.folder = folder
        self.clock = clock
        self.vendor = Vendor()
        self.naps = Naps(clock)
        clock.sleeper = sleep or self.naps
        self.targets: dict[str, Target] = {}
        self.tended: list[tuple[str, str | None]] = []
        self.policy: SendPolicy = lambda rows: {}
        self.stopped: set[str] = set()
        self.dispatcher = Dispatcher(
            outbox,
            lookup=self.targets.get,
            policy=lambda rows: self.policy(rows),
            time=clock,
            stopped=self.stopped.__contains__,
            transport=httpx.MockTransport(handler or self.vendor),
            observer=Told(self.tended),
        )

    def start(self, destination: Destination | None = None, name: str = "meta", **fields: Any) -> None:
        """Configure a destination, or change it, as a reload does."""
        values: dict[str, Any] = {
            "destination": destination or Hundred(),
            "settings": Account(),
            "paused": None,
            "hosts": ("vendor.example",),
            "egress": (),
        }
        self.targets[name] = Target(**(values | fields))
        self.dispatcher.reconfigured(self.targets)

    async def resting(self) -> float:
        """Wait until a worker sleeps and all it learned is recorded; for how long it wants to sleep."""
        seconds = await self.naps.begun()
        await until(lambda: claims_in_flight(self.folder) == 0)
        await self.outbox.forget_keys([])  # after the writer: what is committed shows in the file before it is counted
        return seconds

    async def rested(self) -> float:
        """A whole nap; its length."""
        seconds = await self.resting()
        self.naps.over()
        return seconds

    async def drained(self) -> None:
        """Until nothing of `meta` is pending."""
        await until(lambda: meta(self.outbox).pending == 0)

    @property
    def state(self) -> tuple[str, str]:
        """Of `meta`."""
        return self.dispatcher.status("meta")
