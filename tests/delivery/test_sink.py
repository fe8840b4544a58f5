"""The life of a sink: what is called when, and what becomes of everybody else when it fails or never ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagserver.delivery.sink import CLOSED_WITHIN, TICK, WITHIN
from tagserver.plugin import Limits, Outcome, Outcomes, Payload
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.runtime.failing import FORGOTTEN, Failing
from tests.delivery.support import deliveries, meta, until
from tests.delivery.world import Account, Hours, Hundred, World
from tests.fake_time import START, FakeTime

Fault = Callable[[], Any]


class Log(Hundred):
    """Notes what is called. `fails`: what each of its methods does at its end."""

    sink = True
    limits = Limits(events=10, requests=2)

    def __init__(self, calls: list[str], **fails: Fault) -> None:
        self._calls = calls
        self._fails = fails

    async def _note(self, what: str, settings: Account, *more: Any) -> None:
        self._calls.append(" ".join(map(str, (what, settings.token, *more))))
        if (fault := self._fails.get(what)) is not None:
            made = fault()
            if asyncio.iscoroutine(made):
                await made

    async def open(self, settings: Account) -> None:
        """Notes it."""
        await self._note("open", settings)

    async def tick(self, settings: Account, now: int) -> None:
        """Notes it, and when."""
        await self._note("tick", settings, now - START)

    async def close(self, settings: Account) -> None:
        """Notes it."""
        await self._note("close", settings)

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Notes how many."""
        await self._note("deliver", settings, len(payloads))
        return Outcome.delivered()


@dataclass
class Life:
    """A world in time of its own, and what was called in it."""

    world: World
    hours: Hours
    calls: list[str]

    def start(self, token: str = "a", **fails: Any) -> None:
        """Configure the sink, or change it; each time a new object, as a reload makes it."""
        paused = fails.pop("paused", None)
        self.world.start(Log(self.calls, **fails), settings=Account(token), paused=paused)

    async def until_called(self, call: str, times: int = 1) -> None:
        """Time passes until this was called."""
        await self.hours.pass_until(lambda: self.calls.count(call) >= times)


@pytest.fixture
async def life(outbox: SqliteOutbox, clock: FakeTime, tmp_path: Path) -> AsyncIterator[Life]:
    """Workers that sleep in time of their own."""
    hours = Hours(clock)
    made = World(outbox, clock, tmp_path, sleep=hours)
    yield Life(made, hours, [])
    await made.dispatcher.stop(drain=0)


async def test_it_is_opened_first_ticks_without_traffic_and_is_closed_at_the_end(life: Life) -> None:
    life.start()
    await life.until_called("tick a 20000")
    await life.world.outbox.append(deliveries(3))
    await life.until_called("deliver a 3")
    await life.world.dispatcher.stop(drain=5)
    assert life.calls[:4] == ["open a", "tick a 0", "tick a 10000", "tick a 20000"]
    assert life.calls[-1] == "close a"
    assert life.calls.count("open a") == life.calls.count("close a") == 1
    assert TICK == 10.0


async def test_a_reload_that_changes_nothing_leaves_it_open(life: Life) -> None:
    """And it is the same object that goes on, not the new one, which was never opened."""
    life.start()
    await life.until_called("open a")
    held: list[str] = []
    life.world.start(Log(held), settings=Account("a"))
    await life.world.outbox.append(deliveries(1))
    await life.until_called("deliver a 1")
    assert (life.calls.count("open a"), held) == (1, [])


async def test_other_settings_close_it_and_open_it_anew(life: Life) -> None:
    life.start("a")
    await life.until_called("open a")
    life.start("b")
    await life.until_called("tick b 0")
    assert [call for call in life.calls if "tick" not in call] == ["open a", "close a", "open b"]


@pytest.mark.parametrize("how", ["removed", "paused"])
async def test_it_is_closed_when_it_goes(life: Life, how: str) -> None:
    """And opened when it comes back."""
    life.start()
    await life.until_called("open a")
    if how == "removed":
        life.world.targets.clear()
        life.world.dispatcher.reconfigured([])
    else:
        life.start(paused="a secret is missing")
    await life.until_called("close a")
    life.start()
    await life.until_called("open a", 2)


async def test_none_of_the_three_runs_beside_a_delivery(life: Life) -> None:
    """A tick that is due waits for what is under way, and nothing new begins before it."""
    going = asyncio.Event()
    life.start(deliver=lambda: going.wait())
    await life.until_called("tick a 0")
    await life.world.outbox.append(deliveries(15))
    await life.until_called("deliver a 5")
    life.world.clock.advance(TICK * 3)
    life.start()  # wakes the worker
    await asyncio.sleep(0.05)
    assert life.calls.count("tick a 0") == sum("tick" in call for call in life.calls) == 1
    going.set()
    await life.until_called("tick a 30000")


def raises(error: BaseException) -> Fault:
    """A method that fails."""

    def fail() -> None:
        raise error

    return fail


