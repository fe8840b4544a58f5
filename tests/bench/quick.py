"""All ratios in small, within 25 seconds: whether everything still runs, and where it roughly stands."""

from __future__ import annotations

import argparse

import uvloop

from tests.bench import backlog, neighbours, openloop, stages, table
from tests.bench.server import pin_load


async def main(sdk_python: str | None) -> None:
    """Measure and print."""
    table.show_ratios(await table.measure(rounds=1, events=2000, sdk_python=sdk_python))
    await openloop.main(rate=1500, seconds=1)
    await backlog.main(size=12_000, batch=50)
    await neighbours.main(seconds=1, rounds=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk-python", help="the python of an environment that has facebook-business")
    arguments = parser.parse_args()
    stages.main(repeats=3)
    pin_load()
    uvloop.run(main(arguments.sdk_python))
