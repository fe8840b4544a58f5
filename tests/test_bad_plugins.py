"""What plugins may do wrong when they are loaded and when they build: only their own destination suffers."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, make_dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from tagserver.event.event import Event
from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Built, Destination, Mode, Omitted, Skip, Variable, hookimpl, setting
from tagserver.plugin.fault import Interrupted
from tagserver.plugin.registry import Registry
from tagserver.testing import check_destination

from .config.world import Box, load
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


def skips(reason: Any, detail: Any = "a@b.example", omitted: Any = ()) -> Build:
    """A plugin that skips everything."""

    def build(event: Event, parameters: dict[str, Any]) -> None:
        raise Skip(reason, detail, omitted)

    return build


LEFT_OUT = "what was left out is not listed as Omitted, with texts"


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
        (built(omitted=[7]), LEFT_OUT),
        (built(omitted=(Omitted(7, "is odd"),)), LEFT_OUT),  # type: ignore[arg-type]  # (wrong on purpose)
        (built(omitted=(Omitted("a", None),)), LEFT_OUT),  # type: ignore[arg-type]  # (wrong on purpose)
        (built(body={"a": object()}), "the body of what was built cannot be written as JSON (TypeError)"),
        (built(body={"a": NESTED}), "the body of what was built cannot be written as JSON (RecursionError)"),
        (built(body={"a": "\ud800"}), "the body of what was built cannot be written as JSON (UnicodeEncodeError)"),
        (built(body="x" * (2 << 20)), "the body of what was built has 2097154 bytes, and a request 1048576 at most"),
        (skips("because"), "it skips for a reason that there is not"),
        (skips(None), "it skips for a reason that there is not"),
        (skips([]), "it skips for a reason that there is not"),
        (skips("no_identity", object()), "it skips with a detail that is no text"),
        (skips("no_identity", omitted=(7,)), LEFT_OUT),
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
            values.clear()  # type: ignore[attr-defined]  # (wrong on purpose)
        with suppress(AttributeError):
            event.page.query.clear()  # type: ignore[attr-defined]  # (wrong on purpose)
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
    (plugin,) = registry.failed
    assert (plugin.name, plugin.error) == ("quits", "SystemExit: not today (plugin_that_quits.py:3)")


def test_a_plugin_that_fails_in_its_constructor_pauses_its_destination() -> None:
    class Bad(Box):
        type = "bad"

        def __init__(self) -> None:
            raise ZeroDivisionError

    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(Bad, Good))
    assert loaded.container is not None
    assert str(loaded.container.destinations["bad"].paused).startswith("the plugin bad fails with ZeroDivisionError")
    assert loaded.container.destinations["good"].paused is None


class OfItsOwn(Exception):
    """One that a plugin brings, and that cannot even be shown."""

    def __str__(self) -> str:
        raise ValueError("a@b.example")


RAISED: tuple[type[BaseException], ...] = (
    *(KeyError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, StopAsyncIteration),
    *(asyncio.CancelledError, RecursionError, OfItsOwn, BaseException),
)
"""What may come out of any line of a plugin."""


def breaks(error: type[BaseException]) -> Any:
    """Plugin code that raises it."""
    if error is RecursionError:
        return breaks(error)
    raise error("a@b.example")


def broken(place: str, error: type[BaseException]) -> type[Destination]:
    """A destination that fails at one place."""

    def fails(*given: Any) -> Any:
        return breaks(error)

    def lists(*given: Any) -> Any:
        """Fails when the list is read, and not when it is asked for."""
        yield "box.example"
        breaks(error)

    if place == "settings":

        @dataclass(frozen=True)
        class Settings:
            def __post_init__(self) -> None:
                breaks(error)

        return type("Bad", (Good,), {"type": "bad", "Settings": Settings})
    if place == "check":
        fields = [("account", str, setting("A text.", default="1", check=fails))]
        return type("Bad", (Good,), {"type": "bad", "Settings": make_dataclass("Settings", fields, frozen=True)})
    method, _, lazy = place.partition(" ")
    return type("Bad", (Good,), {"type": "bad", method: lists if lazy else fails})


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize(
    "place",
    ["__init__", "settings", "check", "hosts", "hosts read", "sees", "sees read", "hashes", "in_clear", "version_ends"],
)
def test_what_fails_while_the_configuration_is_read_pauses_its_destination(
    place: str, error: type[BaseException]
) -> None:
    """Whatever it raises, by class and the plugin's own line; the other destination works."""
    text = CONTAINER.replace("type: bad}", 'type: bad, account: "1"}') if place == "check" else CONTAINER
    loaded = load({"container.yaml": text}, registry=Registry.of(broken(place, error), Good))
    assert loaded.container is not None, loaded.problems
    paused = loaded.container.destinations["bad"].paused
    name = "RuntimeError" if error is StopIteration and "read" in place else error.__name__  # out of a generator
    assert re.fullmatch(rf"the plugin bad fails with {name} at test_bad_plugins\.py:\d+", str(paused))
    assert [problem.code for problem in loaded.problems] == ["P211"]
    bad, good = route(loaded.container, event(copy.deepcopy(PUSHED))).decisions
    assert (bad.reason, good.decision) == ("destination_paused", "send")


