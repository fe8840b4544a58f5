"""Thousands of configurations with requests, drawn from a seed: what nobody would think of writing down as a case.

Plain data, from names and values of the contract alone: nothing of the server's code is asked, no clock, no order of a
set. The same seed gives the same scenarios on every machine, and each is drawn by itself: a part of them is the same
as in the whole. Whoever changes a table here changes the scenarios, and with them what is on record.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.golden.generated import containers, requests
from tests.golden.generated.drawing import Draw
from tests.golden.scenario import NOW, Scenario


def scenarios(seed: int, count: int) -> Iterator[Scenario]:
    """The first `count` scenarios of a seed."""
    for number in range(count):
        yield scenario(seed, number)


def scenario(seed: int, number: int) -> Scenario:
    """One of them."""
    draw = Draw(f"{seed}/{number}")
    files, tools = containers.files(draw)
    return Scenario(
        f"generated/{seed}/{number:05d}",
        files,
        containers.ENVIRONMENT,
        requests.requests(draw, tools, NOW + draw.below(86_400_000)),
    )
