"""`calculate`: what comes of it, what has no result, and what is said of one that cannot work."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.event.event import MISSING
from tagserver.expressions.decimals import rounded
from tagserver.expressions.scope import Scope

from ..events import event
from ..inbound.test_datalayer import JSON
from .test_variable_types import compiled
from .world import container, load

A, B = "{{ a }}", "{{ b }}"


def result(steps: list[Any], pushed: dict[str, Any], **beside: Any) -> Any:
    """What a calculation gives for an event."""
    return compiled({"calculate": steps, **beside}).variables["v0"](Scope(event(pushed)))


@pytest.mark.parametrize(
    ("steps", "pushed", "gives"),
    [
        ([A, {"minus": B}], {"a": 59.9, "b": 4.9}, 55),
        ([A, {"plus": B}], {"a": 0.1, "b": 0.2}, 0.3),
        ([A, {"minus": B}, {"times": 0.9}, {"divided by": 1.19}], {"a": 119, "b": 19}, Decimal("75.63025210084034")),
        ([A, {"divided by": 3}], {"a": 10}, Decimal("3.3333333333333335")),
        ([A, {"times": B}], {"a": "19.99", "b": "3"}, 59.97),
        ([A, {"times": B}], {"a": " 1.10 ", "b": 1}, 1.1),
        ([A, {"plus": 1}], {"a": 9007199254740993}, 9007199254740994),
        ([A, {"times": -1}], {"a": 0}, 0),
        ([A, {"times": "{{ rate }}"}], {"a": 100, "rate": "1e-2"}, 1),
        ([{"plus": A}, {"plus": B}], {"a": 1, "b": 2}, 3),
        ([{"minus": A}, {"plus": B}], {"a": 1, "b": 2}, 1),
        ([100, {"minus": A}], {"a": 1}, 99),
        (["100", {"minus": A}], {"a": 1}, 99),
    ],
)
def test_from_left_to_right_and_exactly(steps: list[Any], pushed: dict[str, Any], gives: Any) -> None:
    found = result(steps, pushed)
    assert found == (float(gives) if isinstance(gives, Decimal) else gives)
    assert type(found) is (int if found == int(found) else float)


@pytest.mark.parametrize("missing", [{}, {"b": None}, {"b": ""}, {"b": " "}])
def test_what_is_missing_counts_as_nothing_only_where_the_step_says_so(missing: dict[str, Any]) -> None:
    pushed = {"a": 10} | missing
    assert result([A, {"minus": B}], pushed) is MISSING
    assert result([A, {"minus": B, "missing": 0}], pushed) == 10
    assert result([A, {"times": B, "missing": 1}], pushed) == 10
    assert result([A, {"divided by": B, "missing": 2}], pushed) == 5
    assert result([B, {"minus": A, "missing": 0}], pushed) is MISSING, "another step says nothing of this one"
    assert result([{"plus": B, "missing": 0}, {"minus": A}], pushed) == -10
    assert result([A, {"minus": B}], pushed, default="none") == "none"


@pytest.mark.parametrize(
    "value",
    [
        "free",
        "1,5",
        "1.234,50",
        "0x10",
        "1e999999",
        "1" * 200,
        True,
        [1],
        {"x": 1},
        "NaN",
        "Infinity",
        "٣",
        "1 2",
        "--1",
    ],
)
def test_a_value_that_is_no_number_leaves_no_result(value: Any) -> None:
    """Also where something counts for a missing one: this is not missing."""
    assert result([A, {"plus": B, "missing": 0}], {"a": 10, "b": value}) is MISSING
    assert result([B, {"plus": A}], {"a": 10, "b": value}) is MISSING


@pytest.mark.parametrize(
    ("steps", "pushed"),
    [
        ([A, {"divided by": B}], {"a": 10, "b": 0}),
        ([A, {"divided by": B}], {"a": 0, "b": "0.00"}),
        ([A, {"divided by": B}], {"a": 10, "b": "1e-308"}),
        ([A, {"times": B}], {"a": "1e308", "b": "1e308"}),
        ([A, {"plus": B}], {"a": 1e308, "b": 1e308}),  # has 309 digits, and floats end below 1.8e308
        ([A, {"plus": B}], {"a": -1e308, "b": "-9e307"}),
        ([A, {"times": B}], {"a": "1e999", "b": "1e999"}),
        ([A, {"plus": 1}], {"a": 10**400}),
    ],
)
def test_no_result(steps: list[Any], pushed: dict[str, Any]) -> None:
    assert result(steps, pushed) is MISSING


def test_it_is_a_variable_like_any_other() -> None:
    """In a table, in a range, rounded by `format`, and made of others."""
    made = compiled(
        {"calculate": ["{{ ecommerce.value }}", {"minus": "{{ ecommerce.tax }}"}], "format": {"round": 1}},
        {"lookup": "{{ v0 }}", "table": {"50.4": "exact"}},
        {"choose": [{"when": {"v0": {"greater_than": 50, "less_than": 51}}, "value": "in it"}]},
        {"calculate": ["{{ v0 }}", {"times": 2}]},
    ).variables
    scope = Scope(event({"ecommerce": {"value": 59.9, "tax": 9.55}}))
    assert [made[name](scope) for name in ("v0", "v1", "v2", "v3")] == [50.4, "exact", "in it", 100.8]
    assert scope.faults == {}


def test_what_is_made_of_something_personal_is_not_shown() -> None:
    text = """
