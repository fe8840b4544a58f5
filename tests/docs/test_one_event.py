"""The README's way of one event is the way that an event takes."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench import calls

README = Path(__file__).parents[2] / "README.md"
STATION = re.compile(r"^\d+\. `([a-z_/]+\.py)`, `([A-Za-z_.]+)`: ", re.MULTILINE)


async def test_a_purchase_goes_the_way_that_the_readme_lists() -> None:
    """Each function is called, and for the first time after the one before it."""
    told = STATION.findall(README.read_text("utf-8").partition("## One event, from request to vendor")[2])
    assert len(told) == 12
    way = await calls.traced(purchases=3)
    called = [*way.request.functions, *way.store.functions, *way.delivery.functions]
    assert [one for one in called if one in told] == told
