"""Which plugins fail now, as the log, states and readiness have it: with the time in hand."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from tagserver.config.model import Container
from tagserver.event.event import Event
from tagserver.pipeline.route import route
from tagserver.plugin import Built, Mode, Skip, Variable
from tagserver.plugin.registry import Registry
from tagserver.runtime.failing import FORGOTTEN, RECENT, SAID_EVERY, WAYS, Failing, counted
from tests.fake_time import FakeTime

from ..config.world import Box, load
from ..events import event

EVERYTHING = ("bad", "v")


class Bad(Box):
    """Fails for one event, skips another."""

    type = "bad"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """As the name of the event says."""
        if event.name == "fails":
            raise KeyError("erika@b.example")
        if event.name == "skipped":
            raise Skip("no_identity", "nobody")
        return super().build(event, parameters, settings, mode)


class Odd(Variable):
    """Fails for one event."""

    type = "odd"
    inputs = MappingProxyType({"of": "The event."})

    def value(self, given: Mapping[str, Any]) -> Any:
        """As the name of the event says."""
        if given.get("of") == "fails":
            raise SystemExit("erika@b.example")
        return 1


CONTAINER = """
destinations: {bad: {type: bad}, good: {type: box}}
variables: {v: {odd: {of: "{{ event }}"}}}
triggers: {purchase: {event: purchase}}
tags:
  - {name: Bad, destination: bad, triggers: [all]}
  - {name: Good, destination: good, triggers: [all], parameters: {a: "{{ v }}"}}
  - {name: Blocked, destination: bad, triggers: [all], exceptions: [all]}
"""


class World:
    """A container with events to come, and a clock."""

    def __init__(self) -> None:
        loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(Bad, Box, variables=(Odd,)))
        assert loaded.container is not None, loaded.problems
        self.container: Container = loaded.container
        self.time = FakeTime()
        self.failing = Failing(self.time)

    def comes(self, name: str, times: int = 1) -> None:
        """Some events of one name."""
        for _ in range(times):
            self.failing.routed([route(self.container, event({"event": name}))])

    @property
    def bad(self) -> str:
        """How the destination fails now."""
        return self.failing.of("bad") or ""


@pytest.fixture
def world() -> World:
    return World()


def test_nobody_fails_as_long_as_all_is_well(world: World) -> None:
    world.comes("purchase", 3)
    assert (world.bad, world.failing.shown(EVERYTHING, EVERYTHING)) == ("", [])


def test_how_often_it_fails_is_counted_over_its_last_events(world: World) -> None:
    """What it has built, or skipped for a reason, counts for it; what never came to it does not count."""
    world.comes("fails")
    assert "build fails with KeyError at test_failing.py:" in world.bad
    assert world.bad.endswith("(the last event)")
    world.comes("purchase", 2)
    world.comes("skipped")
    world.comes("fails")
    assert world.bad.endswith("(2 of the last 5 events)")
    world.comes("fails", 100)
    assert world.bad.endswith(f"({RECENT} of the last {RECENT} events)")
    assert "erika" not in world.bad


def test_it_is_well_again_when_it_has_built_enough(world: World) -> None:
    world.comes("fails")
    world.comes("purchase", RECENT - 1)
    assert world.bad
    world.comes("purchase")
    assert world.bad == ""


def test_it_is_well_again_when_nothing_failed_for_a_while(world: World) -> None:
    world.comes("fails")
    world.time.pass_unseen(FORGOTTEN - 1)
    assert world.bad
    world.time.pass_unseen(1)
    assert world.bad == ""


def test_a_variable_that_fails_is_shown_by_its_name(world: World) -> None:
    world.comes("fails")
    destination, variable = world.failing.shown(EVERYTHING, EVERYTHING)
    assert destination["destination"] == "bad"
    assert variable["variable"] == "v"
    assert "it fails with SystemExit at test_failing.py:" in variable["reason"]
    assert counted([destination, variable]) == "2 plugins fail: bad, the variable v"
    assert counted([destination]) == "1 plugin fails: bad"
    assert world.failing.of("good") is None
    world.comes("purchase", RECENT)
    assert world.failing.shown(EVERYTHING, EVERYTHING) == []


def test_what_is_configured_no_more_is_not_shown(world: World) -> None:
    world.comes("fails")
    assert world.failing.shown((), ()) == []


def test_the_log_says_it_at_once_and_then_counts(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "tagserver.plugins"):
        world.comes("fails", 42)
        assert len(caplog.records) == 2, "the destination and the variable, once each"
        world.time.pass_unseen(SAID_EVERY)
        world.comes("fails")
        world.time.pass_unseen(SAID_EVERY)
        world.comes("fails")
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("destination bad")]
    assert len(said) == 3
    assert "build fails with KeyError at test_failing.py:" in said[0]
    assert said[1].endswith("… and 41 more")
    assert "more" not in said[2]
    assert all(record.levelno == logging.ERROR for record in caplog.records)
    assert "erika" not in caplog.text


def test_the_log_says_each_way_of_failing_at_once_and_not_without_end(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What a stranger puts into an event may be part of the sentence."""
    with caplog.at_level(logging.ERROR, "tagserver.plugins"):
        for number in range(100):
            world.failing.sent("bad", 0, [f"request fails with KeyError at bad.py:{number}"])
            world.failing.sent("bad", 0, ["request fails with KeyError at bad.py:0"])
        said = [record.getMessage().rpartition(":")[2] for record in caplog.records]
        assert said == [f"{number}, and its event is a dead letter" for number in range(WAYS)]
        world.time.pass_unseen(SAID_EVERY)
        world.failing.sent("bad", 0, ["request fails with KeyError at bad.py:0"])
    assert caplog.records[-1].getMessage().endswith("bad.py:0, and its event is a dead letter … and 100 more")


def test_what_fails_at_delivery_is_counted_the_same_way(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "tagserver.plugins"):
        world.failing.sent("bad", 10, [])
        assert world.bad == ""
        world.failing.sent("bad", 1000, ["request fails with ValueError at bad.py:7"] * 2)
        world.failing.sent("bad", 10, [])
    how = "request fails with ValueError at bad.py:7, and its event is a dead letter"
    assert world.bad == f"{how} (2 of the last 12 events)"
    assert [record.getMessage() for record in caplog.records] == [f"destination bad: {how} … and 1 more"]
    world.comes("fails")
    assert world.bad.startswith("build fails with KeyError")
    assert world.bad.endswith(f"; {how} (2 of the last 12 events)")
    world.comes("purchase", RECENT)
    world.failing.sent("bad", 1000, [])
    assert world.bad == ""
