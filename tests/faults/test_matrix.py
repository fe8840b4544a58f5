"""The quick rows of the fault matrix, each in a process of its own. `tests/faults/run` runs all of them.

A row that measures time is marked `alone` and runs after all other tests; one that does not runs among them.
"""

from __future__ import annotations

import pytest

from tests.faults.matrix.declared import Row
from tests.faults.matrix.rows import ROWS
from tests.faults.matrix.runner import line, report

QUICK = [pytest.param(row, id=row.number, marks=() if row.untimed else pytest.mark.alone) for row in ROWS if row.quick]


@pytest.mark.parametrize("row", QUICK)
def test_row(row: Row) -> None:
    """The fault was made, enough traffic was seen, and every promise held."""
    shown = report(row, None, long=False)
    print(line(shown))
    assert shown["result"] == "passed", line(shown)


def test_every_row_has_a_number_of_its_own() -> None:
    """And either runs, or says what it waits for."""
    numbers = [row.number for row in ROWS]
    assert len(set(numbers)) == len(numbers)
    assert all((row.run is None) == bool(row.waits_for) for row in ROWS)
