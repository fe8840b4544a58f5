"""What doctor says of a data folder on which no server runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.backup.hold import Restored, write_restored
from tagserver.backup.restoring import MARK
from tagserver.cli.doctor import check_at_rest
from tagserver.doctor.doctor import Level


def queue(data: Path, version: int = 1) -> None:
    """A queue's file of some format."""
    with closing(sqlite3.connect(data / "outbox.db")) as database:
        database.execute(f"PRAGMA user_version = {version}")


def found(data: Path) -> dict[str, tuple[Level, str]]:
    """Matter → level, and all that is said of it."""
    return {one.matter: (one.level, f"{one.message}; {one.hint}") for one in check_at_rest(data, "outbox.db")}


def test_a_folder_that_no_server_has_seen(tmp_path: Path) -> None:
    """Nothing is wrong with it."""
    ((level, said),) = found(tmp_path).values()
    assert (level, "none has yet" in said) == ("ok", True)


def test_a_server_that_is_down(tmp_path: Path) -> None:
    """That is the first thing to know, and where its last words are."""
    queue(tmp_path)
    ((level, said),) = found(tmp_path).values()
    assert level == "warning"
    assert "nothing is taken in or sent" in said
    assert "journalctl" in said


def test_a_queue_of_a_newer_version(tmp_path: Path) -> None:
    queue(tmp_path, 99)
    level, said = found(tmp_path)["queue"]
    assert level == "error"
    assert "is of a newer tagserver (format 99" in said
    assert "backup" in said


@pytest.mark.parametrize("waits", ["", "without a journal"])
def test_a_restore_that_holds_delivery(tmp_path: Path, waits: str) -> None:
    queue(tmp_path)
    write_restored(tmp_path, Restored(backup=1, restored=2, waits=waits))
    said = found(tmp_path)
    assert ("restore" in said) is bool(waits)
    if waits:
        assert said["restore"][0] == "warning"
        assert "delivers nothing: without a journal; Stop the server and play the journal" in said["restore"][1]


def test_a_restore_that_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text(json.dumps({"aside": ""}))
    level, said = found(tmp_path)["restore"]
    assert (level, "run the same tagserver restore again" in said) == ("error", True)
