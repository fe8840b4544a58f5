"""Full records have a budget of processor time."""

from __future__ import annotations

import itertools

import pytest

from tagserver.records.budget import SAVED, SHARE, Budget
from tests.fake_time import FakeTime


@pytest.mark.parametrize("cost", [0.0001, 0.003])
def test_over_a_long_time_no_more_is_used_than_the_share(cost: float) -> None:
    """However much there is to do, and in whatever pieces."""
    clock, spent = FakeTime(), itertools.count()
    budget = Budget(clock, lambda: next(spent) * cost)
    used, seconds = 0.0, 100.0
    for _ in range(int(seconds * 1000)):
        clock.advance(0.001)
        if budget.allows:
            with budget.use():
                used += cost
    assert SHARE * seconds <= used + cost
    assert used <= SHARE * seconds + SAVED + cost


def test_after_a_pause_a_rush_is_kept_in_full() -> None:
    clock, spent = FakeTime(), itertools.count()
    budget = Budget(clock, lambda: next(spent) * 0.0001)
    clock.advance(3600)
    kept = 0
    while budget.allows:
        with budget.use():
            kept += 1
    assert kept == pytest.approx(SAVED / 0.0001, abs=2)
