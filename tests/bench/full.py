"""Every row in one run, each with what must be reached, what is aimed at, and whether it is met. Within half an hour of
two cores; `--row` measures a part of it."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Collection

import uvloop

from tests.bench import backlog, calls, destinations, neighbours, openloop, records, stages, table
from tests.bench.goals import Report
from tests.bench.server import pin_load

PARTS = ("calls", "destinations", "stages", *table.ROWS, "openloop", "backlog", "neighbours", "records")


def inside(report: Report, parts: Collection[str]) -> None:
    """What is measured in this process."""
    if "calls" in parts:
        calls.main(report, purchases=7, listed=False)
    if "destinations" in parts:
        destinations.main(report, repeats=9)
    if "stages" in parts:
        stages.main(report, repeats=15)


async def servers(report: Report, parts: Collection[str], rivals: table.Rivals) -> None:
    """What is measured of servers."""
    if rows := [row for row in table.ROWS if row in parts]:
        await table.main(report, rounds=5, events=20_000, rivals=rivals, rows=rows)
    if "openloop" in parts:
        await openloop.main(report, rounds=5, seconds=10)
    if "backlog" in parts:
        await backlog.main(report, size=1_000_000, batch=50, rounds=5)
    if "neighbours" in parts:
        await neighbours.main(report, seconds=15, rounds=3)
    if "records" in parts:
        await records.main(report, rounds=5, events=20_000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="append", choices=PARTS, help="only this one; may be said again")
    table.add_rivals(parser)
    arguments = parser.parse_args()
    whole, began, report = arguments.row or PARTS, time.monotonic(), Report()
    load = os.getloadavg()[0]
    pin_load()
    inside(report, whole)
    uvloop.run(servers(report, whole, table.Rivals(arguments.sdk_python, arguments.node_modules)))
    report.table()
    minutes = (time.monotonic() - began) / 60
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {minutes:.0f} minutes; the load of the machine before was {load:.1f}")
