"""What the tests of the delivery layer share: deliveries, an outbox and its copies."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tagserver.queue.api import Outbox
from tagserver.queue.sqlite import keys
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.sqlite.maintenance import PURGE_EVERY
from tagserver.queue.values import Batch, Counts, Delivery, Receipt, Row, Tombstone
from tests.fake_time import START, FakeTime

HOUR = 3600.0


def key(text: str) -> bytes:
    """A dedup key."""
    return hashlib.sha256(text.encode()).digest()[:16]


def delivery(event_id: str, **fields: Any) -> Delivery:
    """A delivery of the tag `Tag` to `meta`; equal ids are equal keys."""
    values: dict[str, Any] = {
        "key": key(event_id),
        "event_id": event_id,
        "name": "Purchase",
        "tag": "Tag",
        "destination": "meta",
        "container": "c1",
        "mode": "send",
        "purposes": frozenset({"ad_storage", "ad_user_data"}),
        "person": (key("person one"), key("person two")),
        "group": None,
        "time": START,
        "received": START,
        "expires": None,
        "identity": "account-1",
        "body": f'{{"id":"{event_id}"}}'.encode(),
    }
    return Delivery(**(values | fields))


def row_of(number: int, stored: Delivery, **more: Any) -> Row:
    """A delivery as the queue gives it out."""
    shared = [name for name in Row.__struct_fields__ if name in Delivery.__struct_fields__]
    return Row(id=number, **{name: getattr(stored, name) for name in shared}, **more)


def deliveries(count: int, prefix: str = "e", **fields: Any) -> list[Delivery]:
    """`count` deliveries, `e0` and on."""
    return [delivery(f"{prefix}{number}", **fields) for number in range(count)]


def stored(receipts: Sequence[Receipt]) -> list[bool]:
    """Which of what was handed in was new."""
    return [receipt.stored for receipt in receipts]


async def open_outbox(folder: Path, clock: FakeTime, **options: Any) -> SqliteOutbox:
    """The outbox of a folder. The free space of the machine that runs the tests does not matter."""
    options.setdefault("min_free", 0)
    return await SqliteOutbox.open(folder / "outbox.db", time=clock, **({"min_free": 0} | options))


def copy_as_killed(folder: Path, to: Path) -> Path:
    """What a kill at this moment would leave on the disk, in a folder of its own: nothing is closed or checkpointed."""
    to.mkdir()
    for name in ("outbox.db", "outbox.db-wal", "outbox.db.working"):
        shutil.copyfile(folder / name, to / name)
    return to


def as_of_format_one(database: sqlite3.Connection) -> None:
    """Take away from a file what came after the first format, but for what marks say."""
    for key_, ends, _ in keys.recent(database):
        database.execute("INSERT OR REPLACE INTO known (key, expires) VALUES (?, ?)", (key_, ends))
    for statement in (
        "DROP TABLE cause",
        "DROP TABLE pause",
        "DROP TABLE volume",
        "DROP TABLE recent",
        "DROP TABLE held_copy",
        "DROP INDEX dead_cause",
        "ALTER TABLE dead DROP COLUMN cause",
        "ALTER TABLE dead DROP COLUMN unknown_since",
        "PRAGMA user_version=1",
    ):
        database.execute(statement)


def lying(folder: Path) -> Mapping[str, tuple[int, int]]:
    """(waiting rows, dead rows) of each destination, counted in the tables."""
    found: dict[str, tuple[int, int]] = {}
    with closing(sqlite3.connect(f"file:{folder / 'outbox.db'}?mode=ro", uri=True)) as database:
        for table, place in (("delivery", 0), ("held_copy", 0), ("dead", 1)):
            for name, number in database.execute(f"SELECT destination, count(*) FROM {table} GROUP BY destination"):
                waiting, dead = found.get(name, (0, 0))
                found[name] = (waiting + number, dead) if place == 0 else (waiting, dead + number)
    return found


def claims_in_flight(folder: Path) -> int:
    """How many batches are in flight."""
    with closing(sqlite3.connect(f"file:{folder / 'outbox.db'}?mode=ro", uri=True)) as database:
        number: int = database.execute("SELECT count(*) FROM flight").fetchone()[0]
        return number


def assert_adds_up(outbox: Outbox, folder: Path) -> None:
    """Every delivery is in one counted state, and the counters say what lies in the tables."""
    rows = lying(folder)
    for name, counts in outbox.counts().items():
        assert counts.accepted == counts.delivered + counts.pending + counts.dead + counts.erased, name
        assert (counts.pending, counts.dead) == rows.get(name, (0, 0)), name
        assert counts.dead == sum(counts.dead_by_reason.values()), name


def meta(outbox: Outbox) -> Counts:
    """The counters of `meta`."""
    return outbox.counts().get("meta", Counts())


async def claim(outbox: Outbox, destination: str = "meta", **options: Any) -> Batch:
    """A batch; there must be one."""
    batch = await outbox.claim(destination, **({"max_items": 100, "max_bytes": 1 << 20} | options))
    assert batch is not None
    return batch


async def claimed_ids(outbox: Outbox, destination: str = "meta", **options: Any) -> list[str]:
    """The event ids of the next batch; empty when nothing is ready."""
    batch = await outbox.claim(destination, **({"max_items": 100, "max_bytes": 1 << 20} | options))
    return [row.event_id for row in batch.rows] if batch else []


def in_hand(outbox: Outbox, batch: Batch) -> None:
    """A plugin has the batch in hand from now on, and never gives it back: only an end of the process ends that."""
    outbox.working(batch).__enter__()


async def cared_for(outbox: Outbox, clock: FakeTime, folder: Path) -> None:
    """Make it time for the housekeeping and wait until it was done: until a tombstone is gone whose time is over."""
    over = key("its time is over")
    await outbox.withdraw([Tombstone(over, "nothing", 0, 0)], 0)
    with closing(sqlite3.connect(f"file:{folder / 'outbox.db'}?mode=ro", uri=True)) as database:
        for poll in range(2000):
            if poll % 100 == 0:  # not oftener: time left over would make it take care again, unasked
                clock.pass_unseen(PURGE_EVERY)
            await outbox.forget_keys([])  # wakes the writer
            if database.execute("SELECT 1 FROM withdrawal WHERE person = ?", (over,)).fetchone() is None:
                return
            await asyncio.sleep(0.002)
    raise AssertionError("no housekeeping was done")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, not long."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to that")
