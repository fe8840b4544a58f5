"""A vendor that is down for long: what the queue costs while it grows, how fast it drains, how soon a restarted server
is ready. Through the real server, over HTTP.

The server with the full queue and one with an empty queue take events in in turn, both with the vendor down, so that
what waits is all that differs.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import Report
from tests.bench.load import ClosedLoop
from tests.bench.purchase import Requests, some_prefix
from tests.bench.server import Server, pin_load, tagserver
from tests.bench.vendor import Vendor

FULL = 1000
"""Events that one request to this vendor may hold."""
WARM = 10
"""A sample is preceded by so many times fewer events that do not count."""


async def intake(server: Server, events: int, batch: int) -> float:
    """Events a second answered."""
    requests = max(1, events // batch)
    answers = await ClosedLoop(Requests(batch, some_prefix()), requests).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {requests} requests were refused")
    return requests * batch / answers.seconds


class Outage:
    """The measurement. `taken`: how many events the server with the full queue has answered and not delivered."""

    def __init__(self, report: Report, folder: Path, vendor: Vendor, batch: int) -> None:
        self._report = report
        self._folder = folder
        self._vendor = vendor
        self._batch = batch
        self.taken = 0
        self.empty = 0.0
        """Events a second that an empty queue takes in."""

    async def run(self, size: int, sample: int, rounds: int) -> None:
        """Fill the queue, and compare it with an empty one."""
        async with tagserver(self._folder, self._folder / "data") as server:
            await intake(server, sample, self._batch)
            await self._vendor.has(sample // self._batch * self._batch)
            await asyncio.sleep(0.5)
            rest = server.rss()
            self._vendor.down = True
            await self._into(server, size)
            self._report.row(
                "outage memory", server.rss() - rest, f"{server.rss():.0f} MB with {self.taken:,}, {rest:.0f} at rest"
            )
            pairs = [await self._pair(server, sample, number) for number in range(rounds)]
        self.empty = statistics.median(empty for empty, _ in pairs)
        ratios = [full / empty for empty, full in pairs]
        full = statistics.median(one for _, one in pairs)
        beside = (
            f"{full:,.0f} of {self.empty:,.0f} events/s, {size:,} queued; "
            f"{min(ratios):.2f} to {max(ratios):.2f} in {rounds} rounds"
        )
        self._report.row("outage intake", statistics.median(ratios), beside)

    async def _pair(self, full: Server, sample: int, number: int) -> tuple[float, float]:
        """Events a second with an empty queue, and with the full one."""
        async with tagserver(self._folder, self._folder / f"empty-{number}") as server:
            await intake(server, sample // WARM, self._batch)
            empty = await intake(server, sample, self._batch)
        await self._into(full, sample // WARM)
        return empty, await self._into(full, sample)

    async def _into(self, server: Server, events: int) -> float:
        self.taken += max(1, events // self._batch) * self._batch
        return await intake(server, events, self._batch)


async def drain(report: Report, vendor: Vendor, events: int, floor: float) -> None:
    """The vendor is back: from the first full request after the probes to the last event."""
    expected = vendor.events + events
    vendor.fills.clear()
    vendor.down = False
    while not any(fill > FULL // 2 for fill in vendor.fills) and vendor.events < expected:
        await asyncio.sleep(0.005)
    first, began = vendor.events, time.perf_counter()
    await vendor.has(expected, within=600)
    rate = (expected - first) / (time.perf_counter() - began)
    report.row("drain", rate, f"{rate / floor:.1f} times the intake's {floor:,.0f} events/s")
    report.row("fill", statistics.median(vendor.fills) / FULL, f"the median of {len(vendor.fills)} requests")


async def main(report: Report, size: int, batch: int, rounds: int) -> None:
    """Measure and print."""
    vendor = Vendor()
    listening = await vendor.listen()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        began = time.perf_counter()
        async with tagserver(folder, folder / "nothing"):
            fresh = time.perf_counter() - began
        outage = Outage(report, folder, vendor, batch)
        await outage.run(size, max(batch, min(20_000, size // 5)), rounds)
        began = time.perf_counter()
        async with tagserver(folder, folder / "data"):
            again = time.perf_counter() - began
            report.row("restart", again, f"{again / fresh:.1f} times the {fresh:.2f} s of an empty one")
            await drain(report, vendor, outage.taken, outage.empty)
    listening.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="deliveries in the queue")
    parser.add_argument("--batch", type=int, default=50, help="events a request while it is filled")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(Report(), arguments.size, arguments.batch, arguments.rounds))
