"""Erasing somebody's rows: all of them, nobody else's, counted, and gone from the files."""

from __future__ import annotations

from pathlib import Path

from tagserver.queue.api import erase_all
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.suppressions import WALKED
from tagserver.queue.values import DeadLettered, Settlement, Trace
from tests.delivery.support import (
    assert_adds_up,
    claim,
    delivery,
    key,
    meta,
    open_outbox,
)
from tests.fake_time import FakeTime

ERIKA, MAX = key("erika"), key("max")


def of_erika(row: Trace) -> bool:
    return ERIKA in row.person


async def test_many_are_erased_in_pieces(outbox: SqliteOutbox, tmp_path: Path) -> None:
    """Others are taken in between two pieces, and met if they come behind."""
    number = 2 * WALKED + 10
    await outbox.append([delivery(f"e{n}", person=((ERIKA, MAX)[n % 3 == 0],)) for n in range(number)])
    pieces = 0
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        erased = await outbox.erase(of_erika, FORGOTTEN, after)
        await outbox.append([delivery(f"late{pieces}", person=(ERIKA,))])
        pieces, after = pieces + 1, erased.after
    assert pieces == 5, "one of what is held, three of the queue, one of the dead letters"
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

    await erase_all(outbox, keep, FORGOTTEN)
    return found


async def test_nothing_of_what_was_erased_is_left_in_the_files(tmp_path: Path, clock: FakeTime) -> None:
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
    await erase_all(outbox, of_erika, FORGOTTEN)
    assert await outbox.scrub()
    assert marked(tmp_path) == []
    assert meta(outbox).pending == 50
    assert_adds_up(outbox, tmp_path)
    await outbox.close()


def marked(folder: Path) -> list[str]:
    """The files in which the marker can be found."""
    return [path.name for path in folder.iterdir() if b"marker-of-erika" in path.read_bytes()]
