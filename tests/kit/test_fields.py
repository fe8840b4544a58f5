"""Fields of a payload: read by their kind, or named and left out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tagserver.event.event import MISSING
from tagserver.event.identity import Identity
from tagserver.event.placeholder import EMPTY_HASH
from tagserver.plugin import Omitted
from tagserver.plugin.fields import (
    COUNT,
    CURRENCY,
    DATA,
    ID,
    IDS,
    IP,
    MONEY_TEXT,
    NUMBER,
    ROWS,
    TEXT,
    TEXTS,
    Group,
    Kind,
    field_label,
    is_missing,
)

from .anything import any_json, any_text

KINDS = [NUMBER, COUNT, MONEY_TEXT, CURRENCY, ID, IDS, TEXT, TEXTS, IP, ROWS, DATA]


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        (NUMBER, "129.90", 129.9),
        (NUMBER, 0, 0),
        (COUNT, "2", 2),
        (MONEY_TEXT, 20, "20"),
        (CURRENCY, "eur", "EUR"),
        (ID, 7, "7"),
        (IDS, [7, " a ", None, ""], ["7", "a"]),
        (IDS, "a", ["a"]),
        (TEXT, 7, "7"),
        (IP, "198.51.100.7", "198.51.100.7"),
        (ROWS, [{"a": 1}], [{"a": 1}]),
        (DATA, {"a": False}, {"a": False}),
        (DATA, False, False),
    ],
)
def test_what_fits_is_set(kind: Kind, value: Any, made: Any) -> None:
    omitted: list[Omitted] = []
    group = Group("", omitted)
    group.put("key", value, kind)
    assert group == {"key": made}
    assert omitted == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (NUMBER, "many"),
        (NUMBER, True),
        (COUNT, 1.5),
        (MONEY_TEXT, "1,5"),
        (CURRENCY, "euro"),
        (ID, {"a": 1}),
        (IDS, True),
        (TEXT, True),
        (IP, "10.0.0.1"),
        (ROWS, [{"a": 1}, 7]),
        (ROWS, [{}]),
        (ROWS, "a"),
        (DATA, float("nan")),
    ],
)
def test_what_does_not_fit_is_named(kind: Kind, value: Any) -> None:
    """Without the value."""
    omitted: list[Omitted] = []
    group = Group("custom_data", omitted)
    group.put("key", value, kind)
    assert group == {}
    assert omitted == [Omitted("custom_data.key", kind.fault)]


def test_of_a_list_what_fits_is_kept_and_the_rest_is_counted() -> None:
    omitted: list[Omitted] = []
    group = Group("custom_data", omitted)
    group.put("content_ids", [7, True, "a", None, [1]], IDS)
    assert group == {"content_ids": ["7", "a"]}
    assert omitted == [Omitted("custom_data.content_ids", "2 of 4 values: is no id")]


@pytest.mark.parametrize("value", [None, MISSING, "", [], {}])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.fault))
def test_what_is_missing_leaves_no_trace(kind: Kind, value: Any) -> None:
    """Nor does it take away what is there."""
    omitted: list[Omitted] = []
    group = Group("", omitted)
    group["key"] = 1
    group.put("key", value, kind)
    assert group == {"key": 1}
    assert omitted == []
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, 0.0, False, " ", [None]])
def test_nought_and_false_are_values(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("key", "shown"), [("value", "value"), (7, "7"), ("\ud800", "?"), ("a\nb", "?"), ("a" * 99, "a" * 60), ((), "?")]
)
def test_names_can_be_shown(key: Any, shown: str) -> None:
    assert field_label(key) == shown


def test_hashes_are_lists_of_64_digits() -> None:
    """A hash that Meta's parameter builder has made has an appendix, which other vendors do not know."""
    omitted: list[Omitted] = []
    group = Group("user", omitted)
    made = "0a1b" * 16
    identity = Identity({"user_data": {"email": [made, f"{made}.AQ", "no address"], "phone_number": EMPTY_HASH}})
    group.put_hashes("em", identity.email)
    group.put_hashes("email", identity.email, single=True)
    group.put_hashes("ph", identity.phone())
    assert group == {"em": [made], "email": made}
    assert {one.field for one in omitted} == {"user.em", "user.email", "user.ph"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.fault))
@given(key=any_text | any_json, value=any_json)
def test_no_value_raises(kind: Kind, key: Any, value: Any) -> None:
    """Any key, any value: a field that JSON can hold and that is not empty, or a name that says why not."""
    omitted: list[Omitted] = []
    group = Group("g", omitted)
    group.put(key, value, kind)
    if not kind.each:
        assert len(group) + len(omitted) == (0 if is_missing(value) else 1)
    assert not any(map(is_missing, group.values()))
    msgspec.json.encode(group)
    msgspec.json.encode([one.field for one in omitted])
