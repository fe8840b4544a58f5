"""Dead letters of the SQLite engine: their causes in a file of before, how many of them there can be, and slices."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.queue.dead_letters import OTHER, Cause, Choice, Position, code_in
from tagserver.queue.sqlite.dead_search import MOST_CODES
from tagserver.queue.sqlite.engine import SqliteOutbox
from tests.delivery.support import open_outbox
from tests.examples import examples
from tests.fake_time import FakeTime
from tests.queue.contract.test_dead_letters import assert_choices, bury, choices, letters


@settings(max_examples=examples(15), deadline=None)
@given(letters, st.lists(choices, min_size=1, max_size=8))
def test_a_choice_means_what_it_says_of_letters_without_a_cause(
    died: Sequence[tuple[int, Cause, int]], chosen: Sequence[Choice]
) -> None:
    """Of a file of before: they are given theirs before the first question."""

    async def play(folder: Path) -> None:
        clock = FakeTime()
        outbox = await open_outbox(folder, clock)
        for number, cause, later in died:
            clock.jump(later / 1000)
            await bury(outbox, f"e{number}", cause)
        await outbox._writer.run(lambda database: database.execute("UPDATE dead SET cause = NULL").rowcount)
        await assert_choices(outbox, len(died), chosen)
        await outbox.close()

    with tempfile.TemporaryDirectory(prefix="dead-choice-") as folder:
        asyncio.run(play(Path(folder)))


@pytest.mark.parametrize(
    ("reason", "detail", "code"),
    [
        ("rejected", "100/2804003 (#100) Invalid parameter", "100/2804003"),
        ("rejected", "http/400", "http/400"),
        ("rejected", "VALUE_INVALID the value", "VALUE_INVALID"),
        ("rejected", "Snap refuses this event", ""),
        ("rejected", "erika@example.com 1", ""),
        ("rejected", "", ""),
        ("plugin_error", "KeyError/x", ""),
    ],
)
def test_the_code_of_a_letter_of_before(reason: str, detail: str, code: str) -> None:
    assert code_in(reason, detail) == code


async def test_a_vendor_cannot_make_many_causes(outbox: SqliteOutbox, tmp_path: Path, clock: FakeTime) -> None:
    """Beyond some codes of one tag, and for what is no code, there is one name; over a restart, too."""

    def many(database: object) -> int:
        return len({outbox._causes.number("meta", "A", "rejected", f"c/{number}") for number in range(2 * MOST_CODES)})

    assert await outbox._writer.run(many) == MOST_CODES + 1
    for number, code in enumerate(("c/1", "Your name, please", f"c/{MOST_CODES}", "new/1")):
        await bury(outbox, f"e{number}", Cause("meta", "A", "rejected", code))
    await bury(outbox, "e9", Cause("meta", "B", "rejected", "new/1"))
    codes = ["new/1", OTHER, OTHER, OTHER, "c/1"]
    assert [one.code for one in await outbox.dead(Choice(), 10)] == codes
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    assert [one.code for one in await again.dead(Choice(), 10)] == codes
    await again.close()


async def test_a_burial_that_was_not_committed_leaves_no_cause(outbox: SqliteOutbox) -> None:
    """Its number would be another's, or nobody's."""

    def fails(database: object) -> None:
        outbox._causes.number("meta", "A", "rejected", "1/1")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await outbox._writer.run(fails)
    assert list(await outbox.causes()) == []
    await bury(outbox, "e1", Cause("meta", "A", "rejected", "1/2"))
    assert [one.cause.code for one in await outbox.dead_groups(Choice())] == ["1/2"]


class Slow(FakeTime):
    """Of a machine on which everything takes a second."""

    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()


@pytest.mark.parametrize("order", ["retry", "drop"])
async def test_a_slice_ends_when_its_time_is_over_and_comes_on(tmp_path: Path, order: str) -> None:
    """However slow the disk is: one letter at least, and not the next."""
    outbox = await SqliteOutbox.open(tmp_path / "outbox.db", time=Slow(), min_free=0)
    for number in range(3):
        await bury(outbox, f"e{number}", Cause("meta", "A", "rejected", "1/1"))
    after: Position | None = Position(0, 0)
    moved = []
    while after is not None:
        if order == "retry":
            done = await outbox.retry_dead(Choice(), {}, 100, after)
            moved.append(sum(done.moved.values()))
            after = done.after
        else:
            dropped = await outbox.drop_dead(Choice(), 100, after)
            moved.append(dropped.count)
            after = dropped.after
        assert len(moved) < 10
    assert moved == [1, 1, 1]
    await outbox.close()
