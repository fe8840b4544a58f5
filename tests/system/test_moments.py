"""Moments as operators write them."""

from __future__ import annotations

import pytest

from tagserver.system.text import parse_time, readable_time

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0s", NOW),
        ("90s", NOW - 90_000),
        ("2h", NOW - 7_200_000),
        (" 3 d ", NOW - 3 * 86_400_000),
        ("1w", NOW - 7 * 86_400_000),
        ("2027-01-15", NOW - 8 * 3_600_000),
        ("2027-01-15T08:00:00", NOW),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15 09:00:00.250+01:00", NOW + 250),
    ],
)
def test_a_moment(text: str, ms: int) -> None:
    assert parse_time(text, NOW) == ms


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h30m", "-2h", "1.5h", "2H", "٣h", "2027-13-01", "1800000000000", "h", "999999w"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment: write 2h or 3d"):
        parse_time(text, NOW)


def test_it_is_shown_to_the_second() -> None:
    assert readable_time(NOW + 999) == "2027-01-15 08:00:00 UTC"
