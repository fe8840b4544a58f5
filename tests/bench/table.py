"""The main table: echo, ours and the SDK in turn on one core, load and vendor on the other; medians and ratios.

Ours answers after its commit, and its CPU time covers the delivery of everything.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench.container import write_config
from tests.bench.goals import left_out, report
from tests.bench.load import ClosedLoop
from tests.bench.purchase import Requests
from tests.bench.server import Server, Starting, direct, echo, pin_load, tagserver
from tests.bench.vendor import Vendor

SLOWER = 20
"""The SDK gets so many times fewer events: it is that much slower."""


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
    return Round(number / seconds, number / (server.cpu() - before), p50, p99, rest, server.rss())


async def _load(server: Server, vendor: Vendor | None, events: int, requests: int) -> tuple[float, float, float]:
    expected = (vendor.events if vendor else 0) + requests * events
    answers = await ClosedLoop(Requests(events, os.urandom(4).hex()), requests).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {requests} requests were refused")
    if vendor is not None:
        await vendor.has(expected)
    return answers.seconds, answers.ms(0.5), answers.ms(0.99)


async def measure(rounds: int, events: int, sdk_python: str | None) -> Rounds:
    """All rounds, interleaved."""
    vendor = Vendor()
    listening = await vendor.listen()
    found: Rounds = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        for number in range(rounds):
            for name, starting in _servers(folder, folder / f"data-{number}", vendor, sdk_python):
                async with starting as server:
                    rest = server.rss()
                    for batch in (1, 20):
                        total = events // SLOWER if name == "SDK" else events * (2 if batch > 1 else 1)
                        to = None if name == "echo" else vendor
                        found.setdefault((name, batch), []).append(await one_round(server, to, batch, total, rest))
    listening.close()
    return found


def _servers(config: Path, data: Path, vendor: Vendor, sdk_python: str | None) -> Iterator[tuple[str, Starting]]:
    yield "echo", echo()
    yield "ours", tagserver(config, data)
    if sdk_python:
        yield "SDK", direct(sdk_python, vendor.port)


def median(rounds: list[Round], field: str) -> float:
    """Of one figure."""
    return float(statistics.median(getattr(one, field) for one in rounds))


def show(found: Rounds) -> None:
    """The table."""
    print(f"{'':<8}{'ev/req':>7}{'events/s':>11}{'ev/CPU-s':>11}{'p50 ms':>9}{'p99 ms':>9}{'RSS MB':>8}")
    for (name, events), rounds in sorted(found.items(), key=lambda one: one[0][1]):
        rate, per_cpu, p50, p99, after = (median(rounds, field) for field in ("rate", "per_cpu", "p50", "p99", "after"))
        print(f"{name:<8}{events:>7}{rate:>11,.0f}{per_cpu:>11,.0f}{p50:>9.1f}{p99:>9.1f}{after:>8.0f}")
    print()


def show_ratios(found: Rounds) -> None:
    """Ours against the floor and the rival, each pair of one round."""
    _ratio(found, "echo", "rate", 1, "echo")
    _ratio(found, "sdk", "per_cpu", 1, "SDK")
    _ratio(found, "sdk20", "per_cpu", 20, "SDK")
    report("rest", median(found["ours", 1], "rest"), f"the echo {median(found['echo', 1], 'rest'):.0f} MB")


def _ratio(found: Rounds, goal: str, field: str, events: int, floor: str) -> None:
    if (floor, events) not in found:
        return left_out(goal, "the SDK's environment is missing")
    both = list(zip(found["ours", events], found[floor, events], strict=True))
    pairs = [getattr(ours, field) / getattr(other, field) for ours, other in both]
    per_cpu = statistics.median(ours.per_cpu / other.per_cpu for ours, other in both)
    beside = f"{min(pairs):.2f} to {max(pairs):.2f} in {len(pairs)} rounds"
    return report(goal, statistics.median(pairs), beside if field == "per_cpu" else f"{beside}; by CPU {per_cpu:.2f}")


async def main(rounds: int, events: int, sdk_python: str | None) -> None:
    """Measure and print."""
    found = await measure(rounds, events, sdk_python)
    show(found)
    show_ratios(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000, help="events per measurement of the fast servers")
    parser.add_argument("--sdk-python", help="the python of an environment that has facebook-business")
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(arguments.rounds, arguments.events, arguments.sdk_python))
