"""A list as pages write it: a list, one value, a JSON text, a text with commas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin.plain import Unlisted, listed

from .anything import any_json


@pytest.mark.parametrize(
    ("value", "plain", "with_commas"),
    [
        (["a", 1], ["a", 1], ["a", 1]),
        ("a", ["a"], ["a"]),
        (7, [7], [7]),
        ({"a": 1}, [{"a": 1}], [{"a": 1}]),
        ("a, b,", ["a, b,"], ["a", "b", ""]),
        ('["301","302"]', ["301", "302"], ["301", "302"]),
        (" [301, 302]\n", [301, 302], [301, 302]),
        ("[]", [], []),
        ("[SALE]-12", ["[SALE]-12"], ["[SALE]-12"]),
    ],
)
def test_a_list(value: Any, plain: list[Any], with_commas: list[Any]) -> None:
    assert listed(value) == plain
    assert listed(value, commas=True) == with_commas


DEEP, LONG = "[" * 100_000 + "]" * 100_000, f"[{'9' * 5000}]"


@pytest.mark.parametrize("text", ["[a]", "{}", '{"a": 1}', "[\ud83d]", DEEP, LONG])
def test_what_looks_like_json_and_is_no_list(text: str) -> None:
    """It is no value either: an id `[a]` matches nothing."""
    with pytest.raises(Unlisted, match="no list"):
        listed(text, commas=True)


@given(any_json | st.text(), st.booleans())
def test_no_value_raises_anything_else(value: Any, commas: bool) -> None:
    try:
        assert isinstance(listed(value, commas=commas), list)
    except Unlisted:
        assert isinstance(value, str)
