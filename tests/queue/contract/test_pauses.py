"""Destinations that are paused by hand: over restarts, whatever the clock does, and what may wait for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tagserver.queue.api import erase_all
from tagserver.queue.dead_letters import Choice
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.pauses import Pause, Pauses
from tagserver.queue.values import (
    ROW_BYTES,
)
from tests.delivery.support import HOUR, claim, deliveries, delivery, meta, stored
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up


def pause(name: str = "meta", *others: str, term: float | None = None, **fields: Any) -> Pause:
    """Of now."""
    until = None if term is None else START + round(term * 1000)
    return Pause(
        destination=name,
        names=(name, *others),
        by="anna",
        since=START,
        until=until,
        term=None if term is None else round(term * 1000),
        **fields,
    )


def names(pauses: Pauses) -> set[str]:
    """Those that stand."""
    return set(pauses.all())


@pytest.mark.parametrize("killed", [False, True], ids=["restart", "kill"])
async def test_it_stands_after_a_restart_and_after_a_kill(outbox: Engine, lasting: Storage, killed: bool) -> None:
    made = pause(note="ticket 4711")
    await outbox.pauses.put(made)
    if killed:
        again = await lasting.open_as_killed()
    else:
        await outbox.close()
        again = await lasting.open()
    assert again.pauses.all() == {"meta": made}
    assert await again.pauses.end(["meta"]) == [made]
    await again.close()
    assert names((await lasting.open()).pauses) == set()


@pytest.mark.parametrize(
    ("made", "asked", "held"),
    [
        (pause("meta"), ["meta"], True),
        (pause("meta"), ["ga4"], False),
        (pause("meta"), ["meta new", "meta"], True),
        (pause("meta new", "meta"), ["meta"], True),
        (pause("meta new", "meta"), ["meta newer", "meta new"], True),
        (pause("meta new", "meta"), ["ga4", "tiktok"], False),
    ],
    ids=["same", "other", "renamed since", "rolled back since", "renamed twice", "others"],
)
async def test_no_name_sets_it_free(outbox: Engine, made: Pause, asked: list[str], held: bool) -> None:
    await outbox.pauses.put(made)
    assert (outbox.pauses.of(asked) is made) is held
    assert bool(await outbox.pauses.end(asked)) is held


async def test_one_of_the_same_destination_is_replaced(outbox: Engine, storage: Storage) -> None:
    await outbox.pauses.put(pause("meta", term=HOUR))
    await outbox.pauses.put(pause("ga4"))
    await outbox.pauses.put(pause("meta new", "meta"))
    assert names(outbox.pauses) == {"meta new", "ga4"}
    if storage.keeps:
        await outbox.close()
        assert names((await storage.open()).pauses) == {"meta new", "ga4"}


Steps = list[tuple[str, float]]


TERMS: list[tuple[str, Steps, bool]] = [
    ("not yet", [("advance", HOUR - 1)], True),
    ("over", [("advance", HOUR)], False),
    ("the clock is set forward", [("jump", 10 * HOUR)], True),
    ("the clock is set back", [("jump", -10 * HOUR), ("advance", HOUR)], False),
    ("the clock was years ahead", [("jump", -1e9), ("advance", HOUR - 1)], True),
    ("a restart in between", [("advance", HOUR / 2), ("restart", 0), ("advance", HOUR / 2 - 1)], True),
    ("a restart in between, and over", [("advance", HOUR / 2), ("restart", 0), ("advance", HOUR / 2)], False),
    ("over while nothing ran", [("restart", 2 * HOUR)], False),
    ("set back, then a restart", [("jump", -1e9), ("restart", 0), ("advance", HOUR - 1)], True),
    ("set back, then a restart, and over", [("jump", -1e9), ("restart", 0), ("advance", HOUR)], False),
    (
        "set forward and noted, then a restart",
        [("advance", 60), ("jump", 10 * HOUR), ("keep", 0), ("restart", 0), ("advance", HOUR - 61)],
        True,
    ),
    (
        "set forward and noted, then a restart, and over",
        [("advance", 60), ("jump", 10 * HOUR), ("keep", 0), ("restart", 0), ("advance", HOUR - 60)],
        False,
    ),
]


IN_ONE_LIFE = [row for row in TERMS if "restart" not in dict(row[1])]
OVER_RESTARTS = [row for row in TERMS if "restart" in dict(row[1])]


@pytest.mark.parametrize(("steps", "stands"), [row[1:] for row in IN_ONE_LIFE], ids=[row[0] for row in IN_ONE_LIFE])
async def test_a_term_is_as_long_as_it_was_asked_for(
    storage: Storage, clock: FakeTime, steps: Steps, stands: bool
) -> None:
    """By steady time."""
    assert await paused_after(storage, clock, steps) is stands


@pytest.mark.parametrize(("steps", "stands"), [row[1:] for row in OVER_RESTARTS], ids=[row[0] for row in OVER_RESTARTS])
async def test_a_term_over_a_restart(lasting: Storage, clock: FakeTime, steps: Steps, stands: bool) -> None:
    """By the wall clock, and never longer than the whole."""
    assert await paused_after(lasting, clock, steps) is stands


async def paused_after(storage: Storage, clock: FakeTime, steps: Steps) -> bool:
    """Whether a pause of an hour has not ended."""
    outbox = await storage.open()
    await outbox.pauses.put(pause(term=HOUR))
    acts: dict[str, Callable[[float], None]] = {"advance": clock.advance, "jump": clock.jump}
    for what, seconds in steps:
        if what == "restart":
            await outbox.close()
            clock.advance(seconds)
            outbox = await storage.open()
        elif what == "keep":
            await outbox.pauses.keep_time()
        else:
            acts[what](seconds)
    over = [one.destination for one in outbox.pauses.over()]
    assert over in ([], ["meta"])
    return not over


async def test_the_end_is_shown_by_the_clock_of_now(outbox: Engine, clock: FakeTime) -> None:
    made = pause(term=HOUR)
    await outbox.pauses.put(made)
    assert outbox.pauses.until(made) == made.until
    clock.advance(60)
    assert outbox.pauses.until(made) == made.until
    clock.jump(86400)
    assert outbox.pauses.until(made) == START + round((86400 + HOUR) * 1000)


async def test_what_cannot_be_written_has_not_happened(outbox: Engine) -> None:
    await outbox.pauses.put(pause("ga4"))
    await outbox.close()
    with pytest.raises(Exception, match="closing"):
        await outbox.pauses.put(pause())
    with pytest.raises(Exception, match="closing"):
        await outbox.pauses.end(["ga4"])
    assert names(outbox.pauses) == {"ga4"}


SIZE = len(delivery("e0").body) + ROW_BYTES
"""Of each of the deliveries here."""


async def small(storage: Storage, rows: int = 3) -> Engine:
    """An outbox in which so many rows may wait for one that is paused."""
    return await storage.open(share=rows * SIZE)


async def test_beyond_the_quota_new_ones_die_and_others_go_on(
    caplog: pytest.LogCaptureFixture, storage: Storage
) -> None:
    """Once said; and all are dead letters that can be tried again."""
    outbox = await small(storage)
    await outbox.append(deliveries(2))
    await outbox.pauses.put(pause())
    with caplog.at_level(logging.INFO):
        for number in range(4):
            receipts = await outbox.append(
                [delivery(f"m{number}"), delivery(f"g{number}", destination="ga4"), delivery(f"n{number}")]
            )
            assert stored(receipts) == [True, True, True]
    counts = outbox.counts()
    assert (counts["meta"].accepted, counts["meta"].pending, counts["meta"].dead_by_reason) == (
        10,
        3,
        {"queue_full": 7},
    )
    assert (counts["ga4"].pending, counts["ga4"].dead) == (4, 0)
    assert sum("dead letters (queue_full)" in line for line in caplog.messages) == 1
    assert outbox.quotas.overflow("meta") == "dies"
    await assert_adds_up(outbox)
    assert [row.event_id for row in (await claim(outbox)).rows] == ["e0", "e1", "m0"]
    if storage.keeps:
        await outbox.close()
        outbox = await small(storage)
    assert await outbox.pauses.end(["meta"])
    await outbox.retry_dead(Choice(reasons=["queue_full"]), {}, 100)
    assert (meta(outbox).pending, meta(outbox).dead) == (10, 0)
    rows = (await claim(outbox)).rows
    assert [row.event_id for row in rows][-7:] == ["n0", "m1", "n1", "m2", "n2", "m3", "n3"]
    assert outbox.quotas.of(("meta",)) == 10 * SIZE


async def test_nobody_else_is_limited(storage: Storage) -> None:
    """What waits for a vendor that is down is nobody's decision."""
    outbox = await small(storage)
    await outbox.append(deliveries(10))
    assert (meta(outbox).pending, meta(outbox).dead) == (10, 0)


