"""Token buckets for each sender, in bounded memory."""

from __future__ import annotations

import pytest

from tagserver.system.rate_limit import BURST, RateLimit, sender_of
from tests.fake_time import FakeTime


def test_off_lets_everything_through_and_keeps_nothing() -> None:
    limit = RateLimit(None, FakeTime())
    assert limit.wait("a", 10**6) == 0.0
    assert len(limit) == 0


def test_a_burst_passes_and_then_the_rate_counts() -> None:
    time = FakeTime()
    limit = RateLimit(10, time)
    assert limit.wait("a", int(10 * BURST)) == 0.0
    assert limit.wait("a", 5) == 0.5
    time.pass_unseen(0.5)
    assert limit.wait("a", 5) == 0.0
    assert limit.wait("a", 1) > 0


def test_senders_do_not_pay_for_each_other() -> None:
    limit = RateLimit(1, FakeTime())
    assert limit.wait("a", 10) == 0.0
    assert limit.wait("a", 1) > 0
    assert limit.wait("b", 10) == 0.0


def test_a_request_larger_than_a_bucket_passes_once_it_is_full_and_is_paid_later() -> None:
    time = FakeTime()
    limit = RateLimit(1, time)
    assert limit.wait("a", 100) == 0.0
    assert limit.wait("a", 1) > 80
    time.pass_unseen(91)
    assert limit.wait("a", 1) == 0.0


def test_a_hundred_thousand_senders_take_bounded_memory() -> None:
    limit = RateLimit(1, FakeTime(), most=1000)
    for number in range(100_000):
        assert limit.wait(str(number), 1) == 0.0
    assert len(limit) == 1000


def test_what_is_spent_without_asking_is_a_debt() -> None:
    time = FakeTime()
    limit = RateLimit(0.5, time, burst=4)
    for _ in range(2):
        limit.spend("a")
        assert limit.wait("a", 0) == 0.0
    limit.spend("a")
    assert limit.wait("a", 0) == 2.0
    assert limit.wait("b", 0) == 0.0
    time.pass_unseen(2)
    assert limit.wait("a", 0) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("not:an:address", "not:an:address", True),
        (None, "", True),
    ],
)
def test_a_customer_with_a_network_is_one_sender(one: str | None, other: str | None, same: bool) -> None:
    assert (sender_of(one) == sender_of(other)) is same
