"""Items at every vendor: what is no quantity or price is left out and named, and nothing stands in its place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Skip
from tagserver.testing import make_event

from .nine import NAMES, configuration

CONTAINER = configuration("archive").compile().container
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
OWN = ("shop", "archive")
"""Systems of one's own get what was pushed, as it was."""
WITH_ITEMS = [name for name in NAMES if name not in (*OWN, "linkedin")]
"""LinkedIn takes no items."""
COUNTS = {"num_items", "item_count"}
GOOD = {"item_id": "good", "price": 20, "quantity": 2}


def pushed(shop: Mapping[str, Any]) -> dict[str, Any]:
    """A purchase as a page pushes it."""
    return {
        "event": "purchase",
        "client_id": "1.2",
        "user_data": {"email": "erika@example.com"},
        "page": {"location": "https://shop.example/thanks"},
        "ecommerce": {"transaction_id": "T-1", "value": 40, "currency": "EUR", **shop},
        "consent": GRANTED,
    }


def decided(name: str, shop: Mapping[str, Any]) -> Decision:
    """What one destination makes of a purchase."""
    assert CONTAINER is not None
    decisions = route(CONTAINER, make_event(pushed(shop), ip="198.51.100.7", user_agent="agent")).decisions
    return next(one for one in decisions if one.tag.destination.name == name)


def body_of(decision: Decision) -> Any:
    assert decision.decision == "send", decision
    return json.loads(decision.body)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects within a value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(one)


def about(body: Any, item_id: str) -> list[dict[str, Any]]:
    """The items of a payload that have an id."""
    return [one for one in objects(body) if item_id in one.values()]


@pytest.mark.parametrize("name", WITH_ITEMS)
@pytest.mark.parametrize("quantity", [0, -1, -2.0, "2 pcs", "1,5", "3 Stück", True, [1], {"a": 1}])
def test_a_quantity_that_is_none_is_not_replaced(name: str, quantity: Any) -> None:
    decision = decided(name, {"items": [{"item_id": "odd", "quantity": quantity}, GOOD]})
    body = body_of(decision)
    (good,) = about(body, "good")
    assert good["quantity"] == 2
    assert [one for one in about(body, "odd") if "quantity" in one] == []
    assert any(one.field.endswith(".quantity") and "above zero" in one.why for one in decision.omitted)
    counts = {key: count for one in objects(body) for key, count in one.items() if key in COUNTS}
    assert counts in ({}, {next(iter(counts), ""): 2})
    assert quantity == 0 or not counts


@pytest.mark.parametrize("name", WITH_ITEMS)
@pytest.mark.parametrize("price", ["7,20", "1,450.00", "1.450,00", "7.20 CHF", "1e3", True, [7]])
def test_a_price_that_is_none_is_left_out_and_named(name: str, price: Any) -> None:
    decision = decided(name, {"items": [{"item_id": "odd", "price": price}, GOOD]})
    (odd,) = about(body_of(decision), "odd")
    assert [key for key in odd if "price" in key] == []
    assert any("price" in one.field and "plain number" in one.why for one in decision.omitted)


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_sound_items_are_taken_and_nothing_is_named(name: str) -> None:
    decision = decided(name, {"items": [{"item_id": "one", "price": "7.20"}, GOOD]})
    body = body_of(decision)
    assert decision.omitted == ()
    assert len(about(body, "one")) == len(about(body, "good")) == 1
    (one,) = about(body, "one")
    assert one.get("quantity", 1) == 1


@pytest.mark.parametrize("name", OWN)
def test_a_system_of_ones_own_gets_what_was_pushed(name: str) -> None:
    """A warehouse wants to see the mistake itself: nothing is made of it, and nothing is left out."""
    items = [{"item_id": "odd", "price": "1,450.00", "quantity": -1}, GOOD]
    decision = decided(name, {"items": items})
    body = body_of(decision)
    found = body["items"] if name == "archive" else body["data"]["ecommerce"]["items"]
    assert found == items
    assert decision.omitted == ()


FROM_ITEMS = ["meta", "snapchat", "tiktok", "pinterest", "linkedin", "reddit"]
NEED_VALUE = {"meta", "snapchat"}
SUMS = {"value", "amount"}


@pytest.mark.parametrize("name", FROM_ITEMS)
@pytest.mark.parametrize(
    ("items", "total"),
    [
        ([{"item_id": "a", "price": 20, "quantity": 0}, {"item_id": "b", "price": 6}], 6),
        ([{"item_id": "a", "price": 20, "quantity": 2}, {"item_id": "b", "price": "6.50"}], 46.5),
        ([{"item_id": "a", "price": 20, "quantity": -1}, {"item_id": "b", "price": 6}], None),
        ([{"item_id": "a", "price": 20, "quantity": "1,5"}, {"item_id": "b", "price": 6}], None),
        ([{"item_id": "a", "price": 20, "quantity": "2 pcs"}], None),
        ([{"item_id": "a", "price": "20,00"}], None),
        ([{"item_id": "a"}, {"item_id": "b", "price": 6}], None),
    ],
)
def test_what_items_add_up_to_is_right_or_not_there(name: str, items: list[dict[str, Any]], total: Any) -> None:
    """With `value_from_items`: the sum of sound numbers, or no value and a word about it."""
    assert CONTAINER is not None
    configured = CONTAINER.destinations[name]
    assert configured.settings is not None
    settings = dataclasses.replace(configured.settings, value_from_items=True)
    event = make_event(pushed({"value": None, "items": items}), ip="198.51.100.7", user_agent="agent")
    if total is None and name in NEED_VALUE:
        with pytest.raises(Skip, match="missing_required") as skipped:
            configured.plugin.build(event, {}, settings, "send")
        assert any("do not add up" in one.why for one in skipped.value.omitted)
        return
    built = configured.plugin.build(event, {}, settings, "send")
    found = [float(one[key]) for one in objects(built.body) for key in SUMS & one.keys()]
    assert found == ([] if total is None else [total])
    assert any("do not add up" in one.why for one in built.omitted) == (total is None)
