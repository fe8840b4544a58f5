"""Erasing somebody's rows: all of them, nobody else's, counted, and gone from the files."""

from __future__ import annotations

from pathlib import Path

from tagserver.queue.api import erase_all
from tagserver.queue.dead_letters import Choice
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.suppressions import WALKED
from tagserver.queue.values import DeadLettered, Settlement, Trace
from tests.delivery.support import (
    START,
    Clock,
    assert_adds_up,
    claim,
    claimed_ids,
    delivery,
    key,
    meta,
    open_outbox,
    stored,
)

ERIKA, MAX = key("erika"), key("max")


def of_erika(row: Trace) -> bool:
    return ERIKA in row.person


async def test_queue_and_dead_letters_are_erased_and_counted(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """By destination; rows of others stay."""
    await outbox.append([delivery(f"d{n}", person=((ERIKA, MAX)[n % 2],)) for n in range(4)])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    await outbox.append([delivery("m", person=(MAX,)), delivery("e", person=(MAX, ERIKA), urgent=True)])
    await outbox.append([delivery("g", person=(ERIKA,), destination="ga4")])
    erased = await erase_all(outbox, of_erika)
    assert (dict(erased.queue), dict(erased.dead), erased.in_flight) == ({"meta": 1, "ga4": 1}, {"meta": 2}, {})
    assert (meta(outbox).erased, meta(outbox).pending, meta(outbox).dead_by_reason) == (3, 1, {"rejected": 2})
    assert await claimed_ids(outbox) == ["m"]
    assert await claimed_ids(outbox, "ga4") == []
    assert_adds_up(outbox, tmp_path)


async def test_what_is_under_way_is_left_until_it_has_landed(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Whatever the outcome: what was not delivered is erased by the next walk."""
    await outbox.append([delivery(f"e{n}", person=(ERIKA,)) for n in range(3)])
    batch = await claim(outbox)
    erased = await erase_all(outbox, of_erika)
    assert (dict(erased.queue), erased.in_flight) == ({}, {"meta": 3})
    one, two, _ = (row.id for row in batch.rows)
    await outbox.settle(batch, Settlement(delivered=[one], dead=[DeadLettered(two, "rejected")]))
    erased = await erase_all(outbox, of_erika)
    assert (dict(erased.queue), dict(erased.dead), erased.in_flight) == ({"meta": 1}, {"meta": 1}, {})
    assert (meta(outbox).delivered, meta(outbox).erased) == (1, 2)
    assert_adds_up(outbox, tmp_path)


async def test_many_are_erased_in_pieces(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Others are taken in between two pieces, and met if they come behind."""
    number = 2 * WALKED + 10
    await outbox.append([delivery(f"e{n}", person=((ERIKA, MAX)[n % 3 == 0],)) for n in range(number)])
    pieces = 0
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        erased = await outbox.erase(of_erika, after)
        await outbox.append([delivery(f"late{pieces}", person=(ERIKA,))])
        pieces, after = pieces + 1, erased.after
    assert pieces == 4, "three of the queue, one of the dead letters"
    left = [row.person for row in await everything(outbox)]
    assert left.count((MAX,)) == sum(n % 3 == 0 for n in range(number))
    assert left.count((ERIKA,)) == 2, "those that came behind the walk"
    assert_adds_up(outbox, tmp_path)


async def everything(outbox: SqliteOutbox) -> list[Trace]:
    """All rows there are, told by a walk that erases none."""
    found: list[Trace] = []

    def keep(row: Trace) -> bool:
        found.append(row)
        return False

    await erase_all(outbox, keep)
    return found


async def test_a_row_tells_what_it_relied_on(outbox: SqliteOutbox) -> None:
    """And when it happened or was received, the earlier of the two."""
    await outbox.append([delivery("a", time=START - 5), delivery("b", received=START - 7)])
    assert [(row.tag, row.at) for row in await everything(outbox)] == [("Tag", START - 5), ("Tag", START - 7)]


async def test_nothing_of_what_was_erased_is_left_in_the_files(tmp_path: Path, clock: Clock) -> None:
    """Of rows in the queue, of dead letters, of what was delivered before; small ones and such as fill many pages."""
    outbox = await open_outbox(tmp_path, clock)
    bodies = [b'{"marker-of-erika": "%s"}' % (b"x" * size) for size in (10, 700, 9000, 30_000)]
    fates = ["delivered", "buried", "queue"]
    await outbox.append(
        [
            delivery(f"{fate}-{n}-marker-of-erika", person=(ERIKA,), body=body)
            for fate in fates
            for n, body in enumerate(bodies)
        ]
    )
    batch = await claim(outbox, max_items=2 * len(bodies))
    ids = [row.id for row in batch.rows]
    settlement = Settlement(
        delivered=ids[: len(bodies)], dead=[DeadLettered(one, "rejected") for one in ids[len(bodies) :]]
    )
    await outbox.settle(batch, settlement)
    await outbox.append([delivery(f"m{n}", person=(MAX,), body=b'{"of": "max"}') for n in range(50)])
    assert marked(tmp_path)
    await erase_all(outbox, of_erika)
    assert await outbox.scrub()
    assert marked(tmp_path) == []
    assert meta(outbox).pending == 50
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


def marked(folder: Path) -> list[str]:
    """The files in which the marker can be found."""
    return [path.name for path in folder.iterdir() if b"marker-of-erika" in path.read_bytes()]


async def test_keys_can_be_forgotten(outbox: SqliteOutbox) -> None:
    once = [delivery(f"e{name}", once=(key(name), 60.0)) for name in ("a", "b")]
    await outbox.append(once)
    assert await outbox.forget_keys([key("a"), key("c")]) == 1
    again = [delivery(f"f{name}", once=(key(name), 60.0)) for name in ("a", "b")]
    assert stored(await outbox.append(again)) == [True, False]


async def test_a_look_through_the_queue_tells_who_is_there(outbox: SqliteOutbox) -> None:
    """Who was delivered long ago is not, who was put back from the dead letters is."""
    await outbox.append([delivery("e", person=(ERIKA,)), delivery("m", person=(MAX,))])
    batch = await claim(outbox, max_items=1)
    await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    await erase_all(outbox, lambda row: False)
    assert (outbox.may_have([ERIKA]), outbox.may_have([MAX])) == (False, True)
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    await outbox.retry_dead(Choice(), {}, 10)
    await erase_all(outbox, lambda row: False)
    assert (outbox.may_have([ERIKA]), outbox.may_have([MAX])) == (False, True)
