"""Which dead letters a choice means: against a look at every letter. And pages that hold still while letters come and
go."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.queue.dead_letters import Cause, Choice, DeadLetter, Position
from tagserver.queue.sqlite.dead_search import MOST_CODES, OTHER, code_in
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import DeadLettered, Settlement
from tests.delivery.support import START, Clock, assert_adds_up, claim, delivery, key, open_outbox

DESTINATIONS, TAGS, REASONS, CODES = (
    ("meta", "ga4"),
    ("A", "B"),
    ("rejected", "expired"),
    ("", "100", "100/28", "http/400"),
)


async def bury(outbox: SqliteOutbox, event_id: str, cause: Cause) -> None:
    """One letter."""
    await outbox.append(
        [delivery(event_id, key=key(event_id + cause.tag), destination=cause.destination, tag=cause.tag)]
    )
    batch = await claim(outbox, cause.destination)
    detail = f"{cause.code} it says no".strip() if cause.code else "no"
    await outbox.settle(batch, Settlement(dead=[DeadLettered(batch.rows[0].id, cause.reason, detail, cause.code)]))


def meant(choice: Choice, letter: DeadLetter) -> bool:
    """By the words of `Choice`, field by field."""
    return (
        (not choice.ids or letter.id in choice.ids)
        and (not choice.event_ids or letter.event_id in choice.event_ids)
        and (not choice.destinations or letter.destination in choice.destinations)
        and (not choice.tags or letter.tag in choice.tags)
        and (not choice.reasons or letter.reason in choice.reasons)
        and (not choice.codes or letter.code in choice.codes)
        and (choice.since is None or letter.buried >= choice.since)
        and (choice.until is None or letter.buried < choice.until)
    )


some = st.frozensets
choices = st.builds(
    Choice,
    ids=st.lists(st.integers(1, 20), max_size=3),
    event_ids=st.lists(st.sampled_from([f"e{n}" for n in range(15)]), max_size=3),
    destinations=some(st.sampled_from([*DESTINATIONS, "none"]), max_size=2),
    tags=some(st.sampled_from([*TAGS, "none"]), max_size=2),
    reasons=some(st.sampled_from([*REASONS, "none"]), max_size=2),
    codes=some(st.sampled_from([code for code in CODES if code]), max_size=2),
    since=st.none() | st.integers(START - 1, START + 6),
    until=st.none() | st.integers(START - 1, START + 6),
)
letters = st.lists(
    st.tuples(
        st.integers(0, 14),
        st.builds(Cause, *(st.sampled_from(names) for names in (DESTINATIONS, TAGS, REASONS, CODES))),
        st.sampled_from([0, 0, 1, 2]),
    ),
    max_size=15,
    unique_by=lambda one: (one[0], one[1].tag),
)


@settings(max_examples=25, deadline=None)
@given(letters, st.lists(choices, min_size=1, max_size=8), st.booleans())
def test_a_choice_means_what_it_says(
    died: Sequence[tuple[int, Cause, int]], chosen: Sequence[Choice], of_before: bool
) -> None:
    """List, count, groups and pages; also of a file whose letters have no causes yet."""

    async def play(folder: Path) -> None:
        clock = Clock()
        outbox = await open_outbox(folder, clock)
        for number, cause, later in died:
            clock.jump(later / 1000)
            await bury(outbox, f"e{number}", cause)
        if of_before:
            await outbox._writer.run(lambda database: database.execute("UPDATE dead SET cause = NULL").rowcount)
        every = await outbox.dead(Choice(), 1000)
        assert len(every) == len(died)
        assert [one.position for one in every] == sorted((one.position for one in every), reverse=True)
        for choice in chosen:
            expected = [one for one in every if meant(choice, one)]
            assert list(await outbox.dead(choice, 1000)) == expected
            assert await outbox.count_dead(choice) == len(expected)
            paged, after = list[DeadLetter](), None
            while page := await outbox.dead(choice, 2, after):
                paged += page
                after = page[-1].position
            assert paged == expected
            groups: dict[Cause, list[DeadLetter]] = defaultdict(list)
            for one in expected:
                groups[Cause(one.destination, one.tag, one.reason, one.code)].append(one)
            shown = {
                one.cause: (one.count, one.oldest, one.newest, one.event_id) for one in await outbox.dead_groups(choice)
            }
            assert shown == {
                cause: (len(of), of[-1].buried, of[0].buried, of[0].event_id) for cause, of in groups.items()
            }
        await outbox.close()

    with tempfile.TemporaryDirectory(prefix="dead-choice-") as folder:
        asyncio.run(play(Path(folder)))


async def test_pages_hold_still_while_letters_come_and_go(outbox: SqliteOutbox, clock: Clock) -> None:
    """What dies meanwhile is on no later page; what goes moves no other one."""
    for number in range(6):
        clock.advance(1)
        await bury(outbox, f"e{number}", Cause("meta", "A", "rejected", "100"))
    first = await outbox.dead(Choice(), 2)
    assert [one.event_id for one in first] == ["e5", "e4"]
    clock.advance(1)
    await bury(outbox, "new", Cause("meta", "A", "rejected", "100"))
    await outbox.drop_dead(Choice(event_ids=("e4", "e3")), 10)
    second = await outbox.dead(Choice(), 2, first[-1].position)
    assert [one.event_id for one in second] == ["e2", "e1"]


async def test_a_run_ends_where_it_has_begun(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """What dies while it runs, or again, is none of its letters, not even when the clock goes back."""
    for number in range(5):
        clock.advance(1)
        await bury(outbox, f"e{number}", Cause("meta", "A", "rejected", "100"))
    bound = await outbox.dead_bound()
    assert await outbox.count_dead(Choice(), bound) == 5
    after: Position | None = Position(0, 0)
    moved = pieces = 0
    while after is not None:
        done = await outbox.retry_dead(Choice(), {}, 2, after, bound=bound)
        moved += sum(done.moved.values())
        after = done.after
        pieces += 1
        clock.jump(-2)
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected", "100 no") for row in batch.rows]))
    assert (moved, pieces) == (5, 3)
    assert await outbox.count_dead(Choice(), bound) == 0
    assert await outbox.count_dead(Choice()) == 5
    assert_adds_up(outbox, tmp_path)


async def test_what_would_die_again_stays_and_a_dry_run_says_the_same(
    outbox: SqliteOutbox, tmp_path: Path, clock: Clock
) -> None:
    for number, end in enumerate((None, None, START + 1000, None)):
        await outbox.append([delivery(f"e{number}", expires=end, tag=f"T{number}")])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    clock.advance(2)
    asked = []

    def permits(row: object) -> tuple[str, str] | None:
        asked.append(row)
        return ("tag_removed", "it is gone") if "T1" in repr(row) else None

    expected = ({"meta": 2}, 1, {"tag_removed": 1})
    for dry_run, left in ((True, 4), (True, 4), (False, 2)):
        done = await outbox.retry_dead(Choice(), {}, 100, permits=permits, dry_run=dry_run)
        assert (done.moved, done.too_old, done.refused) == expected
        assert await outbox.count_dead(Choice()) == left
        assert_adds_up(outbox, tmp_path)
    assert len(asked) == 9


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


async def test_a_vendor_cannot_make_many_causes(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
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


async def test_a_name_is_known_after_its_letters_have_gone(outbox: SqliteOutbox, tmp_path: Path, clock: Clock) -> None:
    """So that an order may be repeated."""
    cause = Cause("meta", "A", "rejected", "100/28")
    await bury(outbox, "e1", cause)
    await outbox.drop_dead(Choice(), 10)
    assert list(await outbox.causes()) == [cause]
    await outbox.close()
    again = await open_outbox(tmp_path, clock)
    assert list(await again.causes()) == [cause]
    assert await again.dead_groups(Choice()) == []
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


class Slow:
    """Seconds of a machine on which everything takes one."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("order", ["retry", "drop"])
async def test_a_slice_ends_when_its_time_is_over_and_comes_on(tmp_path: Path, clock: Clock, order: str) -> None:
    """However slow the disk is: one letter at least, and not the next."""
    outbox = await SqliteOutbox.open(tmp_path / "outbox.db", clock=clock, steady=Slow(), min_free=0)
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
