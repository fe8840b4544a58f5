"""What follows from the names of an event's fields is the same however often it is asked, and strangers' names take up
no room that grows."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.event.shape import LONGEST_NAME, MOST, MOST_NAMES, MOST_SETS, SHAPES, Shape


def shape_of(data: Mapping[str, object]) -> Shape:
    return SHAPES[(*data,)]


def test_names_are_told_apart_in_their_order() -> None:
    found = shape_of({"b": 1, "a": 2, "c": 3})
    assert found[frozenset("ab")] == found[frozenset("ab")] == (("b", "a"), ("c",))
    assert found[frozenset()] == ((), ("b", "a", "c"))
    assert shape_of({})[frozenset("ab")] == ((), ())


def test_events_of_the_same_names_in_the_same_order_share_a_shape() -> None:
    assert shape_of({"a": 1, "b": 2}) is shape_of({"a": [], "b": None})
    assert shape_of({"a": 1, "b": 2}) is not shape_of({"b": 2, "a": 1})


def test_names_of_strangers_are_not_kept() -> None:
    many = {f"n{number}": number for number in range(MOST_NAMES + 1)}
    long = {"x" * (LONGEST_NAME + 1): 1}
    assert shape_of(many) is not shape_of(many)
    assert shape_of(long) is not shape_of(long)
    assert shape_of(many)[frozenset(many)] == (tuple(many), ())
    for number in range(3 * MOST):
        shape_of({f"stranger {number}": 1})
    assert len(SHAPES) <= MOST


def test_a_shape_remembers_so_many_answers() -> None:
    found = shape_of({"a": 1})
    for number in range(3 * MOST_SETS):
        assert found[frozenset({f"n{number}"})] == ((), ("a",))
    assert len(found) <= MOST_SETS