destinations: {box: {type: box}}
variables: {age: {calculate: [2026, {minus: "{{ user_data.date_of_birth }}"}]}}
triggers: {old: {when: {age: {greater_than: 90}}}}
tags: [{name: A, destination: box, triggers: [old], parameters: {age: "{{ age }}"}}]
"""
    made = container(text)
    explained = made.triggers["old"].explain(Scope(event({"user_data": {"date_of_birth": "1979"}})))
    assert explained == "age greater_than 90, is a value of 2 characters"
    assert made.tags[0].personal == {"user_data.date_of_birth"}


@pytest.mark.parametrize(
    ("steps", "code", "said", "hint"),
    [
        ("{{ a }}", "E111", "should be a list of steps", 'minus: "{{ shipping }}"'),
        ([], "E113", "calculates nothing", "minus"),
        ([A], "E113", "calculates nothing", "minus"),
        ([A, B], "E111", "calculate[1] should be a step", "plus, minus, times, divided by"),
        ([A, {"divided_by": 2}], "E110", 'unknown key "divided_by"', 'did you mean "divided by"?'),
        ([A, {"mins": 2}], "E110", 'unknown key "mins"', 'did you mean "minus"?'),
        ([A, {"plus": 2, "minus": 1}], "E113", "needs exactly one of plus, minus", ""),
        ([A, {"missing": 0}], "E113", "needs exactly one of plus, minus", ""),
        ([A, {}], "E113", "needs exactly one of plus, minus", ""),
        ([{"times": 2}, {"plus": A}], "E115", "nothing stands before times", ""),
        ([A, {"times": "1,19"}], "E115", "calculate[1].times is no number", "decimal point"),
        ([A, {"times": "many"}], "E115", "calculate[1].times is no number", ""),
        ([A, {"times": True}], "E115", "calculate[1].times is no number", ""),
        ([A, {"times": "{{ word }}"}], "E115", "calculate[1].times is no number", ""),
        (["word", {"times": 2}], "E115", "calculate[0] is no number", ""),
        ([A, {"times": [1]}], "E111", "calculate[1].times should be a number", ""),
        ([A, {"times": None}], "E111", "calculate[1].times should be a number", ""),
        ([A, {"divided by": 0}], "E115", "divides by 0", ""),
        ([A, {"divided by": "0.0"}], "E115", "divides by 0", ""),
        ([A, {"divided by": "{{ zero }}"}], "E115", "divides by 0", ""),
        ([A, {"divided by": B, "missing": 0}], "E115", "calculate[1].missing divides by 0", ""),
        ([A, {"minus": B, "missing": "{{ a }}"}], "E111", "calculate[1].missing should be a number", "missing: 0"),
        ([A, {"minus": B, "missing": None}], "E111", "calculate[1].missing should be a number", ""),
        ([A, {"minus": "{{ a b }}"}], "E112", 'nothing is named "a b"', ""),
    ],
)
def test_what_is_wrong_is_said(steps: Any, code: str, said: str, hint: str) -> None:
    variables = {"v": {"calculate": steps}, "word": {"constant": "x"}, "zero": {"constant": 0}}
    found = load({"container.yaml": yaml.safe_dump({"variables": variables, "tags": []})}).problems
    assert any((one.code, said in one.message, hint in one.hint) == (code, True, True) for one in found), found


@settings(deadline=None)
@given(JSON, JSON, JSON)
def test_whatever_arrives_gives_a_number_or_nothing(a: Any, b: Any, c: Any) -> None:
    scope = Scope(event({"a": a, "b": b, "c": c}))
    found = ALL.variables["v0"](scope)
    assert found is MISSING or type(found) in (int, float)
    assert scope.faults == {}


STEPS = [A, {"plus": B, "missing": 0}, {"times": "{{ c }}", "missing": 1}, {"divided by": B, "missing": 1}]
ALL = compiled({"calculate": STEPS})
SUM = compiled({"calculate": [A, {"plus": B}]})
CENTS = st.integers(-(10**13), 10**13)


@given(CENTS, CENTS)
def test_cents_add_up(a: int, b: int) -> None:
    """As whole numbers of them do."""
    assert SUM.variables["v0"](Scope(event({"a": a / 100, "b": b / 100}))) == (a + b) / 100


@pytest.mark.parametrize(
    ("value", "digits", "gives"),
    [
        (2.675, 2, 2.68),
        (1.005, 2, 1.01),
        (-2.675, 2, -2.68),
        (0.5, 0, 1),
        (2.5, 0, 3),
        (59.899999, 2, 59.9),
        (1250, -2, 1300),
        (1249, -2, 1200),
        (59.9, 5, 59.9),
        (1e300, 2, 1e300),
        (1e-300, 2, 0),
        (10**60, -2, 10**60),
        (7, 2, 7),
    ],
)
def test_rounding_is_that_of_paper(value: int | float, digits: int, gives: int | float) -> None:
    """A half goes away from zero, and the half of what is written counts, not of what a machine makes of it."""
    assert rounded(value, digits) == gives
