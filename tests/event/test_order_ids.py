"""One function of ids for every door: the copies of one order meet by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import Facts
from tagserver.event.minor_units import minor_units
from tagserver.event.order_ids import event_id_for, order_id
from tagserver.inbound.clients.datalayer import read_event
from tagserver.plugin.plain import identifier

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "order_ids.yaml").read_text())

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.from_regex(r"gid://\w+/\w+/[0-9?x]+")
VALUES = st.recursive(PLAIN, lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(sorted(case.items())))
def test_the_id_follows_from_what_the_door_knows(case: dict[str, Any]) -> None:
    given = {key: value for key, value in case.items() if key not in ("name", "id")}
    assert event_id_for(case["name"], **given) == case["id"]


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.keys() == {"name", "order", "id"}], ids=lambda case: str(sorted(case.items()))
)
def test_the_data_layer_gives_the_same_id(case: dict[str, Any]) -> None:
    """It has no other function of its own: what has to be minted is minted by chance there."""
    pushed = {"event": case["name"], "ecommerce": {"transaction_id": case["order"]}}
    made = read_event(pushed, Facts("browser", 1_800_000_000_000), mint=lambda now: "by chance")
    assert made.event_id == (case["id"] or "by chance")
    assert "minted" in [note.code for note in made.notes]


def test_an_id_of_the_senders_own_stays_byte_for_byte() -> None:
    pushed = {"event": "purchase", "event_id": " gid://shopify/Order/1 ", "ecommerce": {"transaction_id": "1"}}
    assert read_event(pushed, Facts("browser", 1_800_000_000_000)).event_id == " gid://shopify/Order/1 "


@given(VALUES)
def test_any_value_is_an_order_or_none(value: Any) -> None:
    """Whatever a door is sent: no error, and an order is known again by its own id."""
    found = order_id(value)
    assert found is None or (found == found.strip() and order_id(found) == found)
    assert found == identifier(value) or str(value).strip().startswith("gid://"), "as destinations read ids"


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [
        (1999, "EUR", 19.99),
        (1999, "eur", 19.99),
        (1999, " usd ", 19.99),
        (1999, "JPY", 1999.0),
        (1999, "krw", 1999.0),
        (1999, "KWD", 1.999),
        (5, "TND", 0.005),
        (0, "EUR", 0.0),
        (-500, "EUR", -5.0),
        (10, "XXX", 0.1),
        (29, "EUR", 0.29),
        (1999, "", None),
        (1999, None, None),
        (19.99, "EUR", None),
        ("1999", "EUR", None),
        (True, "EUR", None),
        (None, "EUR", None),
        (10**15, "EUR", None),
    ],
)
def test_minor_units_are_counted_by_the_currency(amount: object, currency: object, value: float | None) -> None:
    assert minor_units(amount, currency) == value


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1), st.sampled_from(["EUR", "JPY", "BHD"]))
def test_an_amount_has_no_more_digits_than_its_currency(amount: int, currency: str) -> None:
    """Nothing is lost by it: times the currency's own unit it is the amount again."""
    made = minor_units(amount, currency)
    assert made is not None
    unit = {"EUR": 100, "JPY": 1, "BHD": 1000}[currency]
    assert round(made * unit) == amount
