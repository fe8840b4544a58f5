"""What those who live at one place share, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.event.home import MOST, home_of
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import CITY

from .hashes import sha256

BERLIN = {"city": "Berlin", "region": "Berlin", "postal_code": "10115", "country": "DE"}


def _person(**address: Any) -> Identity:
    return Identity({"user_data": {"address": address}})


def test_who_lives_at_one_place_shares_what_was_made_of_it() -> None:
    first, second = _person(**BERLIN, first_name="Erika"), _person(**BERLIN, first_name="Max")
    assert first.home is second.home
    assert first.city == second.city == ((sha256("berlin"),), ())
    assert first.first_name != second.first_name
    assert CITY in first.home.found
    assert second.country == "de"


@pytest.mark.parametrize("field", ["city", "region", "postal_code", "country"])
@pytest.mark.parametrize("value", [["Berlin", "Bonn"], {"a": 1}, True, 10115, 10115.0, "x" * 32])
def test_what_is_no_short_text_is_shared_with_nobody(field: str, value: Any) -> None:
    one, other = _person(**BERLIN | {field: value}), _person(**BERLIN | {field: value})
    assert one.home is not other.home
    assert one.city == other.city


def test_a_number_is_not_taken_for_another_that_python_holds_equal() -> None:
    assert _person(postal_code="1").postal_code[0] == (sha256("1"),)
    assert _person(postal_code=True).postal_code == ((), ("is not text",))
    assert _person(postal_code=1).postal_code[0] == (sha256("1"),)


def test_of_places_so_many_are_remembered() -> None:
    berlin = home_of(BERLIN)
    for number in range(MOST):
        home_of({"city": f"place {number}"})
    assert home_of(BERLIN) is not berlin
    assert home_of({"city": "Berlin", "country": "DE"}).country == "de"
