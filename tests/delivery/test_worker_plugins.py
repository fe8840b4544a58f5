"""Plugins that fail while their events are delivered: before anything has left, it is found which event they fail for;
after the vendor's answer nobody knows what became of the batch, and nothing is sent again of itself."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import re
from collections.abc import Callable, Generator, Iterator, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.plugin import Destination, Limits, Outcome, Outcomes, Payload, Request, Response
from tagserver.plugin.fault import Interrupted
from tagserver.queue.crash_suspects import Marks, marked
from tagserver.queue.dead_letters import Choice
from tests.delivery.support import claim, deliveries, delivery, meta, until
from tests.delivery.world import URL, Account, Hundred, World
from tests.fake_time import START

RAISED: tuple[type[BaseException], ...] = (
    *(KeyError, SystemExit, KeyboardInterrupt, GeneratorExit, StopAsyncIteration, asyncio.CancelledError),
    *(RecursionError, BaseException),
)


class Sink(Hundred):
    """Not reached by HTTP."""

    sink = True

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Whatever a test says."""
        return self.given()

    def given(self) -> Any:
        """In place of an outcome."""
        return Outcome.delivered()


Way = Callable[[Any], type[Destination]]
"""A destination that does something, which may raise or give anything, in place of what it should."""


def requests(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"request": lambda self, payloads, settings: does()})


def begins(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"exchange": lambda self, payloads, settings, cache: does()})


def yields(does: Any) -> type[Destination]:
    class Bad(Hundred):
        def exchange(self, payloads: Any, settings: Account, cache: Any) -> Generator[Request, Response, Outcomes]:
            yield does()
            return Outcome.delivered()

    return Bad


def classifies(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"classify": lambda self, response, payloads: does()})


def ends(does: Any) -> type[Destination]:
    class Bad(Hundred):
        def exchange(self, payloads: Any, settings: Account, cache: Any) -> Generator[Request, Response, Outcomes]:
            yield self.request(payloads, settings)
            answer: Outcomes = does()
            return answer

    return Bad


def delivers(does: Any) -> type[Destination]:
    return type("Bad", (Sink,), {"given": lambda self: does()})


