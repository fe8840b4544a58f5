"""Dead letters: which are meant, listed, counted, tried again, dropped."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagserver.queue.api import DeadLetters
from tagserver.queue.dead_letters import Account, Cause, Choice, DeadLetter, Position
from tagserver.queue.values import (
    DeadLettered,
    Delivery,
    Settlement,
)
from tests.delivery.support import HOUR, claim, deliveries, delivery, key, meta
from tests.examples import examples
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import ENGINES, Engine, Storage, assert_adds_up


async def bury(outbox: Engine, event_id: str, cause: Cause) -> None:
    """One letter."""
    await outbox.append(
        [delivery(event_id, key=key(event_id + cause.tag), destination=cause.destination, tag=cause.tag)]
    )
    batch = await claim(outbox, cause.destination)
    detail = f"{cause.code} it says no".strip() if cause.code else "no"
    await outbox.settle(batch, Settlement(dead=[DeadLettered(batch.rows[0].id, cause.reason, detail, cause.code)]))


DESTINATIONS, TAGS, REASONS, CODES = (
    ("meta", "ga4"),
    ("A", "B"),
    ("rejected", "expired"),
    ("", "100", "100/28", "http/400"),
)


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


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(letters, st.lists(choices, min_size=1, max_size=8))
@pytest.mark.parametrize("name", ENGINES)
def test_a_choice_means_what_it_says(
    name: str, died: Sequence[tuple[int, Cause, int]], chosen: Sequence[Choice]
) -> None:
    """List, count, groups and pages, against a look at every letter."""

    async def play(folder: Path) -> None:
        clock = FakeTime()
        storage: Storage = ENGINES[name](folder, clock)
        outbox = await storage.open()
        for number, cause, later in died:
            clock.jump(later / 1000)
            await bury(outbox, f"e{number}", cause)
        await assert_choices(outbox, len(died), chosen)
        await storage.close()

    with tempfile.TemporaryDirectory(prefix="dead-choice-") as folder:
        asyncio.run(play(Path(folder)))


async def assert_choices(outbox: DeadLetters, number: int, chosen: Sequence[Choice]) -> None:
    """Of the letters that there are, each choice means those that its words say."""
    every = await outbox.dead(Choice(), 1000)
    assert len(every) == number
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
        assert shown == {cause: (len(of), of[-1].buried, of[0].buried, of[0].event_id) for cause, of in groups.items()}


async def test_pages_hold_still_while_letters_come_and_go(outbox: Engine, clock: FakeTime) -> None:
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


async def test_a_run_ends_where_it_has_begun(outbox: Engine, clock: FakeTime) -> None:
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
    await assert_adds_up(outbox)


async def test_what_would_die_again_stays_and_a_dry_run_says_the_same(outbox: Engine, clock: FakeTime) -> None:
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
        await assert_adds_up(outbox)
    assert len(asked) == 9


WINDOW = 47 * HOUR


ACCOUNTS = {"meta": Account("account-2", WINDOW)}


async def died(outbox: Engine, *rows: Delivery, tried: bool = True) -> None:
    """Rows among the dead letters, tried once before, or never."""
    await outbox.append(rows)
    if tried:
        batch = await claim(outbox)
        await outbox.settle(batch, Settlement(attempted=[row.id for row in batch.rows]))
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))


async def test_a_retry_is_as_if_never_tried_and_a_second_one_changes_nothing(outbox: Engine) -> None:
    """Under the same event_id, for the account that is configured now."""
    await died(outbox, *deliveries(3))
    assert (await outbox.retry_dead(Choice(event_ids=("e1",)), ACCOUNTS, 100)).moved == {"meta": 1}
    for _ in range(2):
        done = await outbox.retry_dead(Choice(event_ids=("e1",)), ACCOUNTS, 100)
        assert (done.moved, done.too_old, done.late) == ({}, 0, 0)
        await assert_adds_up(outbox)
    (row,) = (await claim(outbox)).rows
    assert (row.event_id, row.attempts, row.unknown_since) == ("e1", 0, None)
    assert row.identity == "account-2"
    assert (meta(outbox).pending, meta(outbox).dead) == (1, 2)


async def test_what_the_vendor_would_not_take_stays_and_is_counted(outbox: Engine, clock: FakeTime) -> None:
    """In pieces: each letter is looked at once, whether it moves or not."""
    ends = [START + 1000, None, START + 10_000, START + 2000, START + 3000]
    await died(outbox, *(delivery(f"e{n}", expires=end) for n, end in enumerate(ends)))
    clock.advance(3)
    after: Position | None = Position(0, 0)
    moved = too_old = pieces = 0
    while after is not None:
        done = await outbox.retry_dead(Choice(), ACCOUNTS, 2, after)
        moved, too_old, after, pieces = moved + sum(done.moved.values()), too_old + done.too_old, done.after, pieces + 1
    assert (moved, too_old, pieces) == (2, 3, 3)
    assert sorted(row.event_id for row in (await claim(outbox)).rows) == ["e1", "e2"]
    await assert_adds_up(outbox)


async def test_a_retry_after_the_vendors_window_is_told(outbox: Engine, clock: FakeTime) -> None:
    """Only of what was tried before: the vendor cannot have the others."""
    await died(outbox, *deliveries(2, "tried"))
    await died(outbox, *deliveries(3, "never"), tried=False)
    clock.advance(WINDOW + 1)
    await died(outbox, delivery("young", received=clock.now()))
    done = await outbox.retry_dead(Choice(), ACCOUNTS, 100)
    assert (done.moved, done.late) == ({"meta": 6}, 2)
