"""How many requests at a time: simulations of a vendor with a law, in time that is not real."""

from __future__ import annotations

import pytest

from tagserver.delivery.throttle import START, Limiter
from tests.fake_time import FakeTime


def run(limiter: Limiter, time: FakeTime, capacity: int, rounds: int, base: float = 0.1) -> list[int]:
    """A vendor that answers `capacity` requests at a time in `base` seconds, and makes the others queue behind them;
    with three times as many it says 429. The limit after each round."""
    seen = []
    for _ in range(rounds):
        under_way = limiter.limit
        took = base * max(1.0, under_way / capacity)
        time.pass_unseen(took)
        for _ in range(under_way):
            if under_way > 3 * capacity:
                limiter.overloaded()
            else:
                limiter.answered(took, full=True)
        seen.append(limiter.limit)
    return seen


def test_it_begins_with_two_and_grows_to_its_cap() -> None:
    time = FakeTime()
    limiter = Limiter(time, 16)
    assert limiter.limit == START
    assert run(limiter, time, capacity=1000, rounds=30)[-1] == 16


@pytest.mark.parametrize("capacity", [1, 4, 8])
def test_it_stays_near_what_a_vendor_can_do(capacity: int) -> None:
    time = FakeTime()
    limiter = Limiter(time, 64)
    seen = run(limiter, time, capacity, rounds=300)[100:]
    assert max(seen) <= 3 * capacity + 1
    assert min(seen) >= 1


def test_a_burst_of_refusals_counts_once() -> None:
    time = FakeTime()
    limiter = Limiter(time, 16)
    run(limiter, time, capacity=1000, rounds=30)
    for _ in range(16):
        limiter.overloaded()
    assert limiter.limit == 11


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    """One request at a time says nothing about two."""
    time = FakeTime()
    limiter = Limiter(time, 16)
    for _ in range(100):
        limiter.answered(0.1, full=False)
    assert limiter.limit == START


def test_never_below_one_nor_above_the_cap() -> None:
    time = FakeTime()
    limiter = Limiter(time, 1)
    assert run(limiter, time, capacity=1000, rounds=10)[-1] == 1
    for _ in range(10):
        time.pass_unseen(10)
        limiter.overloaded()
    assert limiter.limit == 1


def test_after_an_outage_it_begins_low() -> None:
    time = FakeTime()
    limiter = Limiter(time, 16)
    run(limiter, time, capacity=1000, rounds=30)
    limiter.restart()
    assert limiter.limit == START
