"""Moments in the units that tags and vendors use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin import Omitted, Skip
from tagserver.plugin.event_time import event_time, last_moment, milliseconds, rfc3339
from tagserver.testing import NOW, make_event

from .anything import any_json


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (1_790_000_000, 1_790_000_000_000),
        (1_790_000_000_123, 1_790_000_000_123),
        (1_790_000_000_123_456, 1_790_000_000_123),
        (17_900_000_000, None),
        (0, None),
        (-1_790_000_000, None),
        (1_790_000_000.0, None),
        ("1790000000", None),
        (True, None),
        (10**16, None),
    ],
)
def test_units_are_told_apart_by_their_digits(value: Any, made: int | None) -> None:
    """Fractions of a millisecond are cut, never rounded up."""
    assert milliseconds(value) == made


@pytest.mark.parametrize(
    ("pushed", "said", "made", "named"),
    [
        (NOW - 5, None, NOW - 5, False),
        (NOW - 5, NOW // 1000 - 60, NOW - 60_000, False),
        (NOW - 5, NOW - 7, NOW - 7, False),
        (NOW - 5, "yesterday", NOW - 5, True),
        (NOW - 5, NOW + 1000, NOW, False),
        (NOW - 5, NOW + 600_001, NOW, True),
        (NOW + 1000, None, NOW, False),
    ],
)
def test_the_time_to_send(pushed: int, said: Any, made: int, named: bool) -> None:
    """The tag's, else the event's; a clock that runs ahead a little is taken as now, and far ahead it is named."""
    omitted: list[Omitted] = []
    event = make_event({"timestamp": pushed})
    assert event_time(event, said, "event_time", omitted) == made
    assert [one.field for one in omitted] == ["event_time"] * named


def test_rfc3339() -> None:
    assert rfc3339(NOW) == "2026-09-21T14:13:20.000Z"
    assert rfc3339(NOW + 7) == "2026-09-21T14:13:20.007Z"


@given(st.integers(0, 4_000_000_000_000))
def test_rfc3339_reads_back(moment: int) -> None:
    assert round(datetime.fromisoformat(rfc3339(moment)).timestamp() * 1000) == moment


@given(any_json)
def test_no_value_raises(said: Any) -> None:
    """And the time is never later than now."""
    assert event_time(make_event({}), said, "t", []) <= NOW


def test_the_last_moment_leaves_four_hours_for_the_queue() -> None:
    event = make_event({})
    assert last_moment(event, NOW, 7, "The vendor") == NOW + (7 * 24 - 4) * 3_600_000


def test_an_event_that_was_too_old_when_it_came_is_skipped() -> None:
    """To the millisecond."""
    event, omitted = make_event({}), [Omitted("a", "b")]
    oldest = NOW - (7 * 24 - 4) * 3_600_000
    assert last_moment(event, oldest + 1, 7, "The vendor") == NOW + 1
    with pytest.raises(Skip) as caught:
        last_moment(event, oldest, 7, "The vendor", omitted)
    assert (caught.value.reason, caught.value.detail) == ("too_old", "The vendor takes events of the last 7 days")
    assert caught.value.omitted == tuple(omitted)
