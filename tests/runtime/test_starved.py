"""A loop that is late because the machine was busy, or stood still, is no plugin's fault, and is counted by itself."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable

import pytest

from ..heartbeats import Loop
from .test_watchdog import module, watched


@pytest.mark.parametrize(
    ("happens", "held", "starved"),
    [
        (lambda loop: loop.is_held(1.1, "a"), 1000, 0.0),
        (lambda loop: loop.is_held(1.1, "a", queued=1), None, 1.0),
        (lambda loop: loop.is_held(1.1, "a", queued=0.5), 450, 0.55),
        (lambda loop: loop.is_held(0.9, "a", queued=0.9), None, 0.8),
        (lambda loop: loop.is_not_seen(1.1), None, 1.0),
        (lambda loop: loop.is_not_seen(3600), None, 3599.9),
        (lambda loop: loop.is_not_seen(1.1, worked=1), 1000, 0.0),
        (lambda loop: loop.is_not_seen(1.1, waited=1), 1000, 0.0),
        (lambda loop: loop.is_not_seen(1.1, queued=1, worked=0.01), None, 1.0),
        (lambda loop: loop.is_not_seen(1.1, queued=0.5, worked=0.5), 450, 0.55),
        (lambda loop: (loop.is_not_seen(0.6), loop.is_held(0.6, "a")), 600, 0.5),
        (lambda loop: (loop.beats_unseen(), loop.is_not_seen(1.1)), None, 1.0),
        (lambda loop: (loop.is_not_seen(1.1), loop.beats(), loop.is_held(0.6, "a")), 500, 1.0),
    ],
    ids=[
        "a plugin that sleeps or reads",
        "a busy host",
        "a plugin on a host that is half busy",
        "a busy host, and a little work",
        "a suspended machine",
        "a laptop that was shut",
        "a plugin that keeps the interpreter and computes",
        "a plugin that keeps the interpreter and sleeps",
        "a busy host, the watchdog waits as well",
        "a half busy host, the watchdog waits as well",
        "suspended, and then held",
        "suspended just after a heartbeat that nobody saw",
        "suspended, a heartbeat, and then held",
    ],
)
def test_a_plugin_is_not_blamed_for_the_machine(
    happens: Callable[[Loop], object], held: int | None, starved: float
) -> None:
    """What the machine did not give is counted by itself; each second is somebody's."""
    loop = Loop()
    loop.runs(1)
    happens(loop)
    loop.beats()
    loop.runs(1)
    assert loop.blocked == (["a"] if held else [])
    assert loop.starved == pytest.approx(starved, abs=0.01)
    if held:
        assert f"has been held for {held} ms by a" in loop.said[-1]
    else:
        assert "for no plugin's fault" in loop.said[-1]


def test_a_busy_machine_is_said_once_a_minute() -> None:
    """And counted each time."""
    loop = Loop()
    for _ in range(40):
        loop.is_held(0.9, "a", queued=1)
        loop.beats()
        loop.runs(2)
    assert loop.starved == pytest.approx(40 * 0.8)
    assert len(loop.said) == 2
    assert loop.blocked == []


def test_a_busy_machine_that_goes_on_is_nobodys_fault_while_it_lasts() -> None:
    loop = Loop()
    loop.runs(1)
    loop.is_held(60, "a", queued=0.99)
    assert loop.said == []


async def test_a_call_that_keeps_the_interpreter_is_its_callers() -> None:
    """No thread of ours runs meanwhile, as if the machine stood still; it does not."""
    library = ctypes.PyDLL(None)  # unlike CDLL, it does not let the interpreter go
    block = module("slow_plugin", "def block(): library.usleep(800_000)", library=library).block
    assert (await watched({"slow_plugin": "slow"}, block))[1] in (["slow"], ["unknown"])


def test_a_call_that_nobody_saw_is_counted() -> None:
    """The heartbeat came before anybody could look."""
    loop = Loop()
    loop.runs(1)
    loop.now += 1.1
    loop.waited += 1.0
    loop.beats()
    assert (loop.blocked, loop.starved) == (["unknown"], 0)
    assert loop.said == ["the event loop has been held for 1000 ms by unknown (a call that lets no other thread run)"]


@pytest.mark.parametrize("seconds", [0.8, 1.8])
def test_a_call_that_is_over_before_its_heartbeat_is_nobody_elses(seconds: float) -> None:
    """The loop is seen as it waits for something to do, with a heartbeat that is long overdue."""
    loop = Loop()
    loop.runs(1)
    loop.now += seconds
    loop.waited += seconds
    loop.look(None)
    loop.beats()
    assert loop.blocked == ["unknown"]
    assert [said.endswith("by unknown (a call that lets no other thread run)") for said in loop.said] == [True]


STOPPED = """
import asyncio, os
from tagserver.system.machine import ThreadSample
from tagserver.runtime.watchdog import Watchdog

async def main():
    seen = []
    watchdog = Watchdog({}, lag=lambda late: None, blocked=seen.append, starved=lambda late: seen.append(late > 0.3))
    watchdog.start()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(os.system, f"kill -STOP {os.getpid()}; sleep 0.7; kill -CONT {os.getpid()}")
    await asyncio.sleep(0.3)
    await watchdog.stop()
    print(seen)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_a_process_that_was_stopped_blames_nobody() -> None:
    """As a suspended machine is."""
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, check=False)
    assert "True" in done.stdout, done.stderr
    assert "tagserver" not in done.stdout
