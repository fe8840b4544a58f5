"""Items under a vendor's names, and what they add up to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin import Omitted
from tagserver.plugin.fields import COUNT, ID, NUMBER, TEXT, Group, is_missing
from tagserver.plugin.item_plan import MOST_NAMED, ItemPlan
from tagserver.plugin.items import (
    PIECES,
    QUANTITY,
    event_value,
    items_count,
    items_total,
    put_items,
    put_value,
)
from tagserver.testing import make_event

from .anything import any_json

FIELDS = {
    "id": ("item_id", ID),
    "name": ("item_name", TEXT),
    "item_price": ("price", NUMBER),
    "quantity": ("quantity", COUNT),
}


def put(items: Any, needed: str | None = None, name: str = "custom_data") -> tuple[dict[str, Any], list[Omitted]]:
    omitted: list[Omitted] = []
    group = Group(name, omitted)
    put_items(group, "contents", items, FIELDS, needed)
    return group, omitted


def test_items_get_the_vendors_names() -> None:
    made, omitted = put([{"item_id": 1, "item_name": "Jacket", "price": "20", "quantity": 2, "colour": "red"}])
    assert made == {"contents": [{"id": "1", "name": "Jacket", "item_price": 20, "quantity": 2}]}
    assert omitted == []


def test_a_tags_own_items_have_the_vendors_names_already() -> None:
    """By the same kinds; what is missing is named as the tag would write it."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    put_items(group, "contents", [{"id": 1, "item_price": "20"}, {"item_id": "b"}], FIELDS, "id", own=True)
    assert group == {"contents": [{"id": "1", "item_price": 20}]}
    assert [(one.field, one.why) for one in omitted] == [
        ("contents.item_id", "is no field of an item that the vendor knows"),
        ("contents", "1 of the items without id"),
    ]


@pytest.mark.parametrize(
    ("items", "rows", "said"),
    [
        ('[{"id": "a", "quantity": "2"}]', [{"id": "a", "quantity": 2}], []),
        (" [] ", None, []),
        (None, None, []),
        ("", None, []),
        ("[a]", None, ["contents is a text that looks like JSON, and is no list"]),
        ('{"id": "a"}', None, ["contents is a text that looks like JSON, and is no list"]),
        ("[" * 100_000 + "]" * 100_000, None, ["contents is a text that looks like JSON, and is no list"]),
        ("a", None, ["contents 1 of the items are no objects"]),
        (["a", {"id": "b"}, None], [{"id": "b"}], ["contents 2 of the items are no objects"]),
    ],
)
def test_a_tags_own_items_may_be_a_text(items: Any, rows: Any, said: list[str]) -> None:
    """As a template of a shop writes them; what is no list of objects is named."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    put_items(group, "contents", items, FIELDS, "id", own=True)
    assert group.get("contents") == rows
    assert [f"{one.field} {one.why}" for one in omitted] == said


def test_unknown_fields_are_named_up_to_a_number() -> None:
    """What a stranger sends may not make a long list."""
    omitted: list[Omitted] = []
    put_items(Group("", omitted), "contents", [{f"x{n}": 1 for n in range(1000)} | {"id": 1}], FIELDS, own=True)
    assert len(omitted) == MOST_NAMED


def test_what_an_item_does_not_say_may_have_a_meaning() -> None:
    """`unsaid` stands where nothing is said; never where something was said that is no quantity, and never alone."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    items = [{"item_id": "a"}, {"item_id": "b", "quantity": None}, {"item_id": "c", "quantity": "many"}, {}]
    put_items(group, "contents", items, FIELDS | {"quantity": ("quantity", QUANTITY)}, unsaid={"quantity": 1})
    assert group["contents"] == [{"id": "a", "quantity": 1}, {"id": "b", "quantity": 1}, {"id": "c"}]
    assert [one.why for one in omitted] == [
        "is not a number above zero",
        "1 of the items without any field that is known",
    ]


