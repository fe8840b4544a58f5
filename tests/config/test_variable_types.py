"""Variables that compute something: a table of definitions, events and values."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.config.model import Container
from tagserver.config.variable_types import TYPES
from tagserver.config.variables import PLAIN
from tagserver.event.event import MISSING
from tagserver.event.values import js_text
from tagserver.expressions.scope import Scope
from tests.fast_yaml import safe_load

from ..events import event
from ..inbound.test_datalayer import JSON
from .world import codes, load

CASES: list[dict[str, Any]] = safe_load(Path(__file__).with_name("variable_types.yaml").read_text())
SERVER = "environment: [SHOP, UNSET, BRACES]\n"


ENVIRON = {"SHOP": "berlin", "BRACES": "{{ event }}"}


def compiled(*variables: dict[str, Any]) -> Container:
    """A container with variables v0, v1 …, all of them used."""
    named = {f"v{number}": one for number, one in enumerate(variables)}
    tags = [
        {"name": "T", "destination": "box", "triggers": ["all"], "parameters": {k: f"{{{{ {k} }}}}" for k in named}}
    ]
    text = yaml.safe_dump({"destinations": {"box": {"type": "box"}}, "variables": named, "tags": tags}, sort_keys=False)
    loaded = load({"server.yaml": SERVER, "container.yaml": text}, ENVIRON)
    assert loaded.container is not None, loaded.problems
    return loaded.container


def value(definition: dict[str, Any], pushed: dict[str, Any], facts: dict[str, Any]) -> Any:
    """What a variable gives for an event."""
    return compiled(definition).variables["v0"](Scope(event(pushed, **facts)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['is']} {case.get('event', '')}"[:90])
def test_value(case: dict[str, Any]) -> None:
    """As the table says."""
    found = value(case["is"], case.get("event", {}), case.get("facts", {}))
    if "sha" in case:
        assert found == hashlib.sha256(case["sha"].encode()).hexdigest()
    else:
        assert found is MISSING if case["gives"] == "MISSING" else found == case["gives"]


def test_every_kind_has_a_case() -> None:
    kinds = {kind for case in CASES for kind in case["is"] if kind in TYPES}
    assert kinds >= set(TYPES).difference(PLAIN)


def test_random_is_the_same_for_the_same_event_and_spreads() -> None:
    container = compiled({"random": 99}, {"random": 99})
    first, second = container.variables["v0"], container.variables["v1"]
    drawn = [first(Scope(event({"event_id": f"e-{number}"}))) for number in range(2000)]
    assert drawn == [first(Scope(event({"event_id": f"e-{number}"}))) for number in range(2000)]
    assert drawn != [second(Scope(event({"event_id": f"e-{number}"}))) for number in range(2000)]
    assert set(drawn) == set(range(100))


def test_random_by_a_key_is_the_same_for_all_its_events() -> None:
    (value,) = compiled({"random": 99, "by": "{{ client_id }}"}).variables.values()
    drawn = [[value(Scope(event({"event_id": f"{n}", "client_id": f"c-{who}"}))) for n in range(3)] for who in range(9)]
    assert all(len(set(one)) == 1 for one in drawn)
    assert len({one[0] for one in drawn}) > 5


def test_a_server_for_tests_says_so() -> None:
    """`debug: true` in server.yaml; a table makes a test code of it."""
    text = """
destinations: {box: {type: box}}
variables:
  debug: {container: debug}
  code: {lookup: "{{ debug }}", table: {true: TEST1}}
