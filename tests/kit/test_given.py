"""A tag's parameters, sorted."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import MISSING
from tagserver.plugin import Omitted
from tagserver.plugin.fields import Given, is_missing

from .anything import any_json, any_text

NAMES = frozenset({"event_name", "user_data", "event_id"})


def test_fields_and_the_rest() -> None:
    omitted: list[Omitted] = []
    parameters = {"event_name": "Lead", "shop": 0, "empty": "", "gone": MISSING, "user_data": {"em": "a", "ph": None}}
    made = Given(parameters, NAMES, omitted)
    assert made.text("event_name") == "Lead"
    assert made.group("user_data") == {"em": "a"}
    assert made.rest == {"shop": 0}
    assert made.text("missing") is None
    assert made.group("missing") == {}
    assert omitted == []


def test_a_tag_cannot_change_the_event_id() -> None:
    """Wherever the vendor has it."""
    for names in (NAMES, frozenset[str]()):
        omitted: list[Omitted] = []
        made = Given({"event_id": "mine"}, names, omitted)
        assert (made.fields, made.rest) == ({}, {})
        assert [one.field for one in omitted] == ["event_id"]


def test_what_is_not_of_its_type_is_named() -> None:
    omitted: list[Omitted] = []
    made = Given({"event_name": ["a"], "user_data": "a"}, NAMES, omitted)
    assert made.text("event_name") is None
    assert made.group("user_data") == {}
    assert omitted == [Omitted("event_name", "is not text"), Omitted("user_data", "is not a map")]


def test_a_number_is_a_name() -> None:
    assert Given({"event_name": 7}, NAMES, []).text("event_name") == "7"


@given(st.dictionaries(any_text | st.sampled_from(sorted(NAMES)), any_json))
def test_no_value_raises(parameters: dict[str, Any]) -> None:
    """Each parameter that has a value is a field, in the rest, or the event_id that is refused."""
    made = Given(parameters, NAMES, [])
    values = {key for key, value in parameters.items() if not is_missing(value)}
    assert made.fields.keys() | made.rest.keys() == values - {"event_id"}
    for name in NAMES:
        made.text(name)
        assert not any(map(is_missing, made.group(name).values()))


def test_an_empty_list_is_a_value_where_the_vendor_says_so() -> None:
    """And nowhere else; an empty text is none in any case."""
    sent = {"options": [], "event_name": [], "other": []}
    assert Given(sent, {"options", "event_name"}, [], empty={"options"}).fields == {"options": []}
    assert Given({"options": ""}, {"options"}, [], empty={"options"}).fields == {}
