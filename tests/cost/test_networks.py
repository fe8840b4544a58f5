"""Thousands of networks cost an event what one costs."""

from __future__ import annotations

import pytest

from tagserver.expressions.networks import Networks, parse_network

from .growth import instructions


def _many(number: int) -> Networks:
    return Networks(parse_network(f"10.{one >> 8}.{one & 255}.0/24") for one in range(number))


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "no address"])
def test_many_networks_cost_what_one_costs(address: str) -> None:
    one, many = _many(1), _many(10_000)
    assert instructions(lambda text: many.hold(text), address) == instructions(lambda text: one.hold(text), address)
