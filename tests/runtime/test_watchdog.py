"""Who holds the event loop is named: the right plugin, once, with the whole time."""

from __future__ import annotations

import asyncio
import logging
import re
import selectors
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from tagserver.plugin import Destination, Variable
from tagserver.plugin.fault import OURS, Culprit
from tagserver.plugin.registry import Registry
from tagserver.runtime.watchdog import LATE, LONG, Watchdog, waits

from ..config.world import Box
from ..heartbeats import Loop

BLOCKS = "import time\ndef block():\n    until = time.thread_time() + 0.8\n    while time.thread_time() < until: pass\n"


async def watched(packages: dict[str, str], block: Callable[[], None] | None) -> tuple[list[float], list[str]]:
    """What a watchdog has noticed while `block` ran on its loop."""
    lags: list[float] = []
    culprits: list[str] = []
    watchdog = Watchdog(packages, lag=lags.append, blocked=culprits.append)
    watchdog.start()
    await asyncio.sleep(0.15)
    if block is not None:
        block()
    await asyncio.sleep(0.25)
    await watchdog.stop()
    return lags, culprits


def module(name: str, source: str, **known: Any) -> Any:
    """A module of this source."""
    made = types.ModuleType(name)
    made.__dict__.update(known)
    exec(source, made.__dict__)
    return made


async def test_a_loop_that_runs_is_left_in_peace() -> None:
    lags, culprits = await watched({}, None)
    assert lags
    assert culprits == []


