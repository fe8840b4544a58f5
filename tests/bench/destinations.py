"""What one event costs with all destinations of this repository, and what each adds to an event that goes to Meta.

Deciding and building inside the process, every event another person's; what identifies a person is worked out once for
all of them. Times are the best of several rounds in which all are measured in turn, in microseconds; shares within one
run are what counts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tagserver.config.collect import CollectConfig
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.enrich import read_facts
from tagserver.ingest.body import split
from tagserver.pipeline.route import route
from tagserver.plugin.registry import Registry
from tests.bench.purchase import purchase
from tests.destinations.nine import CONFIG, NAMES, TOKENS

FIRST = "meta"
CALLS = 300
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

    def microseconds(self, made: Container) -> float:
        """Of one event: read, decided, built; the mean of some."""
        bodies = [json.dumps(purchase("e", f"{next(self._numbers):08d}")).encode() for _ in range(CALLS)]
        facts = read_facts("browser", time.time_ns() // 1_000_000, HEADERS, "198.51.100.7")
        began = time.perf_counter()
        for body in bodies:
            routing = route(made, read_event(split(body, CollectConfig())[0][0], facts))
        took = time.perf_counter() - began
        assert all(decision.built is not None for decision in routing.decisions)
        return took / CALLS * 1e6


def main(repeats: int) -> None:
    """Measure and print."""
    cases = {name: (FIRST, name) for name in NAMES if name != FIRST} | {FIRST: (FIRST,), "all": tuple(NAMES)}
    made = {name: container(names) for name, names in cases.items()}
    events = Events()
    rounds = [{name: events.microseconds(one) for name, one in made.items()} for _ in range(repeats)]
    cost = {name: min(one[name] for one in rounds) for name in made}
    one, nine = cost[FIRST], cost["all"]
    print(f"to {FIRST} alone: {one:.1f} us an event")
    for name in NAMES:
        if name != FIRST:
            print(f"  {name:<12}{cost[name] - one:>8.1f} us more, {(cost[name] - one) / one:>4.0%}")
    added = (nine - one) / (len(NAMES) - 1)
    print(f"to all {len(NAMES)}: {nine:.1f} us an event")
    print(f"  each one added: {added:.1f} us, {added / one:.0%} of an event to {FIRST} alone")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    main(parser.parse_args().repeats)
