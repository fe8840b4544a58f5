"""The folder that a backup is restored to: in use, not empty, cut short by a kill or a full disk, of another user."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.backup.restoring import STAGE, NotRestored, unfinished
from tagserver.queue.dead_letters import RESTORED
from tagserver.queue.errors import InUse
from tests.backup.world import Folder, restored
from tests.delivery.support import deliveries
from tests.fake_time import FakeTime


async def test_a_folder_in_use_is_left_alone(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    shop.backup(tmp_path / "b.tar")
    with pytest.raises(InUse):
        restored(tmp_path / "b.tar", shop.data, clock, force=True)
    await shop.close()


async def test_what_is_there_is_moved_aside_and_never_deleted(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    shop.backup(tmp_path / "b.tar")
    await shop.outbox.append(deliveries(3, "later"))
    await shop.close()
    (shop.data / "audit").mkdir()
    (shop.data / "audit" / "00000001.jsonl").write_text("kept\n")
    with pytest.raises(NotRestored, match=r"is not empty .* --force moves what is there aside"):
        restored(tmp_path / "b.tar", shop.data, clock)
    done = restored(tmp_path / "b.tar", shop.data, clock, force=True)
    aside = shop.data / done.aside
    assert (aside / "audit" / "00000001.jsonl").read_text() == "kept\n"
    with closing(sqlite3.connect(aside / "outbox.db")) as before:
        assert before.execute("SELECT count(*) FROM delivery").fetchone() == (5,)
    assert not (shop.data / "audit").exists()
    clock.advance(1)
    restored(tmp_path / "b.tar", shop.data, clock, force=True)
    assert len(list(shop.data.glob("before-restore-*"))) == 2


class Cut(Exception):
    """A kill."""


@pytest.mark.parametrize("step", range(8))
async def test_a_kill_anywhere_is_mended_by_the_same_command(
    step: int, shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    """Before the mark nothing has changed; with it the server refuses to start, and what was there is never lost."""
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    for name in ("serving.json", "last-good.json"):
        (shop.data / name).write_text("old")
    done = 0

    def move(path: Path, to: Path) -> None:
        nonlocal done
        if done == step:
            raise Cut
        done += 1
        path.rename(to)

    try:
        restored(tmp_path / "b.tar", shop.data, clock, force=True, move=move)
    except Cut:
        assert unfinished(shop.data) is not None
        clock.advance(60)
        restored(tmp_path / "b.tar", shop.data, clock)
    assert unfinished(shop.data) is None
    asides = list(shop.data.glob("before-restore-*"))
    assert len(asides) == 1
    assert {path.name for path in asides[0].iterdir()} >= {"outbox.db", "install-key", "serving.json", "last-good.json"}
    assert (asides[0] / "serving.json").read_text() == "old"
    assert not (shop.data / "serving.json").exists(), "the backup has none"
    again = await Folder(shop.data, clock).open()
    assert again.outbox.counts()["meta"].dead_by_reason[RESTORED] == 2
    await again.close()


async def test_a_full_disk_while_it_is_made_ready_changes_nothing(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    before = {path.name for path in shop.data.iterdir()}

    def no_room(path: Path) -> int:
        return 1 << 20

    with pytest.raises(NotRestored, match=r"needs .* and 1 MiB are left: make room"):
        restored(tmp_path / "b.tar", shop.data, clock, force=True, free=no_room)
    assert {path.name for path in shop.data.iterdir()} == before
    assert not (shop.data / STAGE).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="it needs root, to give files away")
async def test_what_root_restores_is_the_server_s(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """All of it, also the folder in which the old files lie: its queue can still be sent."""
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    for path in (shop.data, *shop.data.rglob("*")):
        os.chown(path, 64_107, 64_107)
    done = restored(tmp_path / "b.tar", shop.data, clock, force=True)
    assert (shop.data / done.aside).is_dir()
    assert {path.stat().st_uid for path in shop.data.rglob("*")} == {64_107}
