"""A chain of rows: whatever is done to it can be told, but for a cut at its very end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tagserver.audit.chain import Check, Link, Row, digest


def chain(number: int, *more: dict[str, Any]) -> list[bytes]:
    """The lines of so many rows, and of some further records."""
    text, link = Link().rows([{"t": n, "kind": "decision"} for n in range(number)])
    return (text + link.rows(more)[0]).splitlines(keepends=True)


def breaks(lines: Sequence[bytes]) -> list[str]:
    check = Check()
    rows = [Row.of("f", at, line) for at, line in enumerate(lines, 1)]
    return [str(one) for one in (*check.follow(rows), *check.finish())]


def test_a_whole_chain_holds() -> None:
    assert breaks(chain(0)) == []
    assert breaks(chain(50)) == []


@given(number=st.integers(2, 12), data=st.data())
def test_each_removal_is_found_but_for_the_last_rows(number: int, data: st.DataObject) -> None:
    lines = chain(number)
    at = data.draw(st.integers(0, number - 2))
    most = data.draw(st.integers(1, number - 1 - at))
    assert breaks(lines[:at] + lines[at + most :]) != []


@given(number=st.integers(2, 12), data=st.data())
def test_each_altered_byte_is_found_but_for_the_last_row(number: int, data: st.DataObject) -> None:
    """Whether the line is still JSON or not."""
    lines = chain(number)
    at = data.draw(st.integers(0, number - 2))
    line = bytearray(lines[at])
    place = data.draw(st.integers(0, len(line) - 2))
    byte = data.draw(st.integers(0, 255))
    assume(line[place] != byte and byte not in b"\n")
    line[place] = byte
    assert breaks([*lines[:at], bytes(line), *lines[at + 1 :]]) != []


@given(number=st.integers(2, 10), data=st.data())
def test_each_swap_and_each_insertion_is_found(number: int, data: st.DataObject) -> None:
    lines = chain(number)
    one, other = data.draw(st.lists(st.integers(0, number - 1), min_size=2, max_size=2, unique=True))
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    assert breaks(swapped) != []
    assert breaks([*lines[:one], lines[other], *lines[one:]]) != []


def test_a_break_says_where_and_what() -> None:
    lines = chain(4)
    altered = lines[1].replace(b'"t":1', b'"t":7')
    assert breaks([lines[0], altered, *lines[2:]]) == ["f:3: row 2 is not as it was when this row was written"]
    assert breaks([lines[0], *lines[2:]]) == ["f:2: row 3 follows row 1"]
    assert breaks([lines[0], b"{\n", *lines[2:]])[0] == "f:2: this line is no row"
    assert breaks(lines[2:]) == ["f:1: rows 1 to 2 are missing, and no row says that they were removed"]


@pytest.mark.parametrize(("to", "holds"), [(1, False), (2, True), (3, True)])
def test_rows_may_be_missing_at_the_beginning_if_a_row_says_so(to: int, holds: bool) -> None:
    lines = chain(4, {"kind": "removed", "from": 1, "to": to})
    assert (breaks(lines[2:]) == []) is holds


def test_anybody_can_follow_it() -> None:
    """Nothing but SHA-256 of the line before is needed."""
    first, second = chain(2)
    assert digest(first) == digest(first.rstrip(b"\n"))
    assert f'"prev":"{digest(first)}"'.encode() in second
