"""What may come out of any line of a plugin, when it is loaded and later: only its own destination suffers."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from tagserver.pipeline.route import route
from tagserver.plugin import Destination, Variable, hookimpl, setting
from tagserver.plugin.fault import Interrupted
from tagserver.plugin.registry import Registry
from tagserver.testing import check_destination

from .bad_plugins import CONTAINER, PUSHED, Good, decisions
from .config.world import Box, load
from .events import event


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


def breaks(error: type[BaseException], deep: bool = True) -> Any:
    """Plugin code that raises it."""
    if error is RecursionError and deep:
        return breaks(error)
    raise error("a@b.example")


def broken(place: str, error: type[BaseException], deep: bool = True) -> type[Destination]:
    """A destination that fails at one place. `deep`: with as many calls beneath it as there can be, if that is it."""

    def fails(*given: Any) -> Any:
        return breaks(error, deep)

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
    # Whole stacks are told of hundreds of times by the kit, which costs seconds.
    faults = check_destination(broken(place, error, deep=False), {})
    name = "RuntimeError" if (place, error) == ("exchange", StopIteration) else error.__name__  # out of a generator
    assert any(name in fault for fault in faults), faults


def test_ctrl_c_is_no_plugin_s_fault() -> None:
    """Whoever presses it while a plugin builds wants the command to end."""
    with pytest.raises(Interrupted):
        decisions(lambda event, parameters: breaks(Interrupted))
