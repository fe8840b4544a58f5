"""What one event costs with all destinations of this repository, and what each adds to an event that goes to Meta.

From the text of an event to its payloads (decode, decide, build), inside the process and without the queue: every event
another person's; what identifies a person is worked out once for all of them. All containers are measured in turn, by
this thread's time on the processor. The share of a destination is that of its round, and the median of the rounds is
told; the calls of functions of ours, which are the same each time, stand beside it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tagserver.config.collect import CollectConfig
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.enrich import read_facts
from tagserver.ingest.body import split
from tagserver.pipeline.route import route
from tagserver.plugin.registry import Registry
from tests.bench.goals import Report
from tests.bench.purchase import purchase
from tests.bench.traced import Tracer
from tests.destinations.nine import CONFIG, NAMES, TOKENS

FIRST = "meta"
EVENTS = 300
"""Of each measurement."""
HEADERS = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) bench", "accept-language": "de-DE,de;q=0.9"}


def container(names: tuple[str, ...]) -> Container:
    """The container of all destinations, cut to some of them."""
    whole: dict[str, Any] = yaml.safe_load((CONFIG / "container.yaml").read_text())
    cut = {
        "destinations": {name: one for name, one in whole["destinations"].items() if name in names},
        "tags": [tag for tag in whole["tags"] if tag["destination"] in names],
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "server.yaml").write_text((CONFIG / "server.yaml").read_text())
        (Path(folder) / "container.yaml").write_text(yaml.safe_dump(cut, sort_keys=False))
        environ = TOKENS | {"ARCHIVE": "/var/lib/events"}
        made = ConfigurationFolder(Path(folder), Registry.load(), environ).compile().container
    assert made is not None
    return made


class Events:
    """Purchases, each another person's, from the bytes on."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def microseconds(self, made: Container, number: int) -> float:
        """Of one event: read, decided, built; the mean of so many."""
        bodies, facts = self._some(number)
        began = time.thread_time()
        for body in bodies:
            routing = route(made, read_event(split(body, CollectConfig())[0][0], facts))
        took = time.thread_time() - began
        assert all(decision.built is not None for decision in routing.decisions)
        return took / number * 1e6

    def calls(self, made: Container) -> int:
        """Functions of ours that are called for one event."""
        bodies, facts = self._some(1)
        tracer = Tracer()
        tracer.install()
        tracer.begin()
        try:
            route(made, read_event(split(bodies[0], CollectConfig())[0][0], facts))
        finally:
            tracer.remove()
        return len(tracer.end())

    def _some(self, number: int) -> tuple[list[bytes], Facts]:
        bodies = [json.dumps(purchase("e", f"{next(self._numbers):08d}")).encode() for _ in range(number)]
        return bodies, read_facts("browser", time.time_ns() // 1_000_000, HEADERS, "198.51.100.7")


def main(report: Report, repeats: int, events: int = EVENTS) -> None:
    """Measure and print."""
    cases = {FIRST: (FIRST,), "all": tuple(NAMES)} | {name: (FIRST, name) for name in NAMES if name != FIRST}
    made = {name: container(names) for name, names in cases.items()}
    purchases = Events()
    for one in made.values():
        purchases.microseconds(one, events)  # once for what is worked out once
    rounds = [{name: purchases.microseconds(one, events) for name, one in made.items()} for _ in range(repeats)]
    calls = {name: purchases.calls(one) for name, one in made.items()}

    def more(name: str, number: int = 1) -> tuple[float, float]:
        """What a destination more costs, in microseconds and of an event to the first alone."""
        costs = [(one[name] - one[FIRST]) / number for one in rounds]
        shares = [cost / one[FIRST] for cost, one in zip(costs, rounds, strict=True)]
        return statistics.median(costs), statistics.median(shares)

    alone = statistics.median(one[FIRST] for one in rounds)
    print(f"to {FIRST} alone: {alone:.1f} us and {calls[FIRST]} calls an event")
    for name in NAMES:
        if name != FIRST:
            us, share = more(name)
            print(f"  {name:<12}{us:>8.1f} us more, {share:>4.0%}; {calls[name] - calls[FIRST]:>4} calls")
    number = len(NAMES) - 1
    us, share = more("all", number)
    each = [(one["all"] - one[FIRST]) / number / one[FIRST] for one in rounds]
    called = (calls["all"] - calls[FIRST]) / number / calls[FIRST]
    beside = f"{min(each):.2f} to {max(each):.2f} in {repeats} rounds; {us:.0f} us; by calls {called:.2f}"
    report.row("added", share, beside)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    main(Report(), parser.parse_args().repeats)
