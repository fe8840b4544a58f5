"""A vendor that is down for long: what the queue costs while it grows, how fast it drains, how soon a restarted server
is ready. Through the real server, over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import report
from tests.bench.load import ClosedLoop
from tests.bench.purchase import Requests
from tests.bench.server import Server, pin_load, tagserver
from tests.bench.vendor import Vendor

FULL = 1000
"""Events that one request to this vendor may hold."""


async def intake(server: Server, events: int, batch: int) -> float:
    """Events a second answered."""
    requests = max(1, events // batch)
    answers = await ClosedLoop(Requests(batch, os.urandom(4).hex()), requests).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {requests} requests were refused")
    return requests * batch / answers.seconds


async def outage(server: Server, vendor: Vendor, size: int, batch: int) -> float:
    """Fill the queue; the rate with which an empty one takes events in.

    The vendor is down for both rates, so that what grows is all that differs.
    """
    sample = max(batch, size // 20)
    await intake(server, sample, batch)
    await vendor.has(sample)
    await asyncio.sleep(0.5)
    rest = server.rss()
    vendor.down = True
    empty = await intake(server, sample, batch)
    await intake(server, size - 2 * sample, batch)
    grown = await intake(server, sample, batch)
    report("outage intake", grown / empty, f"{grown:,.0f} of {empty:,.0f} events/s")
    report("outage memory", server.rss() / rest, f"{server.rss():.0f} MB, {size:,} queued; {rest:.0f} MB at rest")
    return empty


async def drain(vendor: Vendor, events: int, floor: float) -> None:
    """The vendor is back: from the first full request after the probes to the last event."""
    expected = vendor.events + events
    vendor.fills.clear()
    vendor.down = False
    while not any(fill > FULL // 2 for fill in vendor.fills) and vendor.events < expected:
        await asyncio.sleep(0.005)
    first, began = vendor.events, time.perf_counter()
    await vendor.has(expected, within=600)
    rate = (expected - first) / (time.perf_counter() - began)
    report("drain", rate, f"{rate / floor:.1f} times the intake's {floor:,.0f} events/s")
    report("fill", statistics.median(vendor.fills) / FULL, f"the median of {len(vendor.fills)} requests")


async def main(size: int, batch: int) -> None:
    """Measure and print."""
    vendor = Vendor()
    listening = await vendor.listen()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        began = time.perf_counter()
        async with tagserver(folder, folder / "empty"):
            fresh = time.perf_counter() - began
        async with tagserver(folder, folder / "data") as server:
            taken = await outage(server, vendor, size, batch)
        began = time.perf_counter()
        async with tagserver(folder, folder / "data"):
            again = time.perf_counter() - began
            report("restart", again, f"{again / fresh:.1f} times the {fresh:.2f} s of an empty one")
            await drain(vendor, size, taken)
    listening.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="deliveries in the queue")
    parser.add_argument("--batch", type=int, default=50, help="events a request while it is filled")
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(arguments.size, arguments.batch))
