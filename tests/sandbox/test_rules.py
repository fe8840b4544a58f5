"""The rules of one event, case by case from rules.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tagserver.sandbox.rules import first_refusal, refuse
from tests.fast_yaml import safe_load

TABLE = safe_load((Path(__file__).parent / "rules.yaml").read_text("utf-8"))


def laid_over(case: dict[str, Any]) -> dict[str, Any]:
    """The event of a case."""
    event = TABLE["base"] | case.get("with", {})
    return {key: value for key, value in event.items() if key not in case.get("without", ())}


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    """The event is refused with the code and subcode of the table, or not at all."""
    refusal = refuse(laid_over(case), TABLE["now"])
    assert (refusal and [refusal.code, refusal.subcode]) == case.get("refused")


@pytest.mark.parametrize("event", [None, 7, "event", [], True])
def test_event_is_an_object(event: object) -> None:
    """Any other JSON value is refused, and breaks nothing."""
    refusal = refuse(event, TABLE["now"])
    assert refusal is not None
    assert refusal.code == 100


def test_huge_value() -> None:
    """An integer beyond any float is no number for a Purchase."""
    event = laid_over({"with": {"event_name": "Purchase", "custom_data": {"value": 10**400, "currency": "EUR"}}})
    refusal = refuse(event, TABLE["now"])
    assert refusal is not None
    assert refusal.subcode == 2804009


def test_first_of_a_batch() -> None:
    """The first bad event is the one to blame, by its place."""
    good, bad, worse = TABLE["base"], laid_over({"without": ["event_name"]}), None
    assert first_refusal([good, good], TABLE["now"]) is None
    refusal = first_refusal([good, bad, worse], TABLE["now"])
    assert refusal is not None
    assert refusal.index == 1


def test_values_are_not_repeated() -> None:
    """A refusal names fields, never what was in them."""
    refusal = refuse(laid_over({"with": {"user_data": {"em": "somebody@example.com"}}}), TABLE["now"])
    assert refusal is not None
    assert "user_data.em" in refusal.message
    assert "somebody" not in refusal.message
