"""Plain values: what fits, what does not, and that no value of JSON raises."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tagserver.plugin.plain import (
    currency_code,
    decimal_text,
    identifier,
    number,
    plain_data,
    sendable,
    short_text,
    whole_number,
)
from tagserver.system.text import is_text

from .anything import any_json


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (0, 0),
        (-3, -3),
        (129.9, 129.9),
        ("129.90", 129.9),
        (" 20 ", 20),
        ("20.0", 20.0),
        (".5", 0.5),
        ("-1", -1),
        ("1,299.00", None),
        ("1e5", None),
        ("12 EUR", None),
        ("٣", None),
        ("", None),
        (True, None),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (10**15, None),
        (-1e15, None),
        ([1], None),
    ],
)
def test_number(value: Any, made: Any) -> None:
    """As it stands, or as the text says; nothing is guessed."""
    assert number(value) == made
    assert type(number(value)) is type(made)


@pytest.mark.parametrize(
    ("value", "made"), [("2", 2), (2.0, 2), (0, 0), (2.5, None), (-1, None), ("two", None), (True, None)]
)
def test_whole_number(value: Any, made: Any) -> None:
    assert whole_number(value) == made
    assert type(whole_number(value)) is type(made)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (129.9, "129.9"),
        ("129.90", "129.9"),
        (20, "20"),
        (20.0, "20"),
        (0, "0"),
        (0.0000001, "0.0000001"),
        (123456789012345, "123456789012345"),
        (999999999999999.0, "999999999999999"),
        (1e-200, None),
        ("1,5", None),
        (None, None),
    ],
)
def test_decimal_text(value: Any, made: str | None) -> None:
    """As people write money."""
    assert decimal_text(value) == made


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("SKU-1", "SKU-1"),
        (" a ", "a"),
        (123, "123"),
        (123.0, "123"),
        (1.5, "1.5"),
        (0, "0"),
        ("", None),
        ("  ", None),
        ("\ud800", None),
        (True, None),
        (None, None),
        (math.nan, None),
        (10**40, None),
        (["a"], None),
    ],
)
def test_identifier(value: Any, made: str | None) -> None:
    """A number becomes text; what is no id is None."""
    assert identifier(value) == made
    assert short_text(value) == made


def test_a_long_text_is_cut_and_a_long_id_is_not() -> None:
    assert short_text("a" * 2000) == "a" * 1000
    assert identifier("a" * 2000) == "a" * 2000


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("EUR", "EUR"),
        (" eur ", "EUR"),
        ("euro", None),
        ("€", None),
        ("EU", None),
        ("", None),
        (978, None),
        (None, None),
    ],
)
def test_currency_code(value: Any, made: str | None) -> None:
    assert currency_code(value) == made


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (None, True),
        (True, True),
        (2**63 - 1, True),
        (-(2**63), True),
        (2**63, False),
        (math.nan, False),
        ("ä", True),
        ("\ud800", False),
        ({"a": [1, {"b": None}]}, True),
        ({"\ud800": 1}, False),
        ({1: 1}, False),
        (object(), False),
        (nested(12), True),
        (nested(13), False),
    ],
)
def test_sendable(value: Any, fits: bool) -> None:
    assert sendable(value) is fits


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ({"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False}, {"e": 0, "f": False}),
        ([None, [""], {"a": [None]}], None),
        ((1, None), [1]),
        (2**63, str(2**63)),
        (10**40, None),
        ({"\ud800": 1, "a": "\ud800"}, None),
        (math.inf, None),
    ],
)
def test_plain_data(value: Any, made: Any) -> None:
    """Without what is empty and what JSON cannot hold; zero and false stay."""
    assert plain_data(value) == made


FUNCTIONS = [number, whole_number, decimal_text, identifier, short_text, currency_code, sendable, plain_data]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: str(function.__name__))
@given(value=any_json)
def test_no_value_raises(function: Callable[[Any], Any], value: Any) -> None:
    """And what comes out is what a vendor can have: JSON that reads back as itself."""
    made = function(value)
    assert made is None or sendable(made)
    assert json.loads(msgspec.json.encode(made)) == made


@given(any_json)
def test_what_is_made_fits(value: Any) -> None:
    """What comes out goes in again unchanged."""
    for function in (number, whole_number, decimal_text, identifier, short_text, currency_code, plain_data):
        made = function(value)
        if made is not None:
            assert function(made) == made


@given(any_json)
def test_decimal_text_is_a_plain_number(value: Any) -> None:
    """Without powers of ten, and equal to the number."""
    made, wanted = decimal_text(value), number(value)
    if made is not None:
        assert float(made) == wanted
        assert set(made) <= set("-.0123456789")
        assert is_text(made)
