"""A real disk without a byte left: the queue is opened, delivered from and closed on it, also after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagserver.queue.errors import Full, OutboxError
from tagserver.queue.sqlite.backpressure import BALLAST, Ballast, Space
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import Settlement
from tests.delivery.support import claim, deliveries, meta, open_outbox, until
from tests.delivery.world import World
from tests.fake_time import START, FakeTime, OtherWallClock
from tests.small_disk import MIB, fill, make_room, small_disk

RESERVE = 20 * MIB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    with small_disk(tmp_path / "disk", 64) as made:
        yield made


async def opened(disk: Path) -> SqliteOutbox:
    """The queue on this disk."""
    return await SqliteOutbox.open(disk / "outbox.db", time=OtherWallClock(lambda: START), min_free=RESERVE)


async def killed(disk: Path) -> None:
    """A queue with fifty deliveries and ten in flight, whose process was killed."""
    outbox = await opened(disk)
    await outbox.append(deliveries(50))
    await outbox.claim("meta", max_items=10, max_bytes=MIB)
    left = {path.name: path.read_bytes() for path in disk.iterdir() if path.name.startswith("outbox.db")}
    await outbox.close()
    for name, content in left.items():
        (disk / name).write_bytes(content)


async def ended(disk: Path) -> None:
    """A queue with fifty deliveries, which was closed on a full disk."""
    outbox = await opened(disk)
    await outbox.append(deliveries(50))
    fill(disk)
    await outbox.close()


async def taken(outbox: SqliteOutbox, number: int) -> None:
    """So many were delivered."""
    batch = await outbox.claim("meta", max_items=number, max_bytes=MIB)
    assert batch is not None
    await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))


@pytest.mark.parametrize("before", [killed, ended], ids=["killed", "ended"])
async def test_it_is_opened_and_delivered_from(disk: Path, before: object) -> None:
    """And takes nothing in, with the reason, until there is room: then by itself."""
    await (killed if before is killed else ended)(disk)
    fill(disk)
    outbox = await opened(disk)
    assert "left" in (outbox.trouble() or "")
    with pytest.raises(Full, match="left"):
        await outbox.append(deliveries(1, "later"))
    for _ in range(5):
        await taken(outbox, 10)
        if (disk / "outbox.db-wal").stat().st_size == 0:
            fill(disk)
    assert (meta(outbox).delivered, meta(outbox).pending) == (50, 0)
    await outbox.close()
    fill(disk)
    again = await opened(disk)
    assert (meta(again).delivered, meta(again).pending, meta(again).accepted) == (50, 0, 50)
    make_room(disk)
    await until(lambda: again.trouble() is None)
    await again.append(deliveries(1, "later"))
    await again.close()


def test_what_the_ballast_gives_up_is_no_room_to_take_in(disk: Path, clock: FakeTime) -> None:
    """Where less is kept free than the ballast is large, taking in would begin again with each piece of it."""
    space = Space(disk / "outbox.db", 1 << 30, MIB // 2, clock)
    fill(disk)
    clock.advance(1)
    assert space.refusal()
    for _ in range(3):
        assert space.give_up_ballast()
        clock.advance(1)
        assert "are kept free" in (space.refusal() or "")
    make_room(disk)
    clock.advance(1)
    assert space.refusal() is None
    space.restore()
    assert space.ballast.owed == 0


async def test_what_the_ballast_has_lent_is_no_room_either(disk: Path) -> None:
    """At a start on a full disk it becomes the log, whose room is given back when the queue is drained."""
    outbox = await opened(disk)
    await outbox.append(deliveries(50))
    await outbox.close()
    fill(disk)
    outbox = await SqliteOutbox.open(disk / "outbox.db", time=OtherWallClock(lambda: START), min_free=MIB // 2)
    assert "are kept free" in (outbox.trouble() or "")
    await taken(outbox, 50)
    await outbox.forget_keys([])
    await until(lambda: (disk / "outbox.db-wal").stat().st_size == 0)
    await until(lambda: "0 MiB left" not in (outbox.trouble() or ""))  # it is looked at again
    assert "are kept free" in (outbox.trouble() or "")
    make_room(disk)
    await until(lambda: outbox.trouble() is None)
    await outbox.close()


async def test_many_restarts_while_it_is_full(disk: Path) -> None:
    """Each leaves the next one room, whatever another program takes in between."""
    await ended(disk)
    for _ in range(10):
        fill(disk)
        outbox = await opened(disk)
        await taken(outbox, 5)
        fill(disk)
        await outbox.close()
    outbox = await opened(disk)
    assert (meta(outbox).delivered, meta(outbox).pending) == (50, 0)
    await outbox.close()


async def test_without_any_room_it_is_opened_all_the_same(disk: Path) -> None:
    """The ballast is gone: nothing can be recorded, so nothing is given out, and that is said."""
    outbox = await opened(disk)
    await outbox.append(deliveries(50))
    await outbox.close()
    (disk / "outbox.db.ballast").unlink()
    fill(disk)
    outbox = await opened(disk)
    assert "no other program can read the queue" in (outbox.notice() or "")
    assert (meta(outbox).pending, outbox.ready("meta")) == (50, 50)
    with pytest.raises(OutboxError):
        await taken(outbox, 10)
    make_room(disk)
    await taken(outbox, 10)
    await outbox.close()
    again = await opened(disk)
    assert again.notice() is None
    assert (meta(again).delivered, meta(again).pending) == (10, 40)
    await again.close()


async def test_a_destination_that_stands_still_for_want_of_room_says_so(disk: Path, clock: FakeTime) -> None:
    """And goes on by itself."""
    await ended(disk)
    (disk / "outbox.db.ballast").unlink()
    fill(disk)
    outbox = await opened(disk)
    world = World(outbox, clock, disk)
    world.start()
    await until(lambda: world.dispatcher.status("meta")[0] == "retrying")
    assert world.dispatcher.status("meta")[1].startswith("nothing can be recorded, so nothing is sent: ")
    assert world.dispatcher.unrecorded
    await world.naps.begun()
    make_room(disk)
    world.naps.over()
    await until(lambda: meta(outbox).delivered == 50)
    assert world.dispatcher.status("meta") == ("ok", "")
    assert not world.dispatcher.unrecorded
    await world.dispatcher.stop(drain=0)
    await outbox.close()


@pytest.mark.parametrize(
    ("queue", "log", "ballast", "lent"),
    [
        (b"queue", b"", bytes(BALLAST), True),
        (b"queue", b"log", bytes(BALLAST), False),
        (b"", b"", bytes(BALLAST), False),
        (b"queue", b"", b"something else" + bytes(BALLAST), False),
        (b"queue", b"", bytes(100), False),
    ],
    ids=["lent", "there is a log", "there is no queue", "not the ballast", "too little"],
)
def test_the_ballast_takes_the_place_of_nothing(
    disk: Path, queue: bytes, log: bytes, ballast: bytes, lent: bool
) -> None:
    contents = {"outbox.db": queue, "outbox.db-wal": log, "outbox.db.ballast": ballast}
    for name, content in contents.items():
        (disk / name).write_bytes(content)
    fill(disk)
    Ballast(disk / "outbox.db").lend()
    assert (disk / "outbox.db.ballast").exists() is not lent
    if lent:
        assert 0 < (disk / "outbox.db-wal").stat().st_size < BALLAST
    else:
        assert {name: (disk / name).read_bytes() for name in contents} == contents


def test_with_room_it_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"queue")
    (tmp_path / "outbox.db.ballast").write_bytes(bytes(BALLAST))
    Ballast(tmp_path / "outbox.db").lend()
    assert (tmp_path / "outbox.db.ballast").stat().st_size == BALLAST


NEVER_ENOUGH = 1 << 60


async def test_a_drained_queue_gives_its_room_back_when_the_disk_is_scarce(tmp_path: Path, clock: FakeTime) -> None:
    """The file's free pages, few as they are, and the log, which keeps the size that it once had."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(500, body=b"x" * 4000))
    await outbox.close()
    path, log = tmp_path / "outbox.db", tmp_path / "outbox.db-wal"
    full = path.stat().st_size
    outbox = await open_outbox(tmp_path, clock, min_free=NEVER_ENOUGH)
    try:
        batch = await claim(outbox, max_items=500, max_bytes=4 << 20)
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
        assert (path.stat().st_size, log.stat().st_size > 0) == (full, True)
        assert "kept free" in (outbox.trouble() or "")
        await outbox.forget_keys([])  # wakes the writer
        await until(lambda: path.stat().st_size < full // 5 and log.stat().st_size == 0)
    finally:
        await outbox.close()
