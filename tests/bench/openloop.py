"""Latency at a pace that does not wait for the server: 3,000 events a second, one a request, while all is delivered.

Latencies count from the instant at which a request was due. The echo at the same pace is the floor: what the machine
and the load themselves need.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import report
from tests.bench.load import Answers, ClosedLoop, OpenLoop
from tests.bench.purchase import Requests
from tests.bench.server import Server, echo, pin_load, tagserver
from tests.bench.vendor import Vendor

RATE = 3000


async def at_pace(server: Server, rate: float, seconds: float) -> Answers:
    """The answers, after a second of warming up."""
    await ClosedLoop(Requests(1, os.urandom(4).hex()), int(rate) // 2).run(server.port, connections=8)
    return await OpenLoop(Requests(1, os.urandom(4).hex()), int(rate * seconds), rate).run(server.port)


async def main(rate: float, seconds: float) -> None:
    """Measure and print."""
    vendor = Vendor()
    listening = await vendor.listen()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        async with echo() as server:
            floor = await at_pace(server, rate, seconds)
        async with tagserver(folder, folder / "data") as server:
            ours = await at_pace(server, rate, seconds)
    listening.close()
    for goal, share in (("open p50", 0.5), ("open p99", 0.99)):
        here, there = ours.ms(share), floor.ms(share)
        report(goal, here, f"{rate:,.0f}/s; {here / there:.1f} times the echo's {there:.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="events a second")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(arguments.rate, arguments.seconds))
