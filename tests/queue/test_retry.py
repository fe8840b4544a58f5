"""When to try again, and until when: pure functions, as tables."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.queue.retry import FLOOR, LATE_CAP, backoff, deadline, retry_after
from tests.fake_time import START, FakeTime


class Lowest:
    """Chance that always takes the lower end."""

    def uniform(self, a: float, b: float) -> float:
        """The lower end."""
        return a


@pytest.mark.parametrize(
    ("failures", "outage", "asked", "lowest", "highest"),
    [
        (1, 0, None, 0.5, 1),
        (2, 1, None, 0.5, 2),
        (5, 20, None, 0.5, 16),
        (6, 60, None, 0.5, 30),
        (1000, 599, None, 0.5, 30),
        (1000, 600, None, 0.5, 30),
        (1000, 6000, None, 0.5, 300),
        (1000, 10**9, None, 0.5, 3600),
        (1, 0, 0.0, 0.5, 1),
        (1, 0, 10.0, 10, 11),
        (1000, 10**9, 10.0, 10, 3600),
        (1, 0, 3600.0, 3600, 3960),
    ],
)
def test_the_wait_lies_between(
    failures: int, outage: float, asked: float | None, lowest: float, highest: float
) -> None:
    """Never nothing, never more than the cap of the hour, and never less than the vendor asked for."""
    assert backoff(failures, outage, Lowest(), asked) == lowest
    assert backoff(failures, outage, FakeTime(), asked) == pytest.approx(highest)


@given(st.integers(1, 10**6), st.floats(0, 1e9), st.none() | st.floats(0, LATE_CAP), st.integers())
def test_any_wait_is_a_sane_number(failures: int, outage: float, asked: float | None, seed: int) -> None:
    wait = backoff(failures, outage, random.Random(seed), asked)
    assert max(FLOOR, asked or 0) <= wait <= LATE_CAP * 1.1


def test_waits_differ() -> None:
    """Jitter: servers that failed together must not come back together."""
    chance = random.Random(1)
    assert len({backoff(5, 20, chance) for _ in range(20)}) > 15


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("900", 900.0),
        ("901", 900.0),
        ("1e300", 900.0),
        ("inf", 900.0),
        ("9" * 5000, 900.0),
        ("-1", None),
        ("-inf", None),
        ("nan", None),
        ("soon", None),
        ("120 seconds", None),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
        ("Friday, 15-Jan-27 08:01:00 GMT", 60.0),
        ("Fri, 15 Jan 2027 08:01:00 -0000", 60.0),
        ("Fri, 15 Jan 2027 09:01:00 +0100", 60.0),
        ("Fri, 15 Jan 2027 07:59:59 GMT", None),
        ("Fri, 15 Jan 2027 12:00:00 GMT", 900.0),
        ("Fri, 15 Jan 9999 12:00:00 GMT", 900.0),
        ("Fri, 99 Jan 2027 12:00:00 GMT", None),
    ],
)
def test_retry_after_in_every_form(header: str | None, seconds: float | None) -> None:
    """The clock stands at Friday 15 January 2027, 08:00 UTC."""
    assert START == 1_800_000_000_000
    assert retry_after(header, START) == seconds


@given(st.text() | st.from_regex(r"(Mon, )?\d{1,6} Jan \d{1,6} \d\d:\d\d:\d\d [+-]\d{4}", fullmatch=True))
def test_no_header_is_an_error(header: str) -> None:
    """It comes from a stranger."""
    found = retry_after(header, START)
    assert found is None or (0 <= found <= 900 and not math.isnan(found))


@pytest.mark.parametrize(
    ("expires", "unknown_since", "repeat", "end"),
    [
        (None, None, None, None),
        (None, None, 60.0, None),
        (None, 1000, None, None),
        (5000, None, 60.0, 5000),
        (None, 1000, 60.0, 61_000),
        (5000, 1000, 60.0, 5000),
        (99_000, 1000, 60.0, 61_000),
        (0, None, None, 0),
    ],
)
def test_the_earlier_of_two_ends(
    expires: int | None, unknown_since: int | None, repeat: float | None, end: int | None
) -> None:
    """Age, and the time in which a repeat is still counted once; either may be missing."""
    assert deadline(expires, unknown_since, repeat) == end
