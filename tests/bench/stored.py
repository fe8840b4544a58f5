"""Bytes that things take on the disk, counted: of each destination a delivery that waits and a dead letter, a key, a
tombstone, a delivery in the audit. By the purchase of the benchmark; nothing of it depends on how fast a machine is."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tagserver.audit.files import AuditFiles, size_of
from tagserver.audit.records import Decided, Recorder
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.enrich import read_facts
from tagserver.ingest.deliveries import Deliveries
from tagserver.pipeline.route import Routing, route
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import DeadLettered, Delivery, Settlement, Tombstone
from tests.bench.destinations import HEADERS, container
from tests.bench.purchase import purchase
from tests.fake_time import FakeTime

KEY = bytes(32)
"""Of the installation."""
FIVE = ("meta", "analytics", "tiktok", "snapchat", "pinterest")
START = 1_790_000_000_000
BATCH = 100


@dataclass(frozen=True)
class Stored:
    """Bytes of one delivery: its payload, the row that waits with all that belongs to it, the keys of its repeats that
    stay when it is delivered, and a dead letter."""

    payload: float
    row: float
    keys: float
    letter: float


def routed(made: Container, number: int) -> Routing:
    """A purchase of somebody, decided."""
    facts = read_facts("browser", START + number * 33, HEADERS, "198.51.100.7")
    event = purchase("e", f"{number:08d}") | {"timestamp": START + number * 33}
    return route(made, read_event(event, facts))


def deliveries(made: Container, events: int) -> list[Delivery]:
    """What is stored of so many purchases."""
    makes = Deliveries(made, ServerConfig(), KEY)
    return [one for number in range(events) for one in makes.of(routed(made, number))]


@asynccontextmanager
async def _outbox() -> AsyncIterator[SqliteOutbox]:
    with tempfile.TemporaryDirectory() as folder:
        outbox = await SqliteOutbox.open(Path(folder) / "outbox.db", time=FakeTime(START), min_free=0)
        try:
            yield outbox
        finally:
            await outbox.close()


async def of_destination(name: str, events: int) -> Stored:
    """The mean over so many purchases that only this destination gets."""
    made = deliveries(container((name,)), events)
    async with _outbox() as outbox:
        empty = await _used(outbox)
        await _append(outbox, made)
        full = await _used(outbox)
        await _settle(outbox, name, dead=True)
        dead = await _used(outbox)
    async with _outbox() as outbox:
        await _append(outbox, made)
        await _settle(outbox, name, dead=False)
        delivered = await _used(outbox)
    count = len(made)
    keys = (delivered - empty) / count
    payload = sum(len(one.body) for one in made) / count
    return Stored(payload, (full - empty) / count - keys, keys, (dead - empty) / count - keys)


async def _append(outbox: SqliteOutbox, made: Sequence[Delivery]) -> None:
    for start in range(0, len(made), BATCH):
        await outbox.append(made[start : start + BATCH])


async def _settle(outbox: SqliteOutbox, name: str, *, dead: bool) -> None:
    while (batch := await outbox.claim(name, max_items=BATCH, max_bytes=1 << 30)) is not None:
        ids = [row.id for row in batch.rows]
        buried = [DeadLettered(one, "rejected", "100/2804007 Invalid parameter", "100/2804007") for one in ids]
        await outbox.settle(batch, Settlement(dead=buried) if dead else Settlement(delivered=ids))


async def _used(outbox: SqliteOutbox) -> int:
    """Bytes in use, as of now: a group measures at its end."""
    await outbox.forget_keys([b"nobody has it"])
    return outbox.room().used


async def of_key(number: int) -> float:
    """One key of a repeat or of an order, with its mark left out."""
    made = deliveries(container(("meta",)), 1)[0]
    used = []
    for ordered in (False, True):
        async with _outbox() as outbox:
            for start in range(0, number, 1000):
                keys = [(_random(2 * one), _random(2 * one + 1)) for one in range(start, start + 1000)]
                bare = msgspec.structs.replace(made, mark=b"", once=None, person=())
                await outbox.append(
                    [
                        msgspec.structs.replace(bare, key=key, order=(order, 7 * 86400.0) if ordered else None)
                        for key, order in keys
                    ]
                )
            used.append(await _used(outbox))
    return (used[1] - used[0]) / number


async def of_tombstone(number: int) -> float:
    """One identifier and purpose."""
    async with _outbox() as outbox:
        empty = await _used(outbox)
        for start in range(0, number, 1000):
            stones = [Tombstone(_random(start + one), "ad_storage", START) for one in range(1000)]
            await outbox.withdraw(stones, 37 * 86400.0)
        return (await _used(outbox) - empty) / number


def _random(number: int) -> bytes:
    """As evenly spread as keys are."""
    return (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)).to_bytes(16, "big")


def of_audit(names: tuple[str, ...], events: int, folder: Path) -> tuple[float, float]:
    """Bytes of one delivery in the packed audit with its index, and of the index alone, where each event goes to all of
    these destinations. The files are left in the folder."""
    made = container(names)
    recorder = Recorder(KEY)
    files = AuditFiles(folder, keep=1e9, max_size=1 << 40, min_free=0, time=FakeTime(START))
    rows = 0
    for start in range(0, events, BATCH):
        decided = [Decided.of(made.version, routed(made, start + one)) for one in range(BATCH)]
        records = list(recorder.records(decided))
        rows += sum(len(one.what) for one in decided)
        files.append(records)
        if files.full:
            files.rotate()
            recorder.new_file()
    files.rotate()
    index = sum(path.stat().st_size for path in folder.glob("*.ids"))
    return size_of(folder) / rows, index / rows