ERRORS = [
    OSError("erika@example.com"),
    KeyError("erika@example.com"),
    SystemExit(3),
    KeyboardInterrupt(),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_what_cannot_be_opened_waits_and_loses_nothing(
    life: Life, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """Its deliveries wait, those of others do not; it is tried again, less and less often."""
    await life.world.outbox.append([*deliveries(2), *deliveries(1, "g", destination="ga4")])
    life.start(open=raises(error))
    life.world.start(name="ga4")
    await life.until_called("open a", 4)
    state, reason = life.world.state
    assert state == "retrying"
    assert reason.startswith(f"open fails with {type(error).__name__}")
    assert life.world.clock.monotonic() == 1.0 + 2.0 + 4.0
    assert life.world.outbox.counts()["ga4"].delivered == 1
    assert (meta(life.world.outbox).pending, "deliver a 2" in life.calls) == (2, False)
    assert "open fails" not in caplog.text, "that is its state, which is said as such"
    assert "erika" not in caplog.text
    life.start()  # mended; nobody waits for the next try
    await life.until_called("deliver a 2")
    await until(lambda: meta(life.world.outbox).delivered == 2)
    assert life.world.state == ("ok", "")


async def test_a_full_disk_is_no_fault_of_the_plugin_s(life: Life) -> None:
    """It is said what is tried again; the plugin's author has nothing to mend."""
    life.start(tick=raises(OSError()))
    await life.until_called("tick a 10000")
    assert life.world.state == ("retrying", "tick fails with OSError")
    assert {how for _, how in life.world.tended} == {None}
    life.start()
    await life.world.dispatcher.stop(drain=5)
    assert life.world.tended[-1] == ("meta", None)


@pytest.mark.parametrize("method", ["tick", "close"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_tick_or_a_close_that_fails_hurts_nobody(
    life: Life, method: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    life.start(**{method: raises(error)})
    await life.until_called("tick a 20000")
    await life.world.outbox.append(deliveries(2))
    await life.until_called("deliver a 2")
    await until(lambda: meta(life.world.outbox).delivered == 2)
    await life.world.dispatcher.stop(drain=5)
    assert life.calls[-1] == "close a"
    said = caplog.text.count(f"destination meta: {method} fails with {type(error).__name__}")
    assert said == (method == "close"), "a tick that fails is a state, and said as such"
    assert "erika" not in caplog.text


async def test_each_call_is_told(life: Life) -> None:
    """How it has failed, or that it has not; of methods that are not there nothing is told."""
    life.start(tick=raises(KeyError()))
    await life.until_called("tick a 10000")
    await life.world.dispatcher.stop(drain=5)
    hows = [how and how.partition(" at ")[0] for name, how in life.world.tended if name == "meta"]
    assert hows == [None, "tick fails with KeyError", "tick fails with KeyError", None]


def test_a_tick_that_fails_is_seen_whatever_is_delivered(clock: FakeTime) -> None:
    """Until it has done well for as many calls, or has not failed for a while."""
    failing = Failing(clock)
    failing.tended("archive", None)
    failing.tended("archive", "tick fails with KeyError")
    failing.tended("archive", None)
    failing.sent("archive", 1000, [])
    shown = {"destination": "archive", "reason": "tick fails with KeyError (1 of the last 2 calls)"}
    assert failing.shown({"archive"}, ()) == [shown]
    assert failing.shown((), ()) == []
    failing.sent("archive", 0, ["request fails with KeyError"])
    (one,) = failing.shown({"archive"}, ())
    assert one["reason"].startswith("request fails")
    clock.advance(FORGOTTEN)
    assert failing.shown({"archive"}, ()) == []


def never() -> Any:
    """A method that does not end."""
    return asyncio.Event().wait()


async def test_an_open_without_end_is_given_up(life: Life) -> None:
    life.start(open=never)
    await life.until_called("open a", 2)
    assert life.world.clock.monotonic() == WITHIN + 1.0
    assert life.world.state == ("retrying", "open has not ended after 10 s")


async def test_a_tick_without_end_is_given_up(life: Life) -> None:
    await life.world.outbox.append(deliveries(2))
    life.start(tick=never)
    await life.until_called("deliver a 2")
    assert life.world.clock.monotonic() == WITHIN
    await life.until_called("tick a 20000")


async def test_a_close_without_end_does_not_keep_the_server_from_ending(life: Life) -> None:
    life.start(close=never)
    await life.until_called("tick a 0")
    before = life.world.clock.monotonic()
    stopping = asyncio.create_task(life.world.dispatcher.stop(drain=0))
    await life.hours.pass_until(stopping.done)
    assert life.world.clock.monotonic() == before + CLOSED_WITHIN


async def test_a_close_that_has_begun_is_not_cut_by_the_end_of_the_drain(life: Life) -> None:
    """It has its own time: what it writes would be left half done."""
    life.start(close=never)
    await life.until_called("tick a 0")
    before = life.world.clock.monotonic()
    hurry = asyncio.Event()
    stopping = asyncio.create_task(life.world.dispatcher.stop(drain=60, hurry=hurry))
    await until(lambda: "close a" in life.calls)
    hurry.set()
    await life.hours.pass_until(stopping.done)
    assert life.world.clock.monotonic() == before + CLOSED_WITHIN


async def test_it_is_closed_when_a_delivery_is_cut_by_the_end(life: Life) -> None:
    await life.world.outbox.append(deliveries(2))
    life.start(deliver=never)
    await life.until_called("deliver a 2")
    await life.world.dispatcher.stop(drain=0)
    assert life.calls[-1] == "close a"
    assert meta(life.world.outbox).pending == 2


class Plain(Hundred):
    """A sink that has nothing but `deliver`."""

    sink = True

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Nowhere."""
        return Outcome.delivered()


async def test_a_sink_without_a_life_waits_for_nothing(world: World) -> None:
    """Nobody wakes for a tick that does nothing."""
    await world.outbox.append(deliveries(2))
    world.start(Plain())
    await world.drained()
    await asyncio.sleep(0.02)
    assert world.naps.none


async def test_what_is_no_sink_has_none_of_it(world: World) -> None:
    """Whatever its methods are called."""
    calls: list[str] = []

    class Http(Log):
        """By HTTP."""

        sink = False

    await world.outbox.append(deliveries(2))
    world.start(Http(calls))
    await world.drained()
    assert calls == []
