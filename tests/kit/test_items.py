"""Items under a vendor's names, and what they add up to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.kit.fields import COUNT, ID, NUMBER, TEXT, Group, is_missing
from tagserver.kit.items import event_value, items_count, items_total, put_items
from tagserver.plugin import Omitted
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
    assert [one.why for one in omitted] == ["1 of the items without id"]


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
        ([{"price": 5, "quantity": 0}], 5, 1),
        ([{"price": 5, "quantity": 1.5}], 7.5, None),
        ([{"price": 5}, {"quantity": 2}], None, 3),
        ([{"price": "x"}], None, 1),
    ],
)
def test_sums(items: Any, total: Any, count: Any) -> None:
    """A quantity that is not said is one; a price that is not said makes the total unknown."""
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