@pytest.mark.parametrize("nonsense", [None, "box.example", 7, [7], [None, "box.example"], [b"box.example"]])
@pytest.mark.parametrize("method", ["hosts", "sees", "hashes", "in_clear"])
def test_what_is_no_list_of_texts_pauses_its_destination(method: str, nonsense: Any) -> None:
    bad = type("Bad", (Good,), {"type": "bad", method: lambda self, settings: nonsense})
    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(bad, Good))
    assert loaded.container is not None, loaded.problems
    assert loaded.container.destinations["bad"].paused is not None
    assert loaded.container.destinations["good"].paused is None


@pytest.mark.parametrize("error", RAISED)
def test_what_build_raises_is_its_own_error(error: type[BaseException]) -> None:
    bad, good, _ = decisions(lambda event, parameters: breaks(error))
    assert (bad.decision, bad.reason, good.decision) == ("error", "plugin_error", "send")
    assert re.fullmatch(rf"build fails with {error.__name__} at test_bad_plugins\.py:\d+", bad.detail)


@pytest.mark.parametrize("error", RAISED)
def test_what_event_name_raises_at_load_is_told_at_each_event(error: type[BaseException]) -> None:
    """It is asked early only to know the name of a purchase."""
    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(broken("event_name", error), Good))
    assert loaded.container is not None
    assert loaded.problems == ()


@pytest.mark.parametrize("error", RAISED)
def test_what_a_variable_raises_leaves_it_without_a_value(error: type[BaseException]) -> None:
    class Bad(Variable):
        type = "bad"

        def value(self, given: Mapping[str, Any]) -> Any:
            return breaks(error)

    text = CONTAINER.replace("type: bad}", "type: good}").replace("constant: [brown, black]", "bad: {}")
    loaded = load({"container.yaml": text}, registry=Registry.of(Good, variables=(Bad,)))
    assert loaded.container is not None, loaded.problems
    routing = route(loaded.container, event(copy.deepcopy(PUSHED)))
    assert [decision.decision for decision in routing.decisions] == ["send", "send"]
    assert re.fullmatch(rf"{error.__name__} at test_bad_plugins\.py:\d+", routing.scope.faults["shoes"])


class Named(type):
    """Whose name cannot be asked for."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # (wrong on purpose)
        raise SystemExit


class Nameless(Exception, metaclass=Named):
    pass


class Classless(Exception):
    """That fails when it is asked for its class."""

    @property
    def __class__(self) -> Any:
        raise SystemExit


class Untraced(Exception):
    @property
    def __traceback__(self) -> Any:  # type: ignore[override]  # (wrong on purpose)
        raise KeyError


class Liar(Exception):
    """That says it is the machine's fault."""

    @property
    def __class__(self) -> Any:
        return MemoryError


class ReasonLost(Skip):
    @property
    def reason(self) -> str:  # type: ignore[override]  # (wrong on purpose)
        raise SystemExit

    @reason.setter
    def reason(self, reason: str) -> None:
        pass


def circle() -> Exception:
    """Two errors, each the cause of the other."""
    one, other = KeyError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    return one


STRANGE: dict[str, Callable[[], BaseException]] = {
    "no name": Nameless,
    "no class": Classless,
    "no traceback": Untraced,
    "another class than it says": Liar,
    "each the cause of the other": circle,
    "a mebibyte of text": lambda: ValueError("x" * (1 << 20)),
    "a Skip without its reason": lambda: ReasonLost("no_identity", ""),
    "a group": lambda: BaseExceptionGroup("", [SystemExit(), KeyError()]),
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_an_error_that_cannot_be_looked_at_is_as_any_other(make: Callable[[], BaseException]) -> None:
    def build(event: Event, parameters: Mapping[str, Any]) -> Any:
        raise make()

    bad, good, _ = decisions(build)
    assert (bad.decision, bad.reason, good.decision) == ("error", "plugin_error", "send")
    assert len(bad.detail) < 200


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize("hook", ["", "register_destinations", "register_variables"])
def test_what_is_raised_while_a_plugin_is_loaded_is_listed(hook: str, error: type[BaseException]) -> None:
    """At its import, or in one of its hooks; the plugin after it is loaded."""

    def fails(register: Any) -> None:
        breaks(error)

    class Point(EntryPoint):
        def load(self) -> Any:
            if not hook:
                breaks(error)
            return type("Module", (), {hook: staticmethod(hookimpl(fails))})

    well = EntryPoint("well", "tests.plugin_with_variables", "tagserver")
    bad, good = Registry.load([Point("bad", "tests.test_bad_plugins", "tagserver"), well]).plugins
    assert bad.error is not None
    assert re.match(rf"{error.__name__}.* ?\(?(at )?test_bad_plugins\.py:\d+", bad.error)
    assert "initials" in good.variables


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize(
    "place", ["__init__", "hosts", "version_ends", "hashes", "build", "request", "classify", "exchange"]
)
def test_the_kit_s_check_names_what_is_raised(place: str, error: type[BaseException]) -> None:
    faults = check_destination(broken(place, error), {})
    name = "RuntimeError" if (place, error) == ("exchange", StopIteration) else error.__name__  # out of a generator
    assert any(name in fault for fault in faults), faults


def test_ctrl_c_is_no_plugin_s_fault() -> None:
    """Whoever presses it while a plugin builds wants the command to end."""
    with pytest.raises(Interrupted):
        decisions(lambda event, parameters: breaks(Interrupted))
