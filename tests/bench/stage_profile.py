"""Where the time of an event goes: the server's application in this process, stage by stage.

Two lenses. The processor's time, by samples: a timer looks two thousand times a second which stage is under way, which
changes next to nothing. And counts, which are the same each time: functions of Python that are called, functions of C,
and the interpreter's instructions.

While events come in, the vendor is paused: the queue's thread only stores. Delivery is measured afterwards, alone.
"""

from __future__ import annotations

import asyncio
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from tests.bench.inprocess import InProcess, in_process
from tests.bench.purchase import Requests, some_prefix
from tests.bench.stage_names import BENCH, REST, STAGES, stage_of, stale
from tests.bench.traced import STORE, begins

PERIOD = 0.0005
TOGETHER = 4
"""Requests at a time."""
DECODING = "split, decode, limits"
"""What other threads than the queue's do meanwhile: a large body is decoded in one."""
STORE_THREAD, AUDIT_THREAD = "store: the queue's thread", "audit: its thread"
THREADS = {STORE_THREAD: STORE, AUDIT_THREAD: "tagserver-audit"}
"""Stages that are threads, and the names of these."""
DELIVERY = "claim, permits, join, settle (in turn)"
_WAITS = "selectors.py"


@dataclass(frozen=True)
class Costs:
    """Of one event, by stages: microseconds; and calls of Python, calls of C, instructions."""

    microseconds: dict[str, float]
    counts: dict[str, tuple[float, float, float]]


def _stage(frame: FrameType | None) -> str:
    while frame is not None:
        if (stage := stage_of(frame.f_code)) is not None:
            return stage
        frame = frame.f_back
    return REST


class _Samples:
    """Which stages are seen while it is entered."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> _Samples:
        self._before = signal.signal(signal.SIGALRM, self._take)
        signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)
        return self

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if frame is None or frame.f_code.co_filename.endswith(_WAITS):
            return
        # A signal is heard when the next function begins: what took the time is the one that calls it.
        self.seen[_stage(frame.f_back if begins(frame) else frame)] += 1


async def _take_in(server: InProcess, requests: list[bytes]) -> None:
    waiting = iter(requests)

    async def one_by_one() -> None:
        for request in waiting:
            status = await server.post(request)
            assert status == 202, status

    await asyncio.gather(*(one_by_one() for _ in range(TOGETHER)))


def _seconds(stage: str) -> float:
    """What the thread that is a stage of its own has had of the processor."""
    of_this_name = [one.ident for one in threading.enumerate() if one.name == THREADS[stage] and one.ident]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(one)) for one in of_this_name)


async def _timed(server: InProcess, batch: int, events: int) -> dict[str, float]:
    """Microseconds of an event, each stage."""
    prepared = Requests(batch, some_prefix())
    number = max(1, events // batch)
    requests = [next(prepared) for _ in range(number)]
    await server.pause()
    process, here, threads = time.process_time(), time.thread_time(), {stage: _seconds(stage) for stage in THREADS}
    with _Samples() as samples:
        await _take_in(server, requests)
    here = time.thread_time() - here
    elsewhere = time.process_time() - process - here
    threads = {stage: _seconds(stage) - before for stage, before in threads.items()}
    all_seen = samples.seen.total() or 1
    found = {stage: seen / all_seen * here for stage, seen in samples.seen.items()}
    found |= threads
    found[DECODING] = found.get(DECODING, 0.0) + max(0.0, elsewhere - sum(threads.values()))
    expected = server.vendor.events + number * batch
    process = time.process_time()
    await server.resume()
    while server.vendor.events < expected:
        await asyncio.sleep(0.002)
    found[DELIVERY] = time.process_time() - process
    await server.has(expected)
    return {stage: seconds / (number * batch) * 1e6 for stage, seconds in found.items()}


class _Counts:
    """Counts by stages, of every thread: `calls` and `c_calls` while `profiles`, `instructions` while `traces`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.c_calls: Counter[str] = Counter()
        self.instructions: Counter[str] = Counter()
        self.profiles = self.traces = False
        self._tracers: dict[str, Callable[[FrameType, str, Any], Any]] = {}

    def profile(self, frame: FrameType, event: str, given: Any) -> None:
        """For `sys.setprofile`."""
        if not self.profiles:
            return
        if event == "call" and begins(frame):
            self.calls[_stage_here(frame)] += 1
        elif event == "c_call":
            self.c_calls[_stage_here(frame)] += 1

    def trace(self, frame: FrameType, event: str, given: Any) -> Any:
        """For `sys.settrace`."""
        if not self.traces:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._tracer(_stage_here(frame))

    def _tracer(self, stage: str) -> Callable[[FrameType, str, Any], Any]:
        def each(frame: FrameType, event: str, given: Any) -> Any:
            self.instructions[stage] += event == "opcode"
            return each

        return self._tracers.setdefault(stage, each)