def test_several_fields_may_be_needed() -> None:
    """Each item is counted for the first that it lacks."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    items = [{"item_id": "a", "quantity": 1}, {"item_id": "b"}, {"quantity": 2}, {"item_name": "c"}]
    put_items(group, "contents", items, FIELDS, ("id", "quantity"))
    assert group["contents"] == [{"id": "a", "quantity": 1}]
    assert [one.why for one in omitted] == ["1 of the items without quantity", "2 of the items without item_id"]


def test_an_item_without_what_is_needed_is_counted() -> None:
    """In the words of the data layer, which its author knows."""
    made, omitted = put([{"item_id": "a"}, {"item_name": "b"}, {}, 7, None], needed="id")
    assert made == {"contents": [{"id": "a"}]}
    assert omitted == [Omitted("custom_data.contents", "2 of the items without item_id")]


def test_a_field_that_does_not_fit_is_named_once() -> None:
    """Whatever the number of items."""
    made, omitted = put([{"item_id": "a", "price": "x"}, {"item_id": "b", "price": "y"}, {"price": "z"}], name="")
    assert made == {"contents": [{"id": "a"}, {"id": "b"}]}
    assert omitted == [
        Omitted("contents.item_price", "is not a plain number"),
        Omitted("contents", "1 of the items without any field that is known"),
    ]


@pytest.mark.parametrize("items", [None, [], "a", {}, {"0": {}}, [None, 7, []]])
def test_no_items_leave_no_trace(items: Any) -> None:
    assert put(items) == ({}, [])
    assert items_total(items) is None
    assert items_count(items) is None


@pytest.mark.parametrize(
    ("items", "total", "count"),
    [
        ([{"price": 20, "quantity": 2}, {"price": "9.90"}], 49.9, 3),
        ([{"price": 0.1, "quantity": 3}], 0.3, 3),
        ([{"price": 0}], 0, 1),
        ([{"price": 5, "quantity": None}], 5, 1),
        ([{"price": 5, "quantity": ""}], 5, 1),
        ([{"price": 5, "quantity": 0}], 0, None),
        ([{"price": 5, "quantity": 0}, {"price": 3, "quantity": "2"}], 6, 2),
        ([{"price": 5, "quantity": -1}, {"price": 3}], None, None),
        ([{"price": 5, "quantity": "2 pcs"}], None, None),
        ([{"price": 5, "quantity": "1,5"}], None, None),
        ([{"price": 5, "quantity": True}], None, None),
        ([{"price": -5}, {"price": 8}], 3, 2),
        ([{"price": 5, "quantity": 1.5}], 7.5, None),
        ([{"price": 5}, {"quantity": 2}], None, 3),
        ([{"price": "x"}], None, 1),
    ],
)
def test_sums(items: Any, total: Any, count: Any) -> None:
    """A quantity that is not said is one; one that is said and is none, or a price that is not said, makes the sum
    unknown. A line of a discount has a price below zero."""
    assert items_total(items) == total
    assert items_count(items) == count


@pytest.mark.parametrize(
    ("shop", "from_items", "value"),
    [
        ({"value": 0, "items": [{"price": 5}]}, True, 0),
        ({"value": "many", "items": [{"price": 5}]}, True, "many"),
        ({"value": "", "items": [{"price": 5}]}, True, 5),
        ({"items": [{"price": 5}]}, True, 5),
        ({"items": [{"price": 5}]}, False, None),
        ({}, True, None),
    ],
)
def test_the_items_add_up_to_a_value_where_there_is_none_and_that_is_wanted(
    shop: dict[str, Any], from_items: bool, value: Any
) -> None:
    assert event_value(make_event({"ecommerce": shop}), from_items) == value


@pytest.mark.parametrize(
    ("shop", "from_items", "value", "said"),
    [
        ({"value": "5", "items": [{"price": "x"}]}, True, 5, []),
        ({"items": [{"price": 5, "quantity": 2}]}, True, 10, []),
        ({"items": [{"price": 5, "quantity": -2}]}, True, None, ["the items do not add up"]),
        ({"items": [{"item_id": "a"}]}, True, None, ["the items do not add up"]),
        ({"items": [{"price": 5, "quantity": -2}]}, False, None, []),
        ({"items": []}, True, None, []),
        ({"value": "1,450.00", "items": [{"price": 5}]}, True, None, ["is not a plain number"]),
    ],
)
def test_items_that_do_not_add_up_are_named(
    shop: dict[str, Any], from_items: bool, value: Any, said: list[str]
) -> None:
    """Where they were to: a value of their own stands, whatever they are."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    put_value(group, "value", make_event({"ecommerce": shop}), NUMBER, from_items=from_items)
    assert group.get("value") == value
    assert len(omitted) == len(said)
    assert all(part in one.why for part, one in zip(said, omitted, strict=True))


@pytest.mark.parametrize("value", [0, -1, 0.0, "0", "-2", "2 pcs", "1,5", True, None, [1], float("inf"), "1e3"])
def test_what_is_no_quantity(value: Any) -> None:
    assert QUANTITY.read(value) is None
    assert PIECES.read(value) is None


@pytest.mark.parametrize(("value", "quantity", "pieces"), [(1, 1, 1), ("2", 2, 2), (2.0, 2, 2), ("1.5", 1.5, None)])
def test_a_quantity(value: Any, quantity: Any, pieces: Any) -> None:
    """Some vendors take whole numbers alone."""
    assert QUANTITY.read(value) == quantity
    assert PIECES.read(value) == pieces


items = st.lists(st.dictionaries(st.sampled_from(["item_id", "item_name", "price", "quantity"]), any_json) | any_json)


@given(items | any_json, st.sampled_from([None, "id"]))
def test_no_value_raises(value: Any, needed: str | None) -> None:
    """Whatever stands among the items: rows without anything empty, sums that JSON can hold."""
    made, omitted = put(value, needed)
    for row in made.get("contents", []):
        assert row
        assert not any(map(is_missing, row.values()))
        assert needed is None or needed in row
    msgspec.json.encode([made, [one.field for one in omitted], items_total(value), items_count(value)])


PLANNED = {**FIELDS, "weight": ("weight", QUANTITY), "pieces": ("pieces", PIECES)}
USUAL = {"item_id": "1", "item_name": "Jacket", "price": 9.5, "weight": 2, "pieces": 3}
ODD = [" a ", "", "null", "12", 0, -1, 2.5, -2.5, float("nan"), 10**16, -(10**16), 1e300, True, None, [], ["a"], {}]


@pytest.mark.parametrize("place", [place for place, _ in PLANNED.values()])
@pytest.mark.parametrize("needed", [None, "id", ("id", "weight")])
def test_a_plan_that_knows_texts_reads_an_odd_item_as_a_new_plan_does(place: str, needed: Any) -> None:
    learned = ItemPlan(PLANNED, needed, unsaid={"name": "?"})
    for odd in ODD:
        for items in ([USUAL], [USUAL | {place: odd}], [USUAL | {place: odd}], [7, USUAL, {place: odd}]):
            made = []
            for plan in (learned, ItemPlan(PLANNED, needed, unsaid={"name": "?"})):
                group = Group("", [])
                plan.put(group, "contents", items)
                made.append((repr(dict(group)), group.omitted))
            assert made[0] == made[1], odd
