"""A dead vendor beside a live one: how late do events come to the live one, and how late when it is alone?

Counted from the instant at which an event was due at our door to its arrival at the vendor.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import Report
from tests.bench.load import OpenLoop
from tests.bench.purchase import Requests, some_prefix
from tests.bench.server import Server, pin_load, tagserver
from tests.bench.vendor import Vendor

RATE = 300


async def lateness(server: Server, vendor: Vendor, seconds: float) -> float:
    """The seconds within which 99 % of the events came to `vendor`."""
    prefix = some_prefix()
    number = int(RATE * seconds)
    expected = vendor.events + number
    vendor.arrivals = {}
    answers = await OpenLoop(Requests(1, prefix), number, RATE).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {number} requests were refused")
    await vendor.has(expected)
    due = {f"{prefix}-{index:08d}".encode(): answers.began + index / RATE for index in range(number)}
    late = sorted(vendor.arrivals[event_id] - at for event_id, at in due.items())
    return late[int(number * 0.99)]


async def main(report: Report, seconds: float, rounds: int) -> None:
    """Measure and print."""
    live, dead = Vendor(), Vendor()
    dead.down = True
    listening = [await vendor.listen() for vendor in (live, dead)]
    alone: list[float] = []
    beside: list[float] = []
    with tempfile.TemporaryDirectory() as made:
        for number in range(rounds):
            for found, vendors in ((alone, {"live": live.port}), (beside, {"live": live.port, "dead": dead.port})):
                folder = Path(made) / f"{number}-{len(vendors)}"
                folder.mkdir()
                write_config(folder, vendors)
                async with tagserver(folder, folder / "data") as server:
                    await lateness(server, live, min(1.0, seconds))
                    found.append(await lateness(server, live, seconds))
    for one in listening:
        one.close()
    ratio = statistics.median(late / early for late, early in zip(beside, alone, strict=True))
    here, there = statistics.median(beside) * 1000, statistics.median(alone) * 1000
    report.row("neighbour", ratio, f"{here:.0f} ms from door to vendor, alone {there:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(Report(), arguments.seconds, arguments.rounds))
