"""What records cost: servers that keep none, a summary and everything, in turn, with 5 tags and with 50.

By CPU: a server whose thread writes beside its loop answers as fast as ever while the core has time left.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import Report
from tests.bench.server import pin_load, tagserver
from tests.bench.table import Round, one_round
from tests.bench.vendor import Vendor

LEVELS = ("off", "summary", "full")
TAGS = (5, 50)
BATCHES = (1, 20)
"""Events a request."""


async def measure(tags: int, rounds: int, events: int) -> dict[tuple[str, int], list[Round]]:
    """All rounds with so many tags, one of which fires, by level and events a request."""
    vendor = Vendor()
    listening = await vendor.listen()
    found: dict[tuple[str, int], list[Round]] = {}
    with tempfile.TemporaryDirectory() as made:
        for number in range(rounds):
            for level in LEVELS if number % 2 == 0 else reversed(LEVELS):
                folder = Path(made) / f"{level}-{number}"
                folder.mkdir()
                write_config(folder, {"meta": vendor.port}, tags, records=level)
                async with tagserver(folder, folder / "data") as server:
                    rest = server.rss()
                    for batch in BATCHES:
                        one = await one_round(server, vendor, batch, events, rest)
                        found.setdefault((level, batch), []).append(one)
    listening.close()
    return found


async def main(report: Report, rounds: int, events: int) -> None:
    """Measure and print."""
    for tags in TAGS:
        found = await measure(tags, rounds, events)
        for level in LEVELS[1:]:
            for batch in BATCHES:
                pairs = zip(found[level, batch], found["off", batch], strict=True)
                ratios = [one.per_cpu / off.per_cpu for one, off in pairs]
                after = statistics.median(one.after for one in found[level, batch])
                rate = statistics.median(one.per_cpu for one in found[level, batch])
                report.row(
                    f"{level} {tags}" if batch == 1 else f"{level} {tags}, {batch}",
                    statistics.median(ratios),
                    f"{min(ratios):.3f} to {max(ratios):.3f}; {rate:,.0f} events a CPU second, {after:.0f} MB after",
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=20_000, help="of each measurement")
    asked = parser.parse_args()
    pin_load()
    uvloop.run(main(Report(), asked.rounds, asked.events))
