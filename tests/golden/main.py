"""`tests/golden/run`: the whole corpus, asked of the present code, compared with what is on record."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .adapter import MINTED
from .collected import collected
from .compare import Difference, changes, differences, unexplained
from .corpus import FOLDER, Recorded, files, names, read, write
from .replay import record
from .scenario import Scenario


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("tests/golden/run", description=__doc__)
    parser.add_argument("--only", metavar="NAME", default="*", help="scenarios of this name; * stands for anything")
    parser.add_argument("--show", metavar="N", type=int, default=20, help="differences to print (20)")
    parser.add_argument(
        "--record",
        metavar="FILE",
        nargs="?",
        const="*",
        help="write anew what is answered to the scenarios of a file (all)",
    )
    parser.add_argument(
        "--collect",
        metavar="FILE",
        nargs="?",
        const="*",
        help="read the sources of the scenarios of a file (all) again, too",
    )
    parser.add_argument("--list", action="store_true", help="only print the names")
    return parser.parse_args(words)


def replayed(path: Path, only: str = "*") -> Iterator[tuple[Scenario, Any, Any]]:
    """Each scenario of a file, what was recorded, and what is answered now."""
    for scenario, was in read(path, lambda name: fnmatchcase(name, only)):
        yield scenario, was, asyncio.run(record(scenario))


def compare(only: str, show: int) -> int:
    """Print what differs; 1 when something does that is not meant to, or is meant to and does not."""
    allowed, number = changes(), 0
    found: list[Difference] = []
    for path in files():
        for scenario, was, now in replayed(path, only):
            number += 1
            found += unexplained(differences(scenario.name, was, now), allowed)
    print_all(found, show)
    unmet = [change for change in allowed if not change.met] if only == "*" else []
    for change in unmet:
        print(f"changes.yaml: nothing differs like this any more: {change.where} ({change.reason})")
    meant = sum(change.met for change in allowed)
    print(f"{number} scenarios, {len(found)} differences, {meant} more that are meant")
    return 1 if found or unmet or not number else 0


def print_all(found: list[Difference], show: int) -> None:
    for one in found[:show]:
        print(one)
    if found:
        print("\nhow often, by what differs:")
        for kind, times in Counter(one.kind for one in found).most_common():
            print(f"{times:7} {kind}")


def steady(scenarios: Iterable[Scenario], said: list[str]) -> Iterator[Recorded]:
    """Records of what is answered; a scenario that is not always answered equally is left out, and named. One in which
    ids are minted is asked more often: what is drawn by such an id may be equal by chance."""
    for scenario in scenarios:
        first = asyncio.run(record(scenario))
        times = 8 if MINTED in json.dumps(first) else 1
        again = (asyncio.run(record(scenario)) for _ in range(times))
        parts = (part for other in again for part in differences(scenario.name, first, other))
        if part := next(parts, None):
            said.append(f"left out, it is not always answered equally: {part}")
        else:
            yield scenario, first


def write_anew(name: str, scenarios: Iterable[Scenario]) -> None:
    """A file of the corpus."""
    said: list[str] = []
    made = list(steady(scenarios, said))
    path = FOLDER / f"{name}.jsonl.xz"
    write(path, made)
    print("\n".join([*said, f"{path.name}: {len(made)} scenarios, {path.stat().st_size} bytes"]))


def main(words: list[str]) -> int:
    asked = arguments(words)
    logging.disable(logging.CRITICAL)
    if asked.list:
        print("\n".join(name for path in files() for name in names(path)))
        return 0
    if asked.collect:
        for name, scenarios in collected().items():
            if fnmatchcase(name, asked.collect):
                write_anew(name, scenarios)
        return 0
    if asked.record:
        for path in files():
            if fnmatchcase(name := path.name.removesuffix(".jsonl.xz"), asked.record):
                write_anew(name, [scenario for scenario, _ in read(path)])
        return 0
    return compare(asked.only, asked.show)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
