"""What one event costs inside the process, by stages and by the size of the container: `tests/bench/run stages`.

Times are the best of several repeats, in microseconds; ratios within one run are what counts.
"""

from __future__ import annotations

import json
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from tagserver.configuration import ConfigurationFolder
from tagserver.container.model import Container
from tagserver.datalayer import read_event
from tagserver.enrich import read_facts
from tagserver.event import Event
from tagserver.pipeline import route
from tagserver.registry import Registry
from tagserver.server.body import split
from tests.bench.bench import write_config
from tests.bench.purchase import purchase

BODY = json.dumps(purchase("e-1")).encode()


def best(work: Callable[[], object], number: int = 2000, repeat: int = 7) -> float:
    """Microseconds of one call."""
    return min(timeit.repeat(work, number=number, repeat=repeat)) / number * 1e6


def container(tags: int) -> Container:
    """The benchmark's container with so many tags."""
    with tempfile.TemporaryDirectory() as folder:
        write_config(Path(folder), 9, tags)
        loaded = ConfigurationFolder(Path(folder), Registry.load(), {"BENCH_TOKEN": "x"}).compile()
    assert loaded.container is not None, loaded.problems
    return loaded.container


def fresh() -> Event:
    """One event, decoded anew: what is derived from it is derived anew, too."""
    facts = read_facts("browser", time.time_ns() // 1_000_000, {"user-agent": "bench"}, "198.51.100.7")
    return read_event(split(BODY, 1 << 18, 1000)[0][0], facts)


def routing(made: Container) -> float:
    """Microseconds to make and route one event."""
    return best(lambda: route(made, fresh()))


def main() -> None:
    """Print the table."""
    making = best(fresh)
    print(f"decode and make the event{making:12.2f} us")
    sizes = {tags: routing(container(tags)) - making for tags in (20, 50, 500)}
    for tags, cost in sizes.items():
        print(f"decide and build, {tags:3} tags{cost:12.2f} us")
    total = making + sizes[20]
    each = (sizes[500] - sizes[20]) / 480
    print(f"one more tag{each:25.3f} us, {each / total * 100:.2f} % of an event with 20 tags (goal 2 %)")


if __name__ == "__main__":
    main()
