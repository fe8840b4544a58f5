"""What is wrong with a file, or with one row of it. No sentence holds a value: a cell may be somebody's address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class BadFile(Exception):
    """The file cannot be read as a whole: a sentence that names the place and says what helps."""


class BadCell(ValueError):
    """One cell cannot be taken as what its column holds; the sentence says why, without its value."""


class RefusedRow(NamedTuple):
    """A row, or an order of several, that becomes no event. `number`: of the event in the file, from 0; `line`: of the
    file, from 1; `column`: its name, empty where it is no single one; `rows`: the cells of all rows of the event, as
    they were read."""

    number: int
    line: int
    column: str
    reason: str
    rows: Sequence[Sequence[str]]
