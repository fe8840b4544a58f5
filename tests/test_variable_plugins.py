"""Kinds of variables that plugins bring: what they get, and that a bad one hurts only itself."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
import yaml

from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.config.variable_types import BESIDE, TYPES
from tagserver.config.yaml.report import render
from tagserver.event.event import MISSING
from tagserver.explain.try_ import try_event
from tagserver.expressions.scope import Scope
from tagserver.plugin.registry import Registry
from tagserver.plugin.variable import RESERVED

from .config.world import ENVIRON, REGISTRY, WITH_A_LOSS, codes, load
from .events import NOW, event

BROUGHT = Registry.load([EntryPoint("letters", "tests.plugin_with_variables", "tagserver")])
BOTH = Registry(REGISTRY.destinations, BROUGHT.plugins, BROUGHT.variables)


def text(variables: dict[str, Any]) -> str:
    """A container whose tag sends all these variables."""
    tag = {"name": "T", "destination": "box", "triggers": ["all"]}
    parameters = {name: f"{{{{ {name} }}}}" for name in variables}
    parts = {"destinations": {"box": {"type": "box"}}, "variables": variables}
    return yaml.safe_dump({**parts, "tags": [{**tag, "parameters": parameters}]}, sort_keys=False)


def container(**variables: Any) -> Container:
    loaded = load({"container.yaml": text(variables)}, ENVIRON, BOTH)
    assert loaded.container is not None, loaded.problems
    return loaded.container


NAMES: dict[str, Any] = {"first": "{{ user_data.address.first_name }}", "last": "{{ user_data.address.last_name }}"}


@pytest.mark.parametrize(
    ("inputs", "address", "value"),
    [
        (NAMES, {"first_name": "Erika", "last_name": "Muster"}, "EM"),
        (NAMES, {"first_name": "Erika"}, "E"),
        (NAMES, {}, MISSING),
        ({**NAMES, "dots": True}, {"first_name": "Erika", "last_name": "Muster"}, "E. M"),
        ({"first": "Max"}, {}, "M"),
    ],
)
def test_a_kind_gets_what_the_configuration_hands_it(inputs: Any, address: Any, value: Any) -> None:
    made = container(letters={"initials": inputs})
    assert made.variables["letters"](Scope(event({"user_data": {"address": address}}))) == value


def test_default_and_format_stand_beside_it() -> None:
    made = container(letters={"initials": NAMES, "default": "nobody", "format": {"case": "upper"}})
    assert made.variables["letters"](Scope(event())) == "NOBODY"


@pytest.mark.parametrize(("kind", "error"), [("failing", "KeyError"), ("wild", "TypeError")])
def test_one_that_fails_has_no_value_and_try_says_so(kind: str, error: str) -> None:
    """And its neighbour has; what it was given is not repeated."""
    bad: dict[str, Any] = {kind: {"of": "{{ user_data.email }}"} if kind == "failing" else {}}
    made = container(bad=bad, good={"initials": {"first": "Max"}})
    asked = {"event": {"event": "purchase", "user_data": {"email": "erika@b.example"}}}
    said = try_event(made, ServerConfig(), asked, NOW)
    (tag,) = said["tags"]
    assert (tag["decision"], tag["request"]["body"][0]["good"]) == ("send", "M")
    assert "bad" not in tag["request"]["body"][0]
    (problem,) = (one for one in said["problems"] if one["code"] == "variable_failed")
    assert problem["path"] == "variables.bad"
    assert error in problem["message"]
    assert "erika" not in problem["message"]


def test_one_that_fails_for_what_a_transformation_made_is_named_too() -> None:
    moved = text({"bad": {"failing": {"of": "{{ moved }}"}}}) + "transformations: {t: {rename: {value: moved}}}\n"
    made = load({"container.yaml": moved}, ENVIRON, BOTH).container
    assert made is not None
    said = try_event(made, ServerConfig(), {"event": {"event": "purchase", "value": 5}}, NOW)
    assert "variable_failed" in {one["code"] for one in said["problems"]}


@pytest.mark.parametrize("consent", [{}, dict.fromkeys(("ad_storage", "ad_user_data"), "granted")])
def test_one_that_fails_is_named_whatever_consent_keeps_back(consent: dict[str, str]) -> None:
    """What a tag works out of the part of an event that it may see fails for all to know."""
    made = container(bad={"failing": {"of": "{{ page.title }}"}})
    asked = {"event": {"event": "purchase", "page": {"title": "A"}, "user_id": "u", "consent": consent}}
    said = try_event(made, ServerConfig(), asked, NOW)
    assert [one["path"] for one in said["problems"] if one["code"] == "variable_failed"] == ["variables.bad"]


def test_it_cannot_change_the_event() -> None:
    made = container(greedy={"greedy": {"of": "{{ items }}"}})
    pushed = event({"items": [{"item_id": "1"}]})
    assert made.variables["greedy"](Scope(pushed)) == []
    assert pushed.get("items") == [{"item_id": "1"}]


@pytest.mark.parametrize(
    ("definition", "code", "says"),
    [
        ({"initials": {"frist": "x", "first": "y"}}, "E110", 'did you mean "first"?'),
        ({"initials": {"last": "x"}}, "E113", "The first name."),
        ({"initials": "x"}, "E111", "a map"),
        ({"initial": {"first": "x"}}, "E113", 'did you mean "initials"?'),
        ({"initials": {"first": "{{ nobody at all }}"}}, "E112", "nobody at all"),
        ({"initials": {"first": "x"}, "path": "a"}, "E113", "more than one kind"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(definition: Any, code: str, says: str) -> None:
    files = {"container.yaml": text({"v": definition})}
    found = load(files, ENVIRON, Registry(REGISTRY.destinations, (), BROUGHT.variables))
    assert code in codes(found)
    assert says in render(found.problems, files)


def test_what_is_made_of_something_personal_is_private() -> None:
    source = text({"v": {"initials": NAMES}}) + "triggers: {t: {when: {v: XX}}}\n"
    made = load({"container.yaml": source}, ENVIRON, BOTH).container
    assert made is not None
    pushed = event({"user_data": {"address": {"first_name": "Erika", "last_name": "Muster"}}})
    assert "EM" not in made.triggers["t"].explain(Scope(pushed))


def test_bad_kinds_are_left_out_and_named() -> None:
    (plugin,) = BROUGHT.plugins
    assert plugin.variables == ("initials", "failing", "wild", "greedy")
    assert plugin.error is not None
    assert plugin.error.split("; ") == [
        "the kind path is built in",
        "Old is written for plugin API 0, and this is 1: update one of them",
        "Unborn fails with ZeroDivisionError at plugin_with_variables.py:76",
        "another plugin has the kind initials already",
        "<class 'str'> is not a Variable class",
    ]


def test_a_kind_of_a_plugin_that_is_lost_has_no_value_and_the_rest_serves() -> None:
    files = {"container.yaml": text({"v": {"slug": {"of": "{{ event }}"}, "default": "none"}, "w": {"constant": 1}})}
    loaded = load(files, ENVIRON, WITH_A_LOSS)
    assert codes(loaded) == ["P211"]
    assert "1 variable without a value in 1 file" in render(loaded.problems, files)
    assert loaded.container is not None
    assert loaded.container.tags[0].parameters(Scope(event())) == {"w": 1}


def test_the_reserved_names_are_those_that_are_built_in() -> None:
    assert {*TYPES, *(one.name for one in BESIDE)} == RESERVED