async def test_a_repeat_of_one_that_died_is_a_duplicate(storage: Storage) -> None:
    """It can be tried again: beside its repeat it would count twice."""
    outbox = await small(storage, rows=0)
    await outbox.pauses.put(pause())
    assert stored(await outbox.append([delivery("a"), delivery("a")])) == [True, False]
    assert stored(await outbox.append([delivery("a")])) == [False]
    assert meta(outbox).dead_by_reason == {"queue_full": 1}


async def test_room_that_comes_back_is_used(storage: Storage) -> None:
    """A person is forgotten, or the pause ends."""
    outbox = await small(storage)
    await outbox.pauses.put(pause())
    await outbox.append(deliveries(4))
    await erase_all(outbox, lambda trace: True, FORGOTTEN)
    await outbox.append([delivery("b")])
    assert (meta(outbox).pending, meta(outbox).dead) == (1, 0)
    assert outbox.quotas.overflow("meta") == "waits"
    await outbox.append(deliveries(4, "c"))
    assert outbox.quotas.overflow("meta") == "dies"
    await outbox.pauses.end(["meta"])
    assert outbox.quotas.overflow("meta") == "waits"
    await outbox.append(deliveries(4, "d"))
    assert meta(outbox).pending == 7
    await assert_adds_up(outbox)


async def test_all_names_of_a_destination_have_one_quota(storage: Storage) -> None:
    outbox = await small(storage)
    await outbox.append(deliveries(2))
    await outbox.pauses.put(pause("facebook", "meta"))
    await outbox.append(deliveries(2, "f", destination="facebook"))
    assert (outbox.counts()["facebook"].pending, outbox.counts()["facebook"].dead) == (1, 1)
