"""The check of kinds of variables finds each way to break a rule, and nothing in one that keeps them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from tagserver.plugin import MISSING, Variable
from tagserver.testing import check_variable

from ..plugin_with_variables import Failing, Initials, Wild

GIVEN = {"first": "Erika", "last": "Muster"}
_count = itertools.count()


class Slug(Variable):
    """A text as part of an address."""

    type = "slug"
    api_version = 1
    inputs = {"of": "The text.", "dash": "What stands between."}  # noqa: RUF012 (nobody changes it)
    needed = ("of",)

    def value(self, given: Mapping[str, Any]) -> Any:
        """The slug, or nothing."""
        dash = given.get("dash", "-")
        if not isinstance(given.get("of"), str) or not isinstance(dash, str):
            return MISSING
        return dash.join(given["of"].lower().split()) or MISSING


def changed(value: Any = None, **members: Any) -> type[Variable]:
    """A sound kind with something of its own."""
    more = {} if value is None else {"value": lambda self, given: value(given)}
    return type("Changed", (Slug,), {"__doc__": "A kind.", **more, **members})


class Remembering(Slug):
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def value(self, given: Mapping[str, Any]) -> Any:
        """How much it was given that is no text."""
        self.seen += [one for one in given.values() if not isinstance(one, str)]
        return bool(self.seen)


def unborn(self: Any) -> None:
    raise ZeroDivisionError


def reaches(given: Mapping[str, Any]) -> Any:
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
    except OSError:
        return MISSING


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (changed(lambda given: given["of"].lower()), "value raises KeyError for no input: give MISSING for what does"),
        (changed(lambda given: str(given.get("of", "")).upper()[0]), "value raises IndexError for"),
        (changed(lambda given: len(given.get("of", ""))), "value raises TypeError for of as zero: give MISSING"),
        (changed(lambda given: {1, 2}), "value gives set for no input, which JSON cannot hold"),
        (changed(lambda given: next(_count)), "value gives different results for no input"),
        (Remembering, "value remembers what it was given before"),
        (changed(reaches), "value looks up an address, and sockets are shut"),
        (changed(__init__=unborn), "making the class raises ZeroDivisionError (test_variable_check.py:"),
        (changed(api_version=0), "is written for plugin API 0"),
        (changed(type="path"), "the kind path is built in"),
        (changed(inputs={"of": ""}), "the input of has no sentence that says what it is"),
        (changed(inputs={"of": "x"}, needed=("none",)), "needs none, which is not among its inputs"),
        (changed(__doc__=""), "it has no docstring"),
        (type("C", (Variable,), {"type": "c", "value": Slug.value}), "`api_version` is not stated"),
        (str, "is not a Variable class"),
    ],
)
def test_each_rule_is_looked_at(broken: type[Variable], says: str) -> None:
    faults = check_variable(broken)
    assert any(says in one for one in faults), faults


def test_a_fault_is_said_once_with_the_line() -> None:
    """However many odd values it fails for."""
    faults = check_variable(changed(lambda given: given["nothing"]))
    (fault,) = faults
    assert fault.startswith(
        "value raises KeyError for no input: give MISSING for what does not fit (test_variable_check.py:"
    )
    assert fault.endswith(" times)")


@pytest.mark.parametrize("inputs", [None, {"of": "Das neue Rad"}, {"of": "Das neue Rad", "dash": "_"}])
def test_one_that_keeps_the_rules(inputs: Any) -> None:
    assert check_variable(Slug, inputs) == []


def test_those_of_other_tests() -> None:
    assert check_variable(Initials, GIVEN) == [
        "`api_version` is not stated: the version of tagserver.plugin it is written for"
    ]
    assert any("value raises KeyError" in one for one in check_variable(Failing))
    assert any("value gives set" in one for one in check_variable(Wild))


def test_inputs_of_the_check() -> None:
    """They have a value, and are known."""
    assert check_variable(Slug, {"of": 7}) == ["it has no value for the inputs of the check"]
    assert "it has no input off: known are of, dash" in check_variable(Slug, {"off": "x"})
