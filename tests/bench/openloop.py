"""Latency at a pace that does not wait for the server: half of what it can take, one event a request, while all is
delivered.

Latencies count from the instant at which a request was due. The echo at the same pace, in the same round, is the floor:
what the machine and the load themselves need.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import Report
from tests.bench.load import Answers, ClosedLoop, OpenLoop
from tests.bench.purchase import Requests, some_prefix
from tests.bench.server import Server, echo, pin_load, tagserver
from tests.bench.vendor import Vendor

SATURATING = 6000
"""Requests by which it is found out how many a second a server can take."""


async def saturation(server: Server, vendor: Vendor, requests: int) -> float:
    """Requests a second, as fast as they are answered; the vendor has all of them afterwards."""
    expected = vendor.events + requests
    answers = await ClosedLoop(Requests(1, some_prefix()), requests).run(server.port)
    await vendor.has(expected)
    return requests / answers.seconds


async def at_pace(server: Server, rate: float, seconds: float) -> Answers:
    """The answers, after half a second of warming up."""
    await ClosedLoop(Requests(1, some_prefix()), max(1, int(rate) // 2)).run(server.port, connections=8)
    answers = await OpenLoop(Requests(1, some_prefix()), int(rate * seconds), rate).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} requests were refused")
    return answers


async def main(
    report: Report, rounds: int, seconds: float, rate: float | None = None, saturating: int = SATURATING
) -> None:
    """Measure and print. `rate`: requests a second instead of half of what ours can take, which `saturating` requests
    find out."""
    vendor = Vendor()
    listening = await vendor.listen()
    found: list[tuple[Answers, Answers]] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        for number in range(rounds):
            async with tagserver(folder, folder / f"data-{number}") as server:
                await saturation(server, vendor, saturating // 4)
                pace = rate or await saturation(server, vendor, saturating) / 2
                expected = vendor.events + max(1, int(pace) // 2) + int(pace * seconds)
                ours = await at_pace(server, pace, seconds)
                await vendor.has(expected)
            async with echo() as server:
                floor = await at_pace(server, pace, seconds)
            found.append((ours, floor))
            print(
                f"  {pace:,.0f}/s: p50 {ours.ms(0.5):.2f} ms, p99 {ours.ms(0.99):.2f}; "
                f"echo {floor.ms(0.5):.2f}, {floor.ms(0.99):.2f}",
                flush=True,
            )
    listening.close()
    times = [ours.ms(0.99) / floor.ms(0.99) for ours, floor in found]
    here, there = (statistics.median(one[which].ms(0.99) for one in found) for which in (0, 1))
    beside = f"{here:.1f} ms, the echo {there:.1f}; {min(times):.1f} to {max(times):.1f} in {rounds} rounds"
    report.row("open", statistics.median(times), beside)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--rate", type=float, help="events a second, instead of half of what ours can take")
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(Report(), arguments.rounds, arguments.seconds, arguments.rate))
