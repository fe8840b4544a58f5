"""What plugins may do wrong when they are loaded and when they build: only their own destination suffers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from tagserver.event import Event
from tagserver.pipeline import Decision, route
from tagserver.plugin import Built, Mode, Omitted, Skip
from tagserver.registry import Registry

from .container.world import Box, load
from .events import NOW, event

Build = Callable[[Event, dict[str, Any]], Any]
CONTAINER = """
destinations: {bad: {type: bad}, good: {type: good}}
variables: {shoes: {constant: [brown, black]}}
tags:
  - {name: Bad, destination: bad, triggers: [all], parameters: {goods: "{{ ecommerce.items }}", shoes: "{{ shoes }}"}}
  - {name: Good, destination: good, triggers: [all], parameters: {goods: "{{ ecommerce.items }}", shoes: "{{ shoes }}"}}
"""
PUSHED = {
    "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
    "page": {"location": "https://shop.example/?colour=brown"},
    "user_data": {"email": "a@b.example", "address": {"city": "Berlin"}},
    "ecommerce": {"value": 5, "items": [{"item_id": "1", "price": 5}]},
}


class Good(Box):
    """Sends all that it sees."""

    type = "good"
    reads = ("page", "user_data", "user_id", "ecommerce", "cookie.*", "header.*")

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Everything."""
        body = {"data": event.data, "parameters": parameters, "who": event.identity.email, "cookies": event.cookies}
        return Built(copy.deepcopy(body), event.name, event.time)


def decisions(build: Build) -> tuple[Decision, Decision, Event]:
    """What a bad destination decides that builds like this, what the good one after it does, and the event."""

    class Bad(Good):
        type = "bad"

        def build(self, event: Event, parameters: Any, settings: Any, mode: Mode) -> Built:
            built: Built = build(event, parameters)
            return built

    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(Bad, Good))
    assert loaded.container is not None, loaded.problems
    pushed = event(copy.deepcopy(PUSHED), cookies={"a": "1"}, headers={"x-a": "1"})
    bad, good = route(loaded.container, pushed).decisions
    return bad, good, pushed


def built(**fields: Any) -> Build:
    """A payload with something wrong in it."""
    return lambda event, parameters: Built(**({"body": {"a": 1}, "name": "purchase", "time": NOW} | fields))


def skips(reason: Any) -> Build:
    """A plugin that skips everything."""

    def build(event: Event, parameters: dict[str, Any]) -> None:
        raise Skip(reason, "a@b.example")

    return build


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda event, parameters: None, "build gave NoneType in place of Built"),
        (lambda event, parameters: {"a": 1}, "build gave dict in place of Built"),
        (built(name=None), "the name of what was built is no text"),
        (built(name=b"purchase"), "the name of what was built is no text"),
        (built(name="\ud800"), "the name of what was built is no text"),
        (built(group=["g"]), "the group of what was built is no text"),
        (built(group="\udfff"), "the group of what was built is no text"),
        (built(time="now"), "a time of what was built is no whole number of milliseconds"),
        (built(time=1.5), "a time of what was built is no whole number of milliseconds"),
        (built(time=True), "a time of what was built is no whole number of milliseconds"),
        (built(time=1 << 70), "a time of what was built is no whole number of milliseconds"),
        (built(expires=float("inf")), "a time of what was built is no whole number of milliseconds"),
        (built(omitted=[7]), "what was left out is not listed as Omitted"),
        (built(body={"a": object()}), "the body of what was built cannot be written as JSON (TypeError)"),
        (built(body={"a": NESTED}), "the body of what was built cannot be written as JSON (RecursionError)"),
        (built(body={"a": "\ud800"}), "the body of what was built cannot be written as JSON (UnicodeEncodeError)"),
        (built(body="x" * (2 << 20)), "the body of what was built has 2097154 bytes, and a request 1048576 at most"),
        (skips("because"), "it skips for a reason that there is not"),
        (skips(None), "it skips for a reason that there is not"),
        (skips([]), "it skips for a reason that there is not"),
    ],
)
def test_nonsense_is_the_plugin_s_error_and_nobody_else_s(build: Build, said: str) -> None:
    bad, good, _ = decisions(build)
    assert (bad.decision, bad.reason, bad.detail, bad.built) == ("error", "plugin_error", said, None)
    assert good.decision == "send"


def test_a_lack_of_memory_is_not_the_plugin_s_fault() -> None:
    """It ends the event: an answer that it was accepted would be about nothing stored."""

    def build(event: Event, parameters: dict[str, Any]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        decisions(build)


def test_all_that_the_contract_allows_is_taken() -> None:
    fields = {"group": "g", "expires": NOW + 1, "omitted": (Omitted("a", "is odd"),), "body": {"ä": [1.5, None]}}
    bad, _, _ = decisions(built(**fields))
    assert (bad.decision, bad.body) == ("send", '{"ä":[1.5,null]}'.encode())


def test_a_plugin_cannot_change_what_others_see() -> None:
    """Neither the event, nor what is known about the person, nor constants of the container."""

    def build(event: Event, parameters: dict[str, Any]) -> Built:
        event.data["ecommerce"]["value"] = 0
        event.data["ecommerce"]["items"][0].clear()
        event.data["user_data"]["email"] = "nobody@b.example"
        event.data["user_data"]["address"].clear()
        for values in (event.data, event.cookies, event.facts.headers):
            values.clear()  # type: ignore[attr-defined]
        with suppress(AttributeError):
            event.page.query.clear()  # type: ignore[attr-defined]
        parameters["goods"].clear()
        parameters["shoes"].append("red")
        return Built({}, event.name, event.time)

    _, undisturbed, before = decisions(lambda event, parameters: Built({}, event.name, event.time))
    bad, good, after = decisions(build)
    assert bad.decision == "send"
    assert good.body == undisturbed.body
    assert after.page.query == {"colour": "brown"}
    assert (after.data, after.cookies, after.facts.headers) == (before.data, before.cookies, before.facts.headers)


def test_a_plugin_that_ends_the_process_when_it_is_loaded_does_not() -> None:
    point = EntryPoint("quits", "tests.plugin_that_quits", "tagserver")
    registry = Registry.load([point])
    assert [(plugin.name, plugin.error) for plugin in registry.failed] == [("quits", "SystemExit: not today")]


def test_a_plugin_that_fails_in_its_constructor_pauses_its_destination() -> None:
    class Bad(Box):
        type = "bad"

        def __init__(self) -> None:
            raise ZeroDivisionError

    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(Bad, Good))
    assert loaded.container is not None
    assert loaded.container.destinations["bad"].paused == "the plugin bad fails with ZeroDivisionError"
    assert loaded.container.destinations["good"].paused is None
