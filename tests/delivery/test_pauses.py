"""What the queue's file knows of pauses: over restarts, kills and damage, and whatever the clock does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.pauses import Pause, Pauses
from tagserver.queue.sqlite.engine import SqliteOutbox
from tests.delivery.support import HOUR, START, Clock, copy_as_killed, open_outbox


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


async def test_it_stands_after_a_restart_and_after_a_kill(tmp_path: Path, clock: Clock) -> None:
    first = await open_outbox(tmp_path, clock)
    made = pause(note="ticket 4711")
    await first.pauses.put(made)
    killed = copy_as_killed(tmp_path, tmp_path / "killed")
    await first.close()
    for folder in (tmp_path, killed):
        again = await open_outbox(folder, clock)
        assert again.pauses.all() == {"meta": made}
        assert await again.pauses.end(["meta"]) == [made]
        await again.close()
        last = await open_outbox(folder, clock)
        assert names(last.pauses) == set()
        await last.close()


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
async def test_no_name_sets_it_free(outbox: SqliteOutbox, made: Pause, asked: list[str], held: bool) -> None:
    await outbox.pauses.put(made)
    assert (outbox.pauses.of(asked) is made) is held
    assert bool(await outbox.pauses.end(asked)) is held


async def test_one_of_the_same_destination_is_replaced(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    await outbox.pauses.put(pause("meta", term=HOUR))
    await outbox.pauses.put(pause("ga4"))
    await outbox.pauses.put(pause("meta new", "meta"))
    assert names(outbox.pauses) == {"meta new", "ga4"}
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    assert names(again.pauses) == {"meta new", "ga4"}
    await again.close()


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


@pytest.mark.parametrize(("steps", "stands"), [row[1:] for row in TERMS], ids=[row[0] for row in TERMS])
async def test_a_term_is_as_long_as_it_was_asked_for(tmp_path: Path, clock: Clock, steps: Steps, stands: bool) -> None:
    """In one life by steady time; over a restart by the wall clock, and never longer than the whole."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.pauses.put(pause(term=HOUR))
    acts: dict[str, Callable[[float], None]] = {"advance": clock.advance, "jump": clock.jump}
    for what, seconds in steps:
        if what == "restart":
            await outbox.close()
            clock.advance(seconds)
            outbox = await open_outbox(tmp_path, clock)
        elif what == "keep":
            await outbox.pauses.keep_time()
        else:
            acts[what](seconds)
    assert [one.destination for one in outbox.pauses.over()] == ([] if stands else ["meta"])
    await outbox.close()


async def test_the_end_is_shown_by_the_clock_of_now(outbox: SqliteOutbox, clock: Clock) -> None:
    made = pause(term=HOUR)
    await outbox.pauses.put(made)
    assert outbox.pauses.until(made) == made.until
    clock.advance(60)
    assert outbox.pauses.until(made) == made.until
    clock.jump(86400)
    assert outbox.pauses.until(made) == START + round((86400 + HOUR) * 1000)


async def test_what_cannot_be_written_has_not_happened(outbox: SqliteOutbox) -> None:
    await outbox.pauses.put(pause("ga4"))
    await outbox.close()
    with pytest.raises(Exception, match="closing"):
        await outbox.pauses.put(pause())
    with pytest.raises(Exception, match="closing"):
        await outbox.pauses.end(["ga4"])
    assert names(outbox.pauses) == {"ga4"}


async def test_a_row_that_cannot_be_read_stands_until_somebody_looks(tmp_path: Path, clock: Clock) -> None:
    """Of a file that was salvaged: rather nothing is sent."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.pauses.put(pause(term=HOUR))
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("UPDATE pause SET names = '[', until = 'soon'")
        database.commit()
    again = await open_outbox(tmp_path, clock)
    clock.advance(10 * HOUR)
    held = again.pauses.of(["meta"])
    assert held is not None
    assert (held.until, again.pauses.over()) == (None, [])
    await again.close()


async def test_it_is_saved_from_a_damaged_file(tmp_path: Path, clock: Clock) -> None:
    outbox = await open_outbox(tmp_path, clock)
    await outbox.pauses.put(pause(note="ticket"))
    await outbox.close()
    (tmp_path / "outbox.db.damaged").touch()
    again = await open_outbox(tmp_path, clock)
    assert again.notice() is not None
    assert again.pauses.all() == {"meta": pause(note="ticket")}
    await again.close()