async def test_a_plugin_that_blocks_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """With the whole time, and not only until it was noticed."""
    with caplog.at_level(logging.WARNING):
        lags, culprits = await watched({"slow_plugin": "slow"}, module("slow_plugin", BLOCKS).block)
    assert culprits == ["slow"]
    assert max(lags) > 0.3
    (said,) = [record.getMessage() for record in caplog.records]
    found = re.match(r"the event loop has been held for (\d+) ms by slow \(<string>:\d+ in block\)", said)
    assert found is not None, said
    assert int(found[1]) >= 500


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_loop_that_waits_is_held_by_nobody(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """And by somebody while a call runs on it, also one that selects."""

    async def life() -> None:
        await asyncio.sleep(0.2)
        selectors.DefaultSelector().select(0.2)

    def run() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(life())

    thread = threading.Thread(target=run)
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(waits(sys._current_frames().get(thread.ident or 0)))
        time.sleep(0.01)
    assert min(seen.count(True), seen.count(False)) > 3


async def test_what_is_no_plugins_is_ours() -> None:
    def block() -> None:
        time.sleep(0.8)

    assert (await watched({"slow_plugin": "slow"}, block))[1] == [OURS]


# ── one stretch after another, by a clock of the test
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_short_wait_is_nobodys_fault() -> None:
    loop = Loop()
    loop.runs(1)
    loop.is_held(LATE, "a")
    loop.beats()
    loop.runs(1)
    assert (loop.said, loop.blocked) == ([], [])


def test_the_whole_time_is_said_when_it_is_over() -> None:
    loop = Loop()
    loop.runs(1)
    loop.is_held(0.9, "a")
    assert loop.said == []
    loop.beats()
    loop.runs(1)
    assert loop.said == ["the event loop has been held for 800 ms by a (x.py:1 in f)"]
    assert loop.blocked == ["a"]


def test_one_that_may_never_end_is_said_while_it_lasts_and_when_it_is_over() -> None:
    loop = Loop()
    loop.is_held(60, "a")
    assert len(loop.said) == 1
    assert loop.said[0].endswith("by a (x.py:1 in f), and still is")
    assert f"held for {LONG * 1000 + 100:.0f} ms" in loop.said[0]
    assert loop.blocked == ["a"]
    loop.beats()
    loop.runs(1)
    assert loop.said[1:] == ["the event loop has been held for 59900 ms by a (x.py:1 in f)"]
    assert loop.blocked == ["a"], "it is counted once"


def test_of_several_it_is_who_held_it_longest_and_the_line_that_was_seen_most() -> None:
    loop = Loop()
    loop.is_held(0.3, "a")
    loop.is_held(0.2, "b", "b.py:1 in f")
    loop.is_held(0.3, "b", "b.py:2 in g")
    loop.beats()
    assert loop.said == ["the event loop has been held for 700 ms by b (b.py:2 in g)"]
    assert loop.blocked == ["b"]


def test_each_stretch_is_told_by_itself() -> None:
    loop = Loop()
    for name in ("a", "b"):
        loop.is_held(0.5, name)
        loop.beats()
        loop.runs(0.5)
    assert loop.blocked == ["a", "b"]


# ── whose code it is
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

METHODS = """
class Base(Destination):
    def build(self, event, parameters, settings, mode): return look()
    async def deliver(self, payloads, settings): return helper(look)
class One(Base):
    type = "one"
class Two(Base):
    type = "two"
class Kind(Variable):
    type = "letters"
    def value(self, given): return [*map(lambda _: look(), [1])][0]
def helper(call): return call()
"""


def located(code: Any, packages: dict[str, str], run: Callable[[Any], object]) -> tuple[str, str]:
    """Who is named while some code runs."""
    culprit, seen = Culprit(packages), []
    code.look = lambda: seen.append(culprit.of(sys._getframe(1)))
    run(code)
    (named,) = seen
    return named


def test_a_library_that_a_plugin_calls_is_the_plugins() -> None:
    library = module("some_library", "def fetch(call): return call()")
    code = module("acme", "def build(): return library.fetch(lambda: look())", library=library)
    name, place = located(code, {"acme": "acme"}, lambda one: one.build())
    assert (name, place) == ("acme", "<string>:1 in <lambda>")
    plugin = module("acme", "def build(): return library.fetch(call)", library=library)
    other = module("elsewhere", "def call(): look()")
    plugin.call = other.call
    seen: list[tuple[str, str]] = []
    other.look = lambda: seen.append(Culprit({"acme": "acme"}).of(sys._getframe(1)))
    plugin.build()
    assert seen == [("acme", "<string>:1 in build")]


@pytest.mark.parametrize("name", ["one", "two"])
def test_of_two_plugins_of_one_module_it_is_the_one_whose_method_runs(name: str) -> None:
    """Also where the method is a parent's that both have, and a function is called by it."""
    code = module("acme", METHODS, Destination=Destination, Variable=Variable)
    shared = {"acme": "one or two"}
    made = {"one": code.One, "two": code.Two}[name]()
    assert located(code, shared, lambda _: made.build(None, {}, None, "send"))[0] == name
    assert located(code, shared, lambda _: asyncio.run(made.deliver([], None)))[0] == name
    assert located(code, shared, lambda one: one.helper(lambda: one.look()))[0] == "one or two", "nobody can tell"


def test_a_kind_of_variable_is_named_as_one() -> None:
    code = module("acme", METHODS, Destination=Destination, Variable=Variable)
    assert located(code, {}, lambda one: one.Kind().value({}))[0] == "variable letters"


@pytest.mark.parametrize(
    ("running", "name"),
    [
        ("corp", "a or b"),
        ("corp.common", "a or b"),
        ("corp.a", "a"),
        ("corp.a.client", "a"),
        ("corp.b.deep.er", "b"),
        ("corporate", OURS),
        ("tagserver.plugin.plain", OURS),
    ],
)
def test_the_longest_module_that_fits_counts(running: str, name: str) -> None:
    code = module(running, "def f(): return look()")
    packages = {"corp": "a or b", "corp.a": "a", "corp.b": "b"}
    assert located(code, packages, lambda one: one.f())[0] == name


def test_modules_of_installed_plugins() -> None:
    """A package of several modules, one module alone, and a package that two share."""

    def plugin(kind: str, where: str, parent: type[Destination] = Box) -> type[Destination]:
        return type("Plugin", (parent,), {"type": kind, "__module__": where})

    base = plugin("base", "acme.common")
    registry = Registry.of(
        plugin("acme", "acme.first.destination", base), plugin("leads", "acme.second"), plugin("single", "single_file")
    )
    assert dict(registry.packages()) == {
        "acme": "acme or leads",
        "acme.common": "acme",
        "acme.first": "acme",
        "acme.first.destination": "acme",
        "acme.second": "leads",
        "single_file": "single",
    }


def test_those_of_ours_are_told_apart() -> None:
    packages = Registry.load().packages()
    assert packages["tagserver_meta_capi"] == "meta_capi"
    assert not any(name.partition(".")[0] == OURS for name in packages)
