"""One thread writes, others read, somebody erases and shares: each sees whole groups in order, and nobody waits for
long."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

from tagserver.records.api import Group, RecordsError
from tagserver.records.sqlite.engine import SqliteRecords
from tests.records.made import attempt, event, order, person, share
from tests.records.sqlite.conftest import MIB, Open

GROUP = 40


def test_a_writer_and_readers(opened: Open) -> None:
    store = opened(max_size=4 * MIB)
    failures: list[BaseException] = []
    done = threading.Event()

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)
                done.set()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def write() -> None:
        for part in range(150):
            named = [f"{part}-{one}" for one in range(GROUP)]
            whose = person("erika" if part % 5 == 0 else "max")
            kept = store.write(
                Group(
                    events=[event(one, persons=(whose,), order=f"o-{one}") for one in named],
                    attempts=[attempt(*((one, "T") for one in named))],
                    orders=[order(f"o-{named[0]}", named[0], persons=(whose,))],
                )
            )
            assert kept[-1].number - kept[0].number == GROUP - 1
            if failures:
                return
        done.set()

    def walk() -> None:
        while not done.is_set():
            numbers = [one.number for one in store.newest()]
            assert numbers == sorted(set(numbers), reverse=True)
            assert not numbers or numbers[0] % GROUP == 0, "the newest group is whole"

    def search() -> None:
        while not done.is_set():
            for one in islice(store.newest(), 5):
                found = store.of_event(one.event_id or "")
                assert found in ([one], []), "it may have been erased meanwhile"
                assert store.numbered(one.number) in (one, None)
                store.attempts([one.event_id or ""], 0)
            assert store.kept().events >= 0
            assert len(list(store.orders())) <= 150

    def erase() -> None:
        number = 0
        while not done.wait(0.05):
            number += 1
            store.share(share(f"s{number}", f"{number}-0"))
            store.erase([person("erika")])
            store.revoke(f"s{number}")

    threads = [guarded(work) for work in (write, walk, walk, search, erase)]
    for thread in threads:
        thread.join()
    assert failures == []
    store.erase([person("erika")])
    assert_only_max(store)


def assert_only_max(store: SqliteRecords) -> None:
    """Nothing of Erika is left."""
    found = list(store.newest())
    assert {one.persons for one in found} == {(person("max"),)}
    assert found[0].event_id == f"149-{GROUP - 1}"


def test_new_limits_wait_for_nobody(opened: Open, tmp_path: Path) -> None:
    """They are told on the event loop, while a group may wait for the file."""
    store = opened(max_size=8 * MIB)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            store.write(Group(events=[event("e-1")]))
        except RecordsError as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.start()
        store.limit(60.0, 4 * MIB)
        other.execute("ROLLBACK")
    writer.join()
    assert failed == [], "the group has waited for whoever told the limits"
    store.write(Group())
    assert store.kept().limit == 4 * MIB
