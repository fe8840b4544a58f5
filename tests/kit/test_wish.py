"""A wish to limit: what is said in any spelling, and that nothing unreadable is ever a permission."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import MISSING
from tagserver.plugin.wish import FREE, LIMITED, NOTHING, UNCLEAR, Wish, read_wish, wish_kind

WORDS = ("LDU",)


@pytest.mark.parametrize("value", [None, MISSING, "", "  ", {}])
@pytest.mark.parametrize("words", [(), WORDS])
def test_nothing_is_said(value: Any, words: tuple[str, ...]) -> None:
    assert read_wish(value, words) == NOTHING


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "true", " TRUE ", "yes", "On"])
@pytest.mark.parametrize("words", [(), WORDS])
def test_a_flag_limits(value: Any, words: tuple[str, ...]) -> None:
    assert read_wish(value, words) == LIMITED


@pytest.mark.parametrize("value", [False, 0, 0.0, "0", "false", "No", " off"])
@pytest.mark.parametrize("words", [(), WORDS])
def test_a_flag_does_not_limit(value: Any, words: tuple[str, ...]) -> None:
    assert read_wish(value, words) == FREE


@pytest.mark.parametrize(
    "value", ["LDU", " ldu", ["LDU"], ["ldu", None, ""], {"0": "LDU"}, '["LDU"]', ' ["ldu", null]', '{"0": "LDU"}']
)
def test_the_vendors_word_limits(value: Any) -> None:
    assert read_wish(value, WORDS) == LIMITED
    assert read_wish(value) == UNCLEAR, "it is no flag"


@pytest.mark.parametrize(("value", "flag"), [([], NOTHING), ("[]", NOTHING)])
def test_an_empty_list_of_words_is_a_choice(value: Any, flag: Wish) -> None:
    assert read_wish(value, WORDS) == FREE
    assert read_wish(value) == flag


@pytest.mark.parametrize(
    "value",
    [
        *([None], [""], ["LDU", "LMU"], [["LDU"]], ["LDU", 1], {"a": {}}, "LDU;", "none", "[", '["LDU"'),
        *("x" * 10_000, "[" * 150, 2, -1, 0.5, float("nan"), float("inf"), object(), b"LDU", ("LDU",)),
    ],
)
@pytest.mark.parametrize("words", [(), WORDS])
def test_what_cannot_be_read_limits(value: Any, words: tuple[str, ...]) -> None:
    assert read_wish(value, words) == UNCLEAR


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_only_a_clear_no_frees(value: Any) -> None:
    """Total, and whatever it is: no limit only by a word for no, or by an empty list."""
    free = read_wish(value, WORDS).limits is False
    text = value.strip().lower() if isinstance(value, str) else ""
    no = text in ("false", "0", "no", "off") or (text[:1] == "[" and not text[1:-1].strip())
    number = isinstance(value, int | float) and value == 0
    assert free == (no or number or value == [])


@pytest.mark.parametrize("one", [NOTHING, FREE, LIMITED, UNCLEAR])
@pytest.mark.parametrize("other", [NOTHING, FREE, LIMITED, UNCLEAR])
def test_who_wants_a_limit_has_it(one: Wish, other: Wish) -> None:
    both = one.or_else(other)
    said = {one.limits, other.limits}
    assert both.limits is (True if True in said else False if False in said else None)
    assert both.clear is (one.clear and other.clear)


def test_a_constant_that_cannot_be_read_is_a_fault() -> None:
    kind = wish_kind("is none", WORDS)
    assert not any(kind.faults(value) for value in ("LDU", "ldu", True, "false", 1))
    assert all(kind.faults(value) for value in ("LUD", "none", 2))
