"""How many calls one purchase makes: from the request to its 202, and from the row in the queue to its settlement.

One tag of Meta, a warm server in this process, a request over a loopback connection. Counted are functions of ours, not
those of libraries; the same code gives the same figures again. Of each function it is the median of some purchases, and
what runs by the clock is left out, which is seen while nothing is asked. `request` is the event loop's thread, `store`
the queue's, which writes; the audit's, which writes once a second, is in neither.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

from tagserver.records.recorder import Recorder
from tests.bench.connection import Connection, connect
from tests.bench.goals import Report
from tests.bench.inprocess import InProcess, in_process
from tests.bench.purchase import Requests
from tests.bench.traced import STORE, Call, Function, Tracer

WARM = 20
QUIET = 0.02
"""Seconds without a call after which all is done."""
IDLE = 1.2
"""Seconds in which everything that follows a clock shows itself: most of it once a second."""
HERE = threading.current_thread().name


class Path:
    """The calls of one part of the way. `each`: what was called for each of some purchases, in order."""

    def __init__(self, each: list[list[Call]]) -> None:
        self.depth = int(statistics.median(max((one.depth for one in calls), default=0) for calls in each))
        counts = [Counter(one.name for one in calls) for calls in each]
        order = dict.fromkeys(one.name for calls in each for one in calls)
        medians = {name: int(statistics.median(one[name] for one in counts)) for name in order}
        self.functions: dict[Function, int] = {name: number for name, number in medians.items() if number}
        """How often each is called, in the order of its first call."""

    @property
    def calls(self) -> int:
        """In all."""
        return sum(self.functions.values())

    @property
    def files(self) -> dict[str, int]:
        """The calls of each file, in the order of its first call."""
        found: Counter[str] = Counter()
        for (file, _), number in self.functions.items():
            found[file] += number
        return dict(found)

    @property
    def folders(self) -> set[str]:
        """Where these files are."""
        return {str(PurePosixPath(file).parent) for file in self.files}

    def __str__(self) -> str:
        return (
            f"{self.calls} calls of {len(self.functions)} functions in {len(self.files)} files and "
            f"{len(self.folders)} folders, depth {self.depth}"
        )


AFTERWARDS = {Recorder.catch_up.__qualname__}
"""What the event loop does once an answer is written: before the client, on the same loop, has read it."""


@dataclass(frozen=True)
class Way:
    """All of it. `request`: from the request's first byte to the answer's last, on the event loop; `store`: what
    another thread does meanwhile; `delivery`: what comes after, in all threads, until the vendor has it and the row is
    settled."""

    request: Path
    store: Path
    delivery: Path


class _Client:
    """One connection that is kept."""

    def __init__(self) -> None:
        self._answered = asyncio.Event()
        self._connection: Connection | None = None

    async def connect(self, port: int) -> None:
        (self._connection,) = await connect(1, port, self._note, lambda: None)

    def close(self) -> None:
        assert self._connection is not None
        self._connection.close()

    async def post(self, request: bytes) -> None:
        assert self._connection is not None
        self._answered.clear()
        self._connection.send(request, 0.0)
        await self._answered.wait()

    def _note(self, connection: Connection, status: bytes) -> None:
        assert status == b"202", status
        self._answered.set()


async def traced(purchases: int = 7) -> Way:
    """The way of a purchase, as so many take it."""
    tracer = Tracer()
    tracer.install()
    try:
        async with in_process(tags=1) as server, server.listening() as port:
            return await _traced(tracer, server, port, purchases)
    finally:
        tracer.remove()


async def _traced(tracer: Tracer, server: InProcess, port: int, purchases: int) -> Way:
    client, requests = _Client(), Requests(1, "purchase")
    await client.connect(port)
    for _ in range(WARM):
        await client.post(next(requests))
    await server.has(WARM)
    await asyncio.sleep(IDLE)
    tracer.begin()
    await asyncio.sleep(IDLE)
    clockwork = {one.root for one in tracer.end() if one.thread == HERE}
    whole = [await _until_quiet(tracer, server, client, next(requests)) for _ in range(purchases)]
    await server.pause()
    for _ in range(WARM):
        await client.post(next(requests))
    taken = [await _until_answered(tracer, client, next(requests)) for _ in range(purchases)]
    await server.resume()
    client.close()
    others = clockwork | AFTERWARDS
    request = Path([[one for one in calls if one.thread == HERE and one.root not in others] for calls in taken])
    store = Path([[one for one in calls if one.thread == STORE] for calls in taken])
    left = [_without(calls, request, store, clockwork) for calls in whole]
    return Way(request, store, Path(left))


async def _until_answered(tracer: Tracer, client: _Client, request: bytes) -> list[Call]:
    """All calls until the answer is there. Nothing is delivered meanwhile."""
    await asyncio.sleep(QUIET)
    tracer.begin()
    await client.post(request)
    return tracer.end()


async def _until_quiet(tracer: Tracer, server: InProcess, client: _Client, request: bytes) -> list[Call]:
    """All calls until the vendor has the event and nothing happens any more."""
    expected = server.vendor.events + 1
    tracer.begin()
    await client.post(request)
    seen = -1
    while server.vendor.events < expected or tracer.calls > seen:
        seen = tracer.calls
        await asyncio.sleep(QUIET)
    return tracer.end()


def _without(whole: list[Call], request: Path, store: Path, clockwork: set[str]) -> list[Call]:
    """What is left of all calls when those until the answer are taken away."""
    gone = {HERE: Counter(request.functions), STORE: Counter(store.functions)}
    left: list[Call] = []
    for call in whole:
        if call.thread not in gone or call.root in clockwork:
            continue
        if gone[call.thread][call.name]:
            gone[call.thread][call.name] -= 1
        else:
            left.append(call)
    return left


def show(way: Way, *, functions: bool) -> None:
    """Print all parts, file by file."""
    for name, path in (("request to 202", way.request), ("meanwhile, the store", way.store)):
        print(f"{name}: {path}")
        _list(path, functions=functions)
    print(f"row to vendor to settled: {way.delivery}")
    _list(way.delivery, functions=functions)


def _list(path: Path, *, functions: bool) -> None:
    for file, number in path.files.items():
        print(f"  {number:>4}  {file}")
        if functions:
            for (of, function), times in path.functions.items():
                if of == file:
                    print(f"          {times:>4}  {function}")


def main(report: Report, purchases: int, *, listed: bool = True, functions: bool = False) -> None:
    """Measure and print."""
    way = asyncio.run(traced(purchases))
    if listed:
        show(way, functions=functions)
    report.row("calls", way.request.calls, f"{len(way.request.functions)} functions, depth {way.request.depth}")
    report.row("files", len(way.request.files), f"in {len(way.request.folders)} folders")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--purchases", type=int, default=7)
    parser.add_argument("--functions", action="store_true", help="each function, too")
    arguments = parser.parse_args()
    main(Report(), arguments.purchases, functions=arguments.functions)
