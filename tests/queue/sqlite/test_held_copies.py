"""Copies that wait for others of their order, in the file: in a backup, in a damaged one, and text that was erased."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tagserver.queue.api import erase_all
from tagserver.queue.dead_letters import Choice
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.sqlite.recovery import salvage
from tagserver.queue.sqlite.snapshot import copy_queue, facts_of, hold
from tests.delivery.support import assert_adds_up, delivery, key, meta, open_outbox
from tests.fake_time import START, FakeTime

DUE = START + 600_000
SECRET = b'{"em": "held-somewhere"}'


async def test_what_a_backup_has_of_them_is_held_like_all_that_waited(tmp_path: Path) -> None:
    """Nothing of it goes out by itself; and the account holds."""
    clock = FakeTime()
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append([delivery("a")])
    await outbox.hold([delivery("b", body=b"{}"), delivery("c", destination="ga4")], DUE)
    (tmp_path / "back").mkdir()
    back = tmp_path / "back" / "outbox.db"
    copy_queue(tmp_path / "outbox.db", back)
    await outbox.close()
    assert facts_of(back).pending == 3
    assert hold(back, START, START) == 3
    restored = await open_outbox(tmp_path / "back", clock)
    letters = await restored.dead(Choice(), 10)
    assert sorted((one.event_id, one.reason) for one in letters) == [(one, "restored") for one in "abc"]
    assert [*await restored.due(DUE, 9)] == []
    assert (meta(restored).accepted, meta(restored).dead, meta(restored).waiting) == (2, 2, 0)
    assert_adds_up(restored, tmp_path / "back")
    await restored.close()


async def test_they_are_saved_from_a_damaged_file(tmp_path: Path) -> None:
    clock = FakeTime()
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append([delivery("a", body=b"{}")])
    await outbox.hold([delivery("b", body=b"{}", person=(key("ann"),))], DUE)
    await outbox.close()
    salvage(tmp_path / "outbox.db", 8 << 30)
    saved = await open_outbox(tmp_path, clock)
    (row,) = await saved.due(DUE, 9)
    assert (row.event_id, row.trace.person) == ("b", (key("ann"),))
    assert (meta(saved).accepted, meta(saved).pending, meta(saved).waiting) == (2, 2, 1)
    assert_adds_up(saved, tmp_path)
    await saved.close()


async def test_one_that_is_there_in_part_is_not_saved(tmp_path: Path) -> None:
    """It could not be released, and the others behind it would wait for ever."""
    outbox = await open_outbox(tmp_path, FakeTime())
    await outbox.hold([delivery("b", body=b"{}"), delivery("c", body=b"{}")], DUE)
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database, database:
        database.execute("UPDATE held_copy SET more = substr(more, 1, 2) WHERE event_id = 'b'")
    salvage(tmp_path / "outbox.db", 8 << 30)
    saved = await open_outbox(tmp_path, FakeTime())
    await saved.release([one.id for one in await saved.due(DUE, 9)])
    assert (meta(saved).accepted, meta(saved).pending, meta(saved).erased, meta(saved).waiting) == (2, 1, 1, 0)
    assert_adds_up(saved, tmp_path)
    await saved.close()


async def test_nothing_is_left_of_an_erased_one(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path, FakeTime())
    await outbox.hold([delivery("b", body=SECRET, person=(key("ann"),))], DUE)
    files = lambda: b"".join(file.read_bytes() for file in tmp_path.glob("outbox.db*"))  # noqa: E731 (one line of use)
    assert SECRET in files()
    await erase_all(outbox, lambda trace: key("ann") in trace.person, FORGOTTEN)
    assert await outbox.scrub()
    assert SECRET not in files()
    await outbox.close()
