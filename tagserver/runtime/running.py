"""From nothing to a server that runs, and back: what is opened, in order, and closed again in the other; and how it
notices that the configuration's files have changed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from tagserver.audit.audit import Audit
from tagserver.audit.files import written_last
from tagserver.backup.keeping import JournaledOutbox, Keeping, require_whole
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.records import RecordsConfig
from tagserver.config.server import LogConfig
from tagserver.config.yaml.folder import is_unread, read_test_files, read_texts, unread_files
from tagserver.delivery.clock import ClockDoubt, ClockWatch
from tagserver.delivery.dispatch import Dispatcher
from tagserver.metrics.meters import Meters
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.store import Store
from tagserver.queue.data_folder import install_key, usable
from tagserver.queue.moves import Move
from tagserver.records.absent import NoRecords
from tagserver.records.api import RecordsError, RecordStore
from tagserver.records.records import Records
from tagserver.records.sqlite.engine import SqliteRecords
from tagserver.runtime.closing import Closing
from tagserver.runtime.runtime import Runtime
from tagserver.runtime.watchdog import Watchdog
from tagserver.system.machine import clock_is_kept, disk_free
from tagserver.system.time import Time

logger = logging.getLogger("tagserver.records")


@asynccontextmanager
async def running(
    folder: ConfigurationFolder,
    data: Path,
    *,
    strict: bool = False,
    time: Time | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    drain: float | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
    log: Callable[[LogConfig], None] = lambda config: None,
    clock_kept: Callable[[], bool | None] = clock_is_kept,
    journal: Path | None = None,
) -> AsyncIterator[Runtime]:
    """A runtime from start to a drained end.

    `transport` replaces the network in tests. `drain`: seconds that requests under way get at the end, instead of the
    configuration's. `log` is told what `log:` says, at the start and after each reload.
    `journal`: where what persons withdraw is written a second time.
    `clock_kept`: the kernel's word on whether a time service keeps the clock. Raises NoConfiguration, and what the
    outbox raises when it cannot be opened.
    """
    time = time or Time()
    with usable(data):
        require_whole(data)
        await asyncio.to_thread(data.mkdir, mode=0o700, parents=True, exist_ok=True)
        key = install_key(data)
    said = contents(folder.folder)
    publishing = Publishing(folder, Store(data), time)
    configuration = publishing.start(strict=strict)
    log(configuration.server.log)
    queue = configuration.server.queue
    plugins = dict.fromkeys(folder.registry.packages().values())
    meters = Meters(started=time.now() / 1000, disk_free=partial(disk_free, data), plugins=plugins)
    doubt = ClockDoubt(time, written_last(data), clock_kept)
    async with Closing() as closing:
        with usable(data):
            outbox = await JournaledOutbox.open(
                data / queue.file,
                time=time,
                max_size=queue.max_size,
                min_free=queue.min_free,
                keep_dead=queue.keep_dead,
                on_fatal=on_fatal,
                commit_took=meters.commits.observe,
                any_disk=queue.network_disk,
            )
        closing.add("the queue", outbox.close)
        kept = configuration.server.audit
        audit = Audit(
            data,
            key,
            keep=kept.keep,
            max_size=kept.max_size,
            min_free=queue.min_free,
            time=time,
        )
        closing.add("the audit", partial(asyncio.to_thread, audit.close))
        keeping = Keeping(data, outbox, queue, key, journal, time)
        closing.add("the journal", keeping.close)
        records = await open_records(data, configuration.server.records, key, time)
        recorded = records.recorder.moved

        def moved(moves: Sequence[Move]) -> None:
            meters.moved(moves)
            recorded(moves)

        outbox.hear(moved)
        closing.add("the records", records.close)
        await keeping.start()
        configuration = publishing.settle(configuration)  # not before the outbox: now the folder is ours
        runtime = Runtime(
            publishing,
            configuration,
            outbox,
            key,
            time,
            meters,
            audit,
            keeping,
            records,
            log=log,
            doubt=doubt,
        )
        dispatcher = Dispatcher(
            outbox,
            lookup=runtime.target,
            policy=runtime.refusals,
            time=time,
            keep_removed=queue.keep_removed,
            stopped=lambda name: runtime.pausing.of(name) is not None,
            transport=transport,
            encryption=runtime.encryption,
            observer=runtime.observer,
        )
        runtime.dispatcher = dispatcher
        clock_watch = ClockWatch(
            time, doubt, dead_lettered=outbox.dead_lettered, mended=dispatcher.clock_is_right, observer=runtime.observer
        )
        runtime.pausing.reconfigured()
        await runtime.pausing.end_the_over()  # in time: else a term that has passed would show as a pause
        dispatcher.reconfigured(runtime.container.destinations)
        watchdog = Watchdog(
            folder.registry.packages(), lag=meters.loop_lag.observe, blocked=meters.blocked, starved=meters.starved_for
        )
        watchdog.start()
        following = watch(folder.folder, said, runtime.publisher.changed, time)
        watching = asyncio.create_task(following, name="configuration files")
        looking = asyncio.create_task(clock_watch.watch(), name="clock")
        holding = asyncio.create_task(runtime.mind_the_held(), name="events that wait for consent")
        copies = asyncio.create_task(runtime.waiting_copies.mind(), name="copies of orders that wait for others")
        pausing = asyncio.create_task(runtime.pausing.mind(), name="pauses with a term")
        runtime.states.look_around()
        saying = asyncio.create_task(runtime.states.watch(), name="changes of state")
        writing = asyncio.create_task(
            runtime.unwritten.mind(runtime.publisher.keep_again), name="what could not be written"
        )
        journaling = asyncio.create_task(keeping.mind(), name="journal")
        sweeping = asyncio.create_task(runtime.opt_outs.sweep_when_asked(), name="withdrawn consent")
        if outbox.tombstones():
            runtime.opt_outs.sweep_soon()  # a kill may have come before it was done
        tasks = (watching, looking, holding, copies, pausing, writing, journaling, sweeping, saying)

        def stop_watching() -> None:
            for task in tasks:
                task.cancel()
            runtime.draining = True
            runtime.records.live.end()
            runtime.states.look_at_server()

        async with Closing() as ending:
            ending.add("what watches", stop_watching)
            ending.add(
                "the events that wait for consent",
                lambda: runtime.ingest.decide_waiting(runtime.container, runtime.server, closing=True),
            )
            ending.add(
                "the delivery",
                lambda: dispatcher.stop(runtime.server.shutdown.drain if drain is None else drain, runtime.hurry),
            )
            ending.add("the watchdog", watchdog.stop)
            ending.add("the states", runtime.states.close)
            yield runtime


RECORDS = "records.db"


async def open_records(data: Path, config: RecordsConfig, install_key: bytes, time: Time) -> Records:
    """The records of a data folder, begun. A file that cannot be opened costs records, never an event."""
    store: RecordStore
    try:
        store = await asyncio.to_thread(
            SqliteRecords.open, data / RECORDS, keep=config.keep, max_size=config.max_size, time=time
        )
    except (RecordsError, OSError) as error:
        logger.error("records cannot be opened: %s; events are taken and delivered as ever", error)
        store = NoRecords(str(error))
    records = Records(store, config, install_key, time)
    await records.start()
    return records


# ── changed files

LOOK_EVERY = 1.0
"""Seconds between two looks. A change is reported at the second look that sees it unchanged."""

Picture = dict[str, tuple[int, int, int, int]]


def picture(folder: Path) -> Picture:
    """Times, size and number of each YAML file, those with a wrong name too: a cheap sign that something may have
    changed. Files that come and go meanwhile are left out."""
    seen: Picture = {}
    for path in folder.rglob("*"):
        if path.suffix != ".yaml" and not is_unread(path.relative_to(folder)):
            continue
        try:
            found = path.stat()
        except OSError:
            continue
        seen[str(path)] = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return seen


def contents(folder: Path) -> str:
    """A hash of all that the files say, cases too: a file that was only touched, or copied anew, says the same. One
    that cannot be read says something else, and one that is not read its name."""
    digest = hashlib.sha256(repr(unread_files(folder)).encode(errors="surrogateescape"))
    for name, content in sorted({**read_texts(folder), **read_test_files(folder)}.items()):
        digest.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


async def watch(
    folder: Path,
    said: str,
    changed: Callable[[], Awaitable[object]],
    time: Time,
) -> None:
    """Call `changed` after each change, until cancelled. `said` are the contents that were read already."""
    known: Picture | None = None
    looked_at: Picture | None = None
    while True:
        await time.sleep(LOOK_EVERY)
        now = await asyncio.to_thread(picture, folder)
        if now == known and now != looked_at:
            looked_at = now
            before, said = said, await asyncio.to_thread(contents, folder)
            if said != before:
                await changed()
        known = now
