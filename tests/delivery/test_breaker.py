"""One shared wait after failures, and a breaker above it."""

from __future__ import annotations

import pytest

from tagserver.delivery.health import IN_A_ROW, OF, Breaker
from tests.fake_time import FakeTime


class Least(FakeTime):
    """Chance that always gives the least."""

    def uniform(self, low: float, high: float) -> float:
        return low


def fail(breaker: Breaker, time: FakeTime, times: int = 1) -> float:
    """Failures one after another, each as soon as it may be; the last wait."""
    delay = 0.0
    for _ in range(times):
        time.pass_unseen(breaker.wait())
        delay = breaker.failed(None, time.monotonic())
    return delay


def test_the_first_failure_waits_and_a_success_ends_it() -> None:
    time = Least()
    breaker = Breaker(time)
    assert (breaker.state, breaker.wait()) == ("ok", 0.0)
    assert fail(breaker, time) == 0.5
    assert (breaker.state, breaker.wait()) == ("retrying", 0.5)
    breaker.succeeded()
    assert (breaker.state, breaker.wait()) == ("ok", 0.0)


def test_five_in_a_row_open_it_and_one_success_closes_it() -> None:
    time = Least()
    breaker = Breaker(time)
    fail(breaker, time, IN_A_ROW - 1)
    assert not breaker.open
    fail(breaker, time)
    assert breaker.state == "open"
    breaker.succeeded()
    assert breaker.state == "ok"


def test_requests_that_were_under_way_together_fail_together() -> None:
    """A vendor that goes down with eight requests under way has failed once."""
    time = FakeTime()
    breaker = Breaker(time)
    began = time.monotonic()
    time.pass_unseen(3)
    for _ in range(8):
        breaker.failed(None, began)
    assert not breaker.open
    assert breaker.wait() <= 2.0


def test_half_of_twenty_within_a_minute_open_it() -> None:
    """A vendor that fails every second time is not doubled in load."""
    time = Least()
    breaker = Breaker(time)
    for number in range(OF):
        time.pass_unseen(1)
        if number % 2:
            breaker.failed(None, time.monotonic())
        else:
            breaker.succeeded()
    assert breaker.open


def test_old_failures_are_forgotten() -> None:
    time = Least()
    breaker = Breaker(time)
    for number in range(OF * 2):
        time.pass_unseen(61)
        if number % 2:
            breaker.failed(None, time.monotonic())
        else:
            breaker.succeeded()
    assert not breaker.open


def test_being_throttled_delays_and_never_opens() -> None:
    time = Least()
    breaker = Breaker(time)
    for _ in range(50):
        time.pass_unseen(breaker.wait())
        breaker.failed(7.0, time.monotonic(), throttled=True)
    assert not breaker.open
    assert breaker.wait() == 7.0


@pytest.mark.parametrize(("outage", "longest"), [(60, 30.0), (599, 30.0), (1800, 90.0), (10**6, 3600.0)])
def test_the_wait_is_bounded_by_the_length_of_the_outage(outage: float, longest: float) -> None:
    """At most thirty seconds in the first ten minutes, an hour at last."""
    time = FakeTime()
    breaker = Breaker(time)
    fail(breaker, time, 14)
    time.pass_unseen(outage - time.monotonic())
    assert breaker.failed(None, time.monotonic()) == pytest.approx(longest)


def test_a_wait_is_cut_short_and_an_open_breaker_still_probes() -> None:
    time = Least()
    breaker = Breaker(time)
    fail(breaker, time, IN_A_ROW)
    breaker.cut_short()
    assert breaker.wait() == 0.0
    assert breaker.open


def test_waits_are_cut_short_once_a_second_however_often_somebody_asks() -> None:
    time = FakeTime()
    breaker = Breaker(time)
    cuts = 0
    for _ in range(100):
        if breaker.wait() == 0.0:
            breaker.failed(900.0, time.monotonic())
            cuts += 1
        breaker.cut_short()
        time.pass_unseen(0.1)
    assert 10 <= cuts <= 12
