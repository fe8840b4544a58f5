"""`map` and `when` of a sender: what they make of a body; what the visitor's own word in it counts for; and that
nothing in a body makes them fail, or cost more than its size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.event_map import event_map_of, event_test_of
from tagserver.consent.merge import source_consent
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import read_event
from tests.events import consent_of
from tests.fast_yaml import safe_load

CASES: list[dict[str, Any]] = safe_load((Path(__file__).parent / "event_map.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_case(case: Mapping[str, Any]) -> None:
    assert event_map_of(case["map"]).event(case["body"], case.get("headers", {})) == case["event"]


@pytest.mark.parametrize(
    ("conditions", "body", "holds"),
    [
        ({"body.stage": ["won", "lost"]}, {"stage": "won"}, True),
        ({"body.stage": ["won", "lost"]}, {"stage": "open"}, False),
        ({"body.stage": ["won", "lost"]}, {}, False),
        ({"body.total": {"greater_than": 10}, "body.test": {"missing": True}}, {"total": "10.5"}, True),
        ({"body.total": {"greater_than": 10}, "body.test": {"missing": True}}, {"total": 11, "test": False}, False),
        ({"header.X-Topic": {"starts_with": "deal."}}, {}, True),
        ({"any": [{"body.a": 1}, {"body.b": 1}]}, {"b": 1}, True),
        ({"not": {"body.a": 1}}, {"a": 1}, False),
        ({"body.a": {"equals": "{{ body.b }}"}}, {"a": 5, "b": "5"}, True),
    ],
    ids=["listed", "not-listed", "missing", "all", "one-fails", "header", "any", "not", "with-the-body"],
)
def test_conditions(conditions: Any, body: Any, holds: bool) -> None:
    assert event_test_of(conditions).holds(body, {"x-topic": "deal.changed"}) is holds


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"ad_storage": "granted"}, "granted"),
        ({"ad_storage": "denied"}, "denied"),
        ({"ad_storage": "jein"}, "denied"),
        ({"ad_storage": ["granted"]}, "denied"),
        ("yes", "denied"),
        ("", "denied"),
        (5, "denied"),
    ],
    ids=["granted", "denied", "garbled", "list", "text", "empty", "number"],
)
def test_consent_in_a_map_is_the_visitors_own_word(said: Any, word: str) -> None:
    """And one that nobody can read is a refusal."""
    raw = event_map_of({"event": "lead", "consent": "{{ body.said }}"}).event({"said": said}, {})
    contract = source_consent("crm", {"ad_storage": "granted"}, "terms")
    found = consent_of(read_event(raw, Facts("crm", 1_800_000_000_000)), ConsentPolicy(), contract)
    assert found.purpose("ad_storage").state == word
    assert not found.purpose("ad_storage").contract


def test_without_a_word_the_contract_counts() -> None:
    raw = event_map_of({"event": "lead", "consent": "{{ body.said }}"}).event({}, {})
    contract = source_consent("crm", {"ad_storage": "granted"}, "terms")
    found = consent_of(read_event(raw, Facts("crm", 1_800_000_000_000)), ConsentPolicy(), contract)
    assert (found.purpose("ad_storage").state, found.purpose("ad_storage").own) == ("granted", False)


def test_maps_are_told_apart_by_what_is_written() -> None:
    """So that a configuration that is read again is the same, and another one is not."""
    one, same, other = ({"event": "lead", "a": {"b": 1}}, {"event": "lead", "a": {"b": 1}}, {"event": "lead", "a": "b"})
    assert event_map_of(one) == event_map_of(same) != event_map_of(other)
    assert event_test_of({"body.a": 1}) != event_test_of({"body.a": "2"})


def test_what_a_map_reads_is_known() -> None:
    made = event_map_of({"event": "{{ header.X-Topic }}", "id": "{{ header.x-id }}-{{ header.x-topic }}", "em": "x"})
    assert made.headers == ("x-topic", "x-id")
    assert made.fields == {("event",), ("id",), ("em",)}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "ö"]), inner, max_size=3),
    max_leaves=8,
)
_MAP = event_map_of(
    {
        "event": {"lookup": "{{ body.a }}", "table": {"1": "{{ body.b }}"}, "default": "{{ body.a.0 }}"},
        "event_id": "x{{ body.a.b }}y{{ body.ö }}",
        "user_data": {"email": "{{ body.a.a.a }}"},
        "rest": "{{ body }}",
    }
)
_TEST = event_test_of({"any": [{"body.a": {"greater_than": "{{ body.b }}"}}, {"body.a.b": {"contains": "x"}}]})


@given(_json)
def test_no_body_makes_them_fail(body: Any) -> None:
    before = repr(body)
    assert isinstance(_MAP.event(body, {}), dict)
    assert _TEST.holds(body, {}) in (True, False)
    assert repr(body) == before, "the body is nobody's to change"


def test_lists_within_lists_cost_their_size() -> None:
    """A path through lists takes each value once, whatever is repeated on the way."""
    body = {"a": [{"a": [{"a": [1] * 10} for _ in range(10)]} for _ in range(10)]}
    made = event_map_of({"all": "{{ body.a.a.a }}"})
    assert len(made.event(body, {})["all"]) == 1000


def test_a_map_has_so_many_fields_at_most() -> None:
    """A request is walked once for each of them."""
    with pytest.raises(ValueError, match="has 101 fields, and may have 100"):
        event_map_of({f"f{number}": "{{ body }}" for number in range(101)})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"event": "{{ stage }}"}, 'nothing is named "stage" here: write body.stage'),
        ({"event": "{{ body.x }} of {{ header.cookie }}"}, "the header cookie is handed on to nobody"),
        ({"event": "{{ body.x"}, 'has no "}}"'),
        ({"ip": "x"}, "ip is filled in by the server: write ip_override"),
        ({"page.host": "x"}, '"page.host" is read from page.location'),
        ({"ecommerce.items.0.price": 1}, "is one element of a list"),
        ({"user_data.email": "x", "email": "y"}, '"email" is the same field as "user_data.email"'),
        ({"a.b": 1, "a": 2}, '"a" stands in the way of "a.b"'),
        ({"event": {"lookup": "{{ body.x }}"}}, "map.event needs table"),
        ({"event": {"table": {"a": 1}}}, "map.event needs lookup"),
        ({"event": {"lookup": "{{ x }}", "table": {}}}, 'nothing is named "x" here'),
        ({}, "map holds no field"),
        (["event"], "map should be a map, and is a list"),
    ],
)
def test_what_cannot_be_a_map(written: Any, said: str) -> None:
    """Each with its place in `tests/config/problems.yaml`."""
    with pytest.raises(ValueError, match=re.escape(said)):
        event_map_of(written)