def cancels() -> None:
    """A plugin that cancels the task it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


BEFORE = (requests, begins, yields)
AFTER = (classifies, ends, delivers)


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize("way", BEFORE)
async def test_before_anything_has_left_the_event_is_found(world: World, way: Way, error: type[BaseException]) -> None:
    """One that fails for everything pauses, with everything kept; nothing it raises ends the worker."""

    def fails() -> None:
        raise error("erika@example.com")

    await world.outbox.append(deliveries(20))
    world.start(way(fails)())
    await world.resting()
    assert world.state[0] == "paused"
    assert re.search(
        rf"plugin_error .*; (request|exchange) fails with {error.__name__} at test_worker_plugins", world.state[1]
    )
    assert (meta(world.outbox).pending, meta(world.outbox).dead, world.vendor.requests) == (20, 0, [])
    assert {row.unknown_since for row in (await claim(world.outbox)).rows} == {None}


@pytest.mark.parametrize("error", RAISED)
@pytest.mark.parametrize("way", AFTER)
async def test_after_the_answer_nobody_is_to_blame(world: World, way: Way, error: type[BaseException]) -> None:
    """One request, and a pause; all may have arrived, so the window for repeats begins."""

    def fails() -> None:
        raise error("erika@example.com")

    await world.outbox.append(deliveries(20))
    world.start(way(fails)())
    assert await world.resting() == 600.0
    state, reason = world.state
    assert state == "paused"
    assert re.match(
        rf"plugin_error: \w+ fails with {error.__name__} at test_worker_plugins.py:\d+, after the answer", reason
    )
    assert "whether the vendor has the events is not known" in reason
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (20, 0)
    assert len(world.vendor.requests) == (0 if way is delivers else 1)
    rows = (await claim(world.outbox)).rows
    assert {(row.attempts, row.unknown_since) for row in rows} == {(1, START)}


def lazily() -> Iterator[Outcome]:
    yield Outcome.delivered()
    raise KeyError("erika@example.com")


@pytest.mark.parametrize(
    "given",
    [
        *(lambda: None, lambda: "delivered", lambda: 7, list, lambda: [Outcome.delivered()] * 19, lazily),
        *(lambda: [None] * 20, lambda: [Outcome.delivered(), 7] * 10, lambda: Outcome("gone"), cancels),  # type: ignore[arg-type]  # (wrong on purpose)
        *(lambda: Outcome.retry(None), lambda: Outcome.retry("503", after="soon")),  # type: ignore[arg-type]  # (wrong on purpose)
        lambda: Outcome.retry("503", after=float("nan")),
        lambda: itertools.repeat(Outcome.delivered()),
    ],
)
@pytest.mark.parametrize("way", AFTER)
async def test_what_is_no_outcome_is_as_a_failure(world: World, way: Way, given: Any) -> None:
    await world.outbox.append(deliveries(20))
    world.start(way(given)())
    assert await world.resting() == 600.0
    assert world.state[0] == "paused"
    assert world.state[1].startswith("plugin_error: ")
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (20, 0)
    assert len(world.vendor.requests) == (0 if way is delivers else 1)


class Logs(Hundred):
    """Needs a token first, and cannot read the answer."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Account, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """Fails at the first answer."""
        answer = yield Request("POST", URL, {}, b"[]")
        return [Outcome.delivered()][int(answer.headers["x-none"])]


async def test_a_first_answer_of_several_that_cannot_be_read_is_no_event_s_fault(world: World) -> None:
    await world.outbox.append(deliveries(5))
    world.start(Logs())
    await world.resting()
    assert "exchange fails with KeyError" in world.state[1]
    assert (meta(world.outbox).pending, len(world.vendor.requests)) == (5, 1)


class Endless(Hundred):
    """Always wants another answer, and does not want to end."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Account, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """For ever."""
        while True:
            try:
                yield self.request(payloads, settings)
            except GeneratorExit:
                raise SystemExit from None


async def test_a_talk_without_an_end_is_ended(world: World) -> None:
    await world.outbox.append(deliveries(5))
    world.start(Endless())
    await world.resting()
    assert "exchange wants more than 8 requests" in world.state[1]
    assert len(world.vendor.requests) == 8


async def test_what_a_talk_does_when_it_is_cut_changes_nothing(world: World) -> None:
    """The vendor is away; that the plugin fails when it is told so is no news."""
    world.vendor.always = httpx.ConnectError("away")
    await world.outbox.append(deliveries(5))
    world.start(Endless())
    await world.resting()
    assert world.state == ("retrying", "ConnectError")


class Moody(Hundred):
    """Cannot read answers of one kind."""

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """Fails for 299."""
        if response.status == 299:
            raise KeyError
        return super().classify(response, payloads)


async def test_only_what_was_not_tried_asks_whether_answers_can_be_read_again(world: World) -> None:
    """And when one can be, all goes on: what may have arrived is repeated once."""
    world.vendor.script += [httpx.Response(299), httpx.Response(299)]
    await world.outbox.append(deliveries(3))
    world.start(Moody())
    await world.rested()
    await world.rested()
    await world.resting()
    assert world.vendor.sent == [["e0", "e1", "e2"]], "nothing is repeated, however long it lasts"
    await world.outbox.append([delivery("new")])
    world.naps.over()
    await world.resting()
    assert world.vendor.sent[1:] == [["new"]], "its answer cannot be read either"
    await world.outbox.append([delivery("newer")])
    world.naps.over()
    await world.drained()
    assert world.vendor.sent[2:] == [["newer"], ["e0", "e1", "e2", "new"]]
    assert world.state == ("ok", "")


async def test_what_cannot_be_read_twice_waits_for_somebody(world: World) -> None:
    """A batch whose answer breaks the plugin again is not sent a third time of itself."""
    world.vendor.script += [httpx.Response(299), httpx.Response(200), httpx.Response(299)]
    await world.outbox.append(deliveries(3))
    world.start(Moody())
    await world.resting()
    await world.outbox.append([delivery("new")])
    world.naps.over()
    for _ in range(5):
        await world.rested()
    assert world.vendor.sent == [["e0", "e1", "e2"], ["new"], ["e0", "e1", "e2"]]
    assert world.state[0] == "paused"
    world.dispatcher.wait_no_longer("meta")
    await world.drained()
    assert [len(ids) for ids in world.vendor.sent[3:]] == [1, 2]


async def test_each_outcome_of_a_list_counts(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """With its own time to wait, its warning, its reason and its sentence."""
    outcomes = [
        Outcome.delivered("old version"),
        Outcome.retry("busy", after=5),
        Outcome.rejected("bad", "no value"),
        Outcome.retry("full", after=70, detail="the table is full"),
        Outcome.delivered("old version"),
        Outcome.delivered("no currency"),
        Outcome.delivered(),
    ]
    world.vendor.script += [httpx.Response(200)]
    plugin = classifies(lambda: outcomes if len(world.vendor.requests) == 1 else Outcome.delivered())
    await world.outbox.append(deliveries(7))
    with caplog.at_level(logging.WARNING):
        world.start(plugin())
        assert await world.resting() >= 70
    assert world.state == ("retrying", "busy; full: the table is full")
    assert (meta(world.outbox).delivered, meta(world.outbox).pending, meta(world.outbox).dead) == (4, 2, 1)
    said = [record.message for record in caplog.records]
    assert "destination meta: old version (2 events)" in said
    assert "destination meta: no currency" in said
    (letter,) = await world.outbox.dead(Choice(), 10)
    assert (letter.event_id, letter.detail) == ("e2", "bad no value")
    world.naps.over()
    await world.drained()
    assert world.vendor.sent[1] == ["e1", "e3"]


@pytest.mark.parametrize(
    ("outcomes", "state", "reason"),
    [
        ([Outcome.retry("busy"), Outcome.paused("190", "make a new token")], "paused", "190: make a new token"),
        ([Outcome.retry("busy"), Outcome.throttled("429", 9)], "retrying", "429"),
        ([Outcome.delivered(), Outcome.throttled("429", 9, "too many")], "retrying", "429: too many"),
        ([Outcome.paused("1", "a"), Outcome.paused("2", "b")], "paused", "1: a; 2: b"),
    ],
)
async def test_the_gravest_of_a_list_is_what_is_said(world: World, outcomes: Any, state: str, reason: str) -> None:
    await world.outbox.append(deliveries(2))
    world.start(classifies(lambda: outcomes)())
    await world.resting()
    assert world.state == (state, reason)


async def test_of_a_list_under_a_5xx_only_what_asks_for_a_repeat_may_have_arrived(world: World) -> None:
    world.vendor.script += [httpx.Response(500)]
    outcomes = [Outcome.delivered(), Outcome.retry("lock"), Outcome.rejected("bad")]
    await world.outbox.append(deliveries(3))
    world.start(classifies(lambda: outcomes)())
    await world.resting()
    assert (meta(world.outbox).delivered, meta(world.outbox).pending, meta(world.outbox).dead) == (1, 1, 1)
    (row,) = (await claim(world.outbox)).rows
    assert (row.event_id, row.attempts, row.unknown_since) == ("e1", 1, START)


async def test_the_sentence_for_the_person_reaches_the_state(world: World) -> None:
    """Without what must not stand in either, on one line, and not longer than a sentence."""
    detail = "make a new token\nfor erika@example.com " + "x" * 1000
    await world.outbox.append(deliveries(1))
    world.start(classifies(lambda: Outcome.paused("190", detail))())
    await world.resting()
    assert world.state[1].startswith("190: make a new token for [e-mail] xxx")
    assert len(world.state[1]) <= 310
    stop = world.dispatcher.stop_of("meta")
    assert stop is not None
    assert (stop.code, stop.status, stop.said) == ("190", 200, "")


class Unsure(Hundred):
    """Does not know which fields tell of a person, any more."""

    def hashes(self, settings: Account) -> Sequence[str]:
        """Fails."""
        raise SystemExit


class Unsound(Hundred):
    """Names what is no path."""

    def hashes(self, settings: Account) -> Any:
        """Nonsense."""
        return (1,)


@pytest.mark.parametrize("plugin", [Unsure, Unsound])
async def test_without_knowing_what_is_personal_no_words_of_the_vendor_are_kept(
    world: World, plugin: type[Destination]
) -> None:
    world.vendor.always = httpx.Response(400, json={"message": "no value for Erika"})
    await world.outbox.append(deliveries(1))
    world.start(plugin())
    await world.drained()
    (letter,) = await world.outbox.dead(Choice(), 10)
    assert letter.detail == "400"


class Waits(Sink):
    """Never ends."""

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Waits."""
        await asyncio.Event().wait()
        return Outcome.delivered()