tags: [{name: T, destination: box, triggers: [all], parameters: {code: "{{ code }}"}}]
"""
    for server, code in (("debug: true\n", "TEST1"), ("", MISSING)):
        loaded = load({"server.yaml": server, "container.yaml": text})
        assert loaded.container is not None, loaded.problems
        assert loaded.container.variables["code"](Scope(event())) == code


def test_the_container_s_version() -> None:
    container = compiled({"container": "version"})
    assert container.variables["v0"](Scope(event())) == container.version


EVERY = [case["is"] for case in CASES]
ALL = compiled(*EVERY)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"loyalty": JSON, "items": JSON, "page": st.fixed_dictionaries({"location": JSON}), "value": JSON}
    )
)
def test_no_value_breaks_one(pushed: dict[str, Any]) -> None:
    """Whatever JSON arrives: a value or nothing, and never a fault."""
    scope = Scope(event(pushed, ip="198.51.100.7", user_agent="x"))
    for variable in ALL.variables.values():
        js_text(variable(scope))
    assert scope.faults == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{url: '{{ page.location }}', part: hots}", "E115"),
        ("{hash: '{{ event }}', as: md5}", "E115"),
        ("{regex: '{{ event }}'}", "E113"),
        ("{regex: '{{ event }}', table: {'(?=a)': b}}", "E120"),
        ("{regex: '{{ event }}', table: {a: b}, full: true}", "E110"),
        ("{choose: [{value: a}]}", "E113"),
        ("{choose: [{when: {}, value: a}]}", "E113"),
        ("{choose: [{when: {event: {eqals: x}}, value: a}]}", "E110"),
        ("{property: a}", "E113"),
        ("{items: '{{ items }}', pluck: a, sum: [b]}", "E115"),
        ("{items: '{{ items }}', pluck: '{{ item }}'}", "E121"),
        ("{items: '{{ items }}', pluck: '{{ item.a | upper }}'}", "E121"),
        ("{items: '{{ items }}', fields: {a: '{{ no such }}{{ item.a }}'}}", "E112"),
        ("{items: '{{ item.a }}'}", "E123"),
        ("{template: '{{ item.a }}'}", "E123"),
        ("{object: [1]}", "E111"),
        ("{list: {a: 1}}", "E111"),
        ("{environment: HOME}", "E202"),
        ("{environment: UNSET}", "W307"),
        ("{constant: ['${env:HOME}']}", "E202"),
        ("{constant: '${file:/etc/passwd}'}", "E202"),
        ("{template: 'a ${env:UNSET}'}", "W307"),
        ("{lookup: '{{ event }}', table: {'{{ a }}': b}}", "E121"),
        ("{lookup: '{{ event }}', table: {undefined: b}}", "W306"),
        ("{lookup: '{{ event }}'}", "E113"),
        ("{regex: '{{ event }}', table: {'{{ a }}': b}}", "E121"),
        ("{regex: '{{ event }}', table: {a: b}, replace: 1}", "E111"),
        ("{random: 9, by: '{{ client id }}'}", "E112"),
        ("{container: name}", "E115"),
        ("{random: many}", "E111"),
        ("{path: a, format: {case: title}}", "E115"),
        ("{path: a, format: {cases: lower}}", "E110"),
        ("{path: a, url: b}", "E113"),
    ],
)
def test_what_is_wrong_is_said(text: str, code: str) -> None:
    files = {"server.yaml": SERVER, "container.yaml": f"variables:\n  v: {text}\ntags: []\n"}
    assert code in codes(load(files))


def test_what_is_made_of_something_private_is_private() -> None:
    """Its value is not shown when a condition on it is explained."""
    variables = {"mail": {"template": "x {{ user_data.email }}"}, "two": {"split": "{{ mail }}", "by": "@"}}
    triggers = {"t": {"when": {"two": "never"}}}
    tags = [{"name": "T", "destination": "box", "triggers": ["t"]}]
    parts = {"destinations": {"box": {"type": "box"}}, "variables": variables, "triggers": triggers, "tags": tags}
    container = load({"container.yaml": yaml.safe_dump(parts)}).container
    assert container is not None
    explained = container.triggers["t"].explain(Scope(event({"user_data": {"email": "erika@b.example"}})))
    assert "erika" not in explained
    assert "two equals" in explained


def test_groups_that_an_event_names_many_times_do_not_multiply_it() -> None:
    """The row's value may be the event's own text; a long text in a long pattern would be the square of both."""
    kind = {"regex": "{{ text }}", "table": {"(.*)": "{{ by }}"}}
    assert value(kind, {"text": "a" * 10, "by": "$1" * 6000}, {}) == "a" * 60_000
    assert value(kind, {"text": "a" * 1000, "by": "$1" * 100_000}, {}) is MISSING
