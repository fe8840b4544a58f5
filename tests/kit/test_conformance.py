"""The conformance check finds each way to break a rule, and nothing in a destination that keeps them."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from tagserver.plugin import (
    Built,
    Destination,
    Event,
    Mode,
    StandardEvents,
    default_outcome,
)
from tagserver.testing import check_destination
from tagserver.testing.shut import Fault, sentences

from .broken import BROKEN
from .post import (
    SETTINGS,
    Post,
    as_a_form,
    body,
    classified,
    declared,
    encoded,
    in_the_query,
    packed,
    packed_form,
    request,
)


class Named(Post):
    standard_events = StandardEvents({"purchase": "Purchase"})

    def event_names(self, settings: Any) -> Mapping[str, str]:
        return self.standard_events.names | {"lead": "Lead"}  # type: ignore[operator]  # (wrong on purpose)


def test_a_destination_that_keeps_the_rules() -> None:
    """As it is."""
    assert check_destination(Post, SETTINGS) == []


@pytest.mark.parametrize(("broken", "fault"), BROKEN, ids=[fault for _, fault in BROKEN])
def test_each_rule_is_looked_at(broken: type[Destination], fault: str) -> None:
    """A destination that breaks it is found out, and the check itself never fails."""
    faults = check_destination(broken, SETTINGS)
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(type("C", (Post,), {"event_id": False}), id="a vendor without an event_id"),
        pytest.param(type("C", (Post,), {"version_ends": lambda self, settings: date(2030, 1, 1)}), id="versions end"),
        pytest.param(body(lambda event: {"data_processing_options": []}), id="no limits is said by an empty list"),
        pytest.param(body(lambda event: {"value": 0, "flag": False}), id="zero and false are values"),
        pytest.param(declared("hashed", "who", lambda event: hashlib.sha256(b"x").hexdigest()), id="a declared hash"),
        pytest.param(
            declared("clear", "who", lambda event: str(event.user_data.get("phone_number") or "?")),
            id="a declared number",
        ),
        pytest.param(
            declared("clear", "who", lambda event: {"mail": str(event.user_data.get("email") or "?")}),
            id="a declared person",
        ),
        pytest.param(request(url=lambda s: f"https://post.example/?t={s.token.reveal()}"), id="a secret in the query"),
        *(pytest.param(encoded(one), id=one.__name__) for one in (in_the_query, as_a_form, packed, packed_form)),
        pytest.param(Named, id="names of the vendor, one by the settings"),
        pytest.param(classified(default_outcome), id="answers by their status"),
    ],
)
def test_what_is_no_fault(fine: type[Destination]) -> None:
    """The check is not stricter than the contract."""
    assert check_destination(fine, SETTINGS) == []


def test_a_fault_is_said_once_with_its_line_and_how_often() -> None:
    """The line is the author's own, although the error came from deeper down."""

    class Reading(Post):
        def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
            json.loads("{")
            raise AssertionError

    line = inspect.getsourcelines(Reading.build)[1] + 1
    plain, more, *rest = check_destination(Reading, SETTINGS)
    at = f"test_conformance.py:{line}"
    assert plain == f"build raises JSONDecodeError for purchase: only Skip is allowed ({at}, 30 times)"
    assert more.startswith("build raises JSONDecodeError for purchase with parameters: only Skip")
    assert rest == ["no sample event becomes a payload"]


def test_faults_that_differ_stay_apart() -> None:
    faults = [Fault("a {}", "x", "f.py:1"), Fault("a {}", "y", "f.py:1"), Fault("a {}", "z", "f.py:2"), Fault("b {c}")]
    assert sentences(faults) == ["a x (f.py:1, 2 times)", "a z (f.py:2)", "b {c}"]


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, RecursionError])
def test_whatever_comes_out_of_a_plugin_is_a_fault(error: type[BaseException]) -> None:
    def fail(*arguments: Any, **known: Any) -> Any:
        raise error

    for method in ("__init__", "hosts", "build", "request", "classify", "exchange"):
        faults = check_destination(type("Changed", (Post,), {method: fail}), SETTINGS)
        assert any(error.__name__ in one and "test_conformance.py:" in one for one in faults), method