async def test_a_sink_that_is_cancelled_by_our_end_has_not_failed(world: World) -> None:
    await world.outbox.append(deliveries(2))
    world.start(Waits())
    await until(lambda: any((world.folder / "outbox.db.working").read_bytes()))
    await world.dispatcher.stop(drain=0.01)
    rows = (await claim(world.outbox)).rows
    assert [(row.attempts, row.unknown_since, row.crashes) for row in rows] == [(1, START, 0)] * 2
    assert not any((world.folder / "outbox.db.working").read_bytes())


@pytest.mark.parametrize(
    ("error", "left"),
    [
        *((one, {7}) for one in (SystemExit, KeyboardInterrupt, Interrupted, GeneratorExit, BaseException)),
        *((one, set()) for one in (KeyError, MemoryError, asyncio.CancelledError)),
    ],
)
def test_the_mark_of_a_crash_stays_when_something_unwinds(
    tmp_path: Path, error: type[BaseException], left: set[int]
) -> None:
    """What nobody catches ends the process with the plugin at work: after the restart the batch is suspect."""
    marks = Marks(tmp_path / "working")
    with pytest.raises(error), marks.mark(7):
        raise error
    marks.close()
    assert marked(tmp_path / "working") == left


class Stays(Sink):
    """Hears that it should end, and goes on until it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Waits."""
        while not self.may.is_set():
            with suppress(asyncio.CancelledError):
                await self.may.wait()
        raise KeyError("erika@example.com")


