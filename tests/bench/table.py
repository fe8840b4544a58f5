"""The main table: a JSON echo, ours and the SDK in turn on one core, load and vendor on the other; medians and ratios.

Ours answers after its commit, and its CPU time covers the delivery of everything. Each ratio is of one round; every
second round goes through the servers the other way round. An echo whose core is not busy was held up by the load or by
others on the machine: then events/s say too much for ours, and the ratio by CPU is the one to read.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import Report
from tests.bench.load import ClosedLoop
from tests.bench.purchase import Requests, some_prefix
from tests.bench.server import TICKS, Server, Starting, direct, direct_node, echo, pin_load, tagserver, versions
from tests.bench.vendor import Vendor

ROWS = ("echo", "echo20", "sdk", "sdk20", "batch", "node")
"""The goals that are measured here."""


@dataclass(frozen=True)
class Rival:
    """A server of the table: at which numbers of events a request it is measured, and by how many times fewer events
    than ours, for it is about that much slower. `rows`: those that need it."""

    batches: tuple[int, ...]
    slower: float
    rows: frozenset[str]


SERVERS = {
    "echo": Rival((1,), 1, frozenset({"echo", "echo20"})),
    "ours": Rival((1, 20), 1, frozenset(ROWS)),
    "SDK": Rival((1, 20), 20, frozenset({"sdk", "sdk20"})),
    "SDK batch": Rival((20,), 4, frozenset({"batch"})),
    "Node batch": Rival((20,), 2, frozenset({"node"})),
}


@dataclass(frozen=True)
class Rivals:
    """Where the rivals are installed, None for those that are not: a Python that has the SDK, and a folder that npm has
    filled."""

    sdk_python: str | None = None
    node_modules: str | None = None

    def has(self, name: str) -> bool:
        """Whether a server of the table can be started."""
        if name.startswith("SDK"):
            return self.sdk_python is not None
        return self.node_modules is not None if name == "Node batch" else True


@dataclass(frozen=True)
class Round:
    """One server, once: events a second answered, events a CPU second with everything delivered, latencies in ms,
    resident MB at rest and afterwards."""

    rate: float
    per_cpu: float
    p50: float
    p99: float
    rest: float
    after: float


Rounds = dict[tuple[str, int], list[Round]]


async def one_round(server: Server, vendor: Vendor | None, events: int, total: int, rest: float) -> Round:
    """Warm a server up, load it, and wait until the vendor (if any) has everything."""
    await _load(server, vendor, events, max(1, total // 10 // events))
    before = server.cpu()
    requests = max(1, total // events)
    seconds, p50, p99 = await _load(server, vendor, events, requests)
    number = requests * events
    cpu = max(server.cpu() - before, 1 / TICKS)  # it is counted in ticks
    return Round(number / seconds, number / cpu, p50, p99, rest, server.rss())


async def _load(server: Server, vendor: Vendor | None, events: int, requests: int) -> tuple[float, float, float]:
    expected = (vendor.events if vendor else 0) + requests * events
    answers = await ClosedLoop(Requests(events, some_prefix()), requests).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {requests} requests were refused")
    if vendor is not None:
        await vendor.has(expected)
        if vendor.events > expected:
            raise SystemExit(f"the vendor has {vendor.events - expected} events more than there were")
    return answers.seconds, answers.ms(0.5), answers.ms(0.99)


async def measure(rounds: int, events: int, rivals: Rivals, rows: Collection[str] = ROWS) -> Rounds:
    """All rounds, interleaved: of the servers that these rows need."""
    vendor = Vendor()
    listening = await vendor.listen()
    found: Rounds = {}
    names = [name for name, one in SERVERS.items() if rivals.has(name) and not one.rows.isdisjoint(rows)]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                rival = SERVERS[name]
                async with _starting(name, folder, folder / f"data-{number}", vendor, rivals) as server:
                    rest = server.rss()
                    for batch in rival.batches:
                        total = int(events * (2 if batch > 1 else 1) / rival.slower)
                        to = None if name == "echo" else vendor
                        found.setdefault((name, batch), []).append(await one_round(server, to, batch, total, rest))
    listening.close()
    return found


def _starting(name: str, config: Path, data: Path, vendor: Vendor, rivals: Rivals) -> Starting:
    if name == "echo":
        return echo()
    if name == "ours":
        return tagserver(config, data)
    if name == "Node batch":
        assert rivals.node_modules is not None
        return direct_node(rivals.node_modules, vendor.port)
    assert rivals.sdk_python is not None
    return direct(rivals.sdk_python, vendor.port, batch=name == "SDK batch")


def median(rounds: list[Round], field: str) -> float:
    """Of one figure."""
    return float(statistics.median(getattr(one, field) for one in rounds))


def show(found: Rounds) -> None:
    """The table."""
    print(f"{'':<10}{'ev/req':>7}{'events/s':>11}{'ev/CPU-s':>11}{'p50 ms':>9}{'p99 ms':>9}{'RSS MB':>8}")
    for (name, events), rounds in sorted(found.items(), key=lambda one: one[0][1]):
        rate, per_cpu, p50, p99, after = (median(rounds, field) for field in ("rate", "per_cpu", "p50", "p99", "after"))
        print(f"{name:<10}{events:>7}{rate:>11,.0f}{per_cpu:>11,.0f}{p50:>9.1f}{p99:>9.1f}{after:>8.0f}")
    print()


def show_ratios(report: Report, found: Rounds, rows: Collection[str] = ROWS) -> None:
    """Ours against the floor and the rivals, each pair of one round. The echo is at one event a request in all."""
    pairs = {
        "echo": ("rate", 1, ("echo", 1)),
        "echo20": ("rate", 20, ("echo", 1)),
        "sdk": ("per_cpu", 1, ("SDK", 1)),
        "sdk20": ("per_cpu", 20, ("SDK", 20)),
        "batch": ("per_cpu", 20, ("SDK batch", 20)),
        "node": ("per_cpu", 20, ("Node batch", 20)),
    }
    for row, (field, events, floor) in pairs.items():
        if row not in rows:
            continue
        if floor not in found:
            report.left_out(row, "it is not installed")
        else:
            _ratio(report, row, field, found["ours", events], found[floor])
    if ("echo", 1) in found:
        report.row("rest", median(found["ours", 1], "rest"), f"the echo {median(found['echo', 1], 'rest'):.0f} MB")


def _ratio(report: Report, row: str, field: str, ours: list[Round], floor: list[Round]) -> None:
    both = list(zip(ours, floor, strict=True))
    ratios = [getattr(one, field) / getattr(other, field) for one, other in both]
    beside = f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds"
    if field == "rate":
        by_cpu = statistics.median(one.per_cpu / other.per_cpu for one, other in both)
        busy = statistics.median(other.rate / other.per_cpu for other in floor)
        beside += f"; by CPU {by_cpu:.2f}; the echo's core was {busy:.0%} busy"
    report.row(row, statistics.median(ratios), beside)


async def main(report: Report, rounds: int, events: int, rivals: Rivals, rows: Collection[str] = ROWS) -> None:
    """Measure and print."""
    print(f"rivals: {versions(rivals.sdk_python, rivals.node_modules) or 'none is installed'}")
    found = await measure(rounds, events, rivals, rows)
    show(found)
    show_ratios(report, found, rows)


def add_rivals(parser: argparse.ArgumentParser) -> None:
    """The options that say where they are."""
    parser.add_argument("--sdk-python", help="the python of an environment that has facebook-business")
    parser.add_argument("--node-modules", help="the folder in which npm has installed facebook-nodejs-business-sdk")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=20_000, help="of each measurement of ours at one a request")
    parser.add_argument("--row", action="append", choices=ROWS, help="only this one; may be said again")
    add_rivals(parser)
    arguments = parser.parse_args()
    pin_load()
    installed = Rivals(arguments.sdk_python, arguments.node_modules)
    uvloop.run(main(Report(), arguments.rounds, arguments.events, installed, arguments.row or ROWS))