def _stage_here(frame: FrameType) -> str:
    return STORE_THREAD if threading.current_thread().name == STORE else _stage(frame)


async def _counted(batch: int) -> dict[str, tuple[float, float, float]]:
    """Calls and instructions of an event, each stage, on a request of its own for each kind of count. What a request
    does only once counts in parts."""
    counts = _Counts()
    threading.setprofile(counts.profile)
    threading.settrace(counts.trace)
    try:
        async with in_process(tags=50) as server:
            await server.pause()
            requests = Requests(batch, "purchase")
            for _ in range(3):
                await server.post(next(requests))  # the interpreter and the caches are warm
            await _under(counts, server, next(requests), "profiles")
            await _under(counts, server, next(requests), "traces")
    finally:
        threading.setprofile(None)
        threading.settrace(None)
    stages = set(counts.calls) | set(counts.c_calls) | set(counts.instructions)
    return {
        stage: (counts.calls[stage] / batch, counts.c_calls[stage] / batch, counts.instructions[stage] / batch)
        for stage in stages
    }


async def _under(counts: _Counts, server: InProcess, request: bytes, which: str) -> None:
    async def post() -> int:
        return await server.post(request)

    setattr(counts, which, True)
    sys.setprofile(counts.profile)
    sys.settrace(counts.trace)
    try:
        await asyncio.create_task(post())
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        setattr(counts, which, False)


async def profile(batch: int, events: int, repeats: int) -> Costs:
    """What an event costs that comes with `batch - 1` others; the medians of some repeats."""
    async with in_process(tags=50) as server:
        await _take_in(server, [next(made) for made in [Requests(batch, some_prefix())] for _ in range(20)])
        await server.has(20 * batch)
        each = [await _timed(server, batch, events) for _ in range(repeats)]
        stages = {stage for one in each for stage in one}
        times = {stage: statistics.median(one.get(stage, 0.0) for one in each) for stage in stages}
    return Costs(times, await _counted(batch))


def show(costs: Costs, batch: int) -> None:
    """The table."""
    total = sum(time for stage, time in costs.microseconds.items() if stage != BENCH)
    print(f"one event, {batch} a request{'':<21}{'us':>8}{'share':>7}{'calls':>8}{'of C':>7}{'instructions':>14}")
    in_all = [0.0, 0.0, 0.0]
    for stage in (*STAGES, REST, *THREADS, DELIVERY):
        if stage != BENCH:
            counts = costs.counts.get(stage, (0.0, 0.0, 0.0))
            in_all = [one + more for one, more in zip(in_all, counts, strict=True)]
            _line(stage, costs.microseconds.get(stage, 0.0), total, counts)
    _line("in all", total, total, in_all)


def _line(stage: str, us: float, total: float, counts: Sequence[float]) -> None:
    calls, of_c, instructions = (f"{one:,.0f}" if one else "" for one in counts)
    print(f"  {stage:<40}{us:>8.1f}{us / total:>7.0%}{calls:>8}{of_c:>7}{instructions:>14}".rstrip(), flush=True)


def main(events: int, repeats: int, batches: tuple[int, ...] = (20, 1)) -> None:
    """Measure and print."""
    for batch in batches:
        show(asyncio.run(profile(batch, events, repeats)), batch)
    if moved := stale():
        print(f"not found any more, so that their calls count for others: {', '.join(moved)}")