async def test_a_sink_that_does_not_end_keeps_nobody_from_ending(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What it does later nobody hears of."""
    await world.outbox.append(deliveries(2))
    sink = Stays()
    world.start(sink)
    await until(lambda: any((world.folder / "outbox.db.working").read_bytes()))
    await world.dispatcher.stop(drain=0)
    rows = (await claim(world.outbox)).rows
    assert [(row.attempts, row.unknown_since) for row in rows] == [(1, START)] * 2
    sink.may.set()
    await asyncio.sleep(0.01)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_lack_of_memory_is_no_payload_s_fault(world: World) -> None:
    """Before anything has left it is as if nothing had been; after that nobody knows."""

    def fails() -> None:
        raise MemoryError

    await world.outbox.append(deliveries(2))
    world.start(requests(fails)())
    await world.resting()
    assert world.state == ("retrying", "MemoryError")
    assert {(row.attempts, row.unknown_since) for row in (await claim(world.outbox)).rows} == {(0, None)}


@pytest.mark.parametrize("way", AFTER)
async def test_a_lack_of_memory_after_the_answer_begins_the_time_for_repeats(world: World, way: Way) -> None:
    def fails() -> None:
        raise MemoryError

    await world.outbox.append(deliveries(2))
    world.start(way(fails)())
    await world.resting()
    assert world.state == ("retrying", "MemoryError")
    assert {(row.attempts, row.unknown_since) for row in (await claim(world.outbox)).rows} == {(1, START)}


@pytest.mark.parametrize("kind", ["paused", "retry", "throttled", "rejected", "delivered"])
async def test_texts_of_any_length_are_cut(world: World, caplog: pytest.LogCaptureFixture, kind: Any) -> None:
    """And stand on one line, without what must not be shown: a plugin may have made a code of a whole answer."""
    text = "for erika@example.com\n" + "x\n" * 100_000
    await world.outbox.append(deliveries(1))
    plugin = classifies(lambda: Outcome(kind, text, text, warning=text, said=text))()
    world.start(plugin)
    if kind in ("rejected", "delivered"):
        await world.drained()
    else:
        await world.resting()
    shown = [world.state[1], *(record.getMessage() for record in caplog.records if record.name.startswith("tagserver"))]
    shown += [letter.detail for letter in await world.outbox.dead(Choice(), 10)]
    assert any("for [e-mail] x x x" in one for one in shown)
    assert all(len(one) < 1000 and "\n" not in one and "erika" not in one for one in shown)


class Few(Sink):
    """One event a call."""

    limits = Limits(events=1)


async def test_an_oserror_of_a_sink_waits_as_before(world: World) -> None:
    def full() -> None:
        raise OSError("no room")

    await world.outbox.append(deliveries(2))
    world.start(type("Full", (Few,), {"given": lambda self: full()})())
    await world.resting()
    assert world.state == ("retrying", "OSError")
