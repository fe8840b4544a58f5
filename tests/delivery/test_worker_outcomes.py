"""What a plugin says of each event of a batch, and which of its words reach the state and the dead letters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tagserver.plugin import Destination, Outcome
from tagserver.queue.dead_letters import Choice
from tests.delivery.support import claim, deliveries, meta
from tests.delivery.world import Account, Hundred, World
from tests.fake_time import START

from .bad_plugins import classifies


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
