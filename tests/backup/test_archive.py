"""What a backup holds, and what of a file that pretends to be one is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tagserver.backup.archive import BadBackup, write_archive
from tagserver.backup.making import NotMade, pack, partial_of, refuse_place
from tagserver.backup.restoring import MARK, STAGE, NotRestored
from tagserver.queue.sqlite.schema import VERSION
from tests.backup.world import Folder, restored
from tests.delivery.support import deliveries
from tests.fake_time import FakeTime


@pytest.fixture
async def made(tmp_path: Path, clock: FakeTime) -> Path:
    """A backup of a folder with each kind of file."""
    folder = await Folder(tmp_path / "data", clock).open()
    await folder.outbox.append(deliveries(3))
    for name, text in {
        "versions/000001.json": "{}",
        "serving.json": "{}",
        "last-good.json": "{}",
        "audit/00000001.jsonl": '{"n":1}\n{"n":2}\n{"torn',
        "t/0123456789ab.js": "x",
        "admin-token": "secret-of-the-admin",
        "address": "http://127.0.0.1:1",
        "records.db": "what happened to events",
        "records.db-wal": "and just now",
        "versions/notes.txt": "of somebody else",
    }.items():
        path = folder.data / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    folder.backup(tmp_path / "b.tar")
    await folder.close()
    return tmp_path / "b.tar"


def contents(file: Path) -> dict[str, bytes]:
    """What lies in a tar."""
    with tarfile.open(file) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr] # regular files alone


def written(file: Path, members: dict[str, bytes]) -> Path:
    """A tar of these."""
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


async def test_it_holds_the_state_and_no_secret(made: Path) -> None:
    """Readable by its owner alone; a line of the audit that is being written is left out."""
    found = contents(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert list(found) == [
        *("outbox.db", "serving.json", "last-good.json", "install-key", "versions/000001.json"),
        *("audit/00000001.jsonl", "t/0123456789ab.js", "manifest.json"),
    ]
    assert found["audit/00000001.jsonl"] == b'{"n":1}\n{"n":2}\n'
    assert b"secret-of-the-admin" not in made.read_bytes()
    said = json.loads(found["manifest.json"])
    assert (said["format"], said["schema"], said["queue"]) == (1, VERSION, "outbox.db")
    assert said["counts"] == {"pending": 3, "dead": 0, "keys": 3, "withdrawn": 0}
    assert set(said["members"]) == set(found) - {"manifest.json"}


Change = Callable[[dict[str, bytes]], dict[str, bytes]]


def manifest(members: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    """With another manifest, at its place."""
    said = json.loads(members["manifest.json"]) | changes
    return {**members, "manifest.json": json.dumps(said).encode()}


ALTERED: dict[str, tuple[Change, str]] = {
    "a byte of the key": (
        lambda all_: {**all_, "install-key": bytes(reversed(all_["install-key"]))},
        "install-key in .* is not as it was written",
    ),
    "another size": (lambda all_: {**all_, "serving.json": b"{ }"}, "serving.json in .* has another size"),
    "a file is missing": (
        lambda all_: {name: one for name, one in all_.items() if name != "install-key"},
        "lacks 'install-key'",
    ),
    "one more": (lambda all_: {"versions/000002.json": b"{}", **all_}, "holds 'versions/000002.json', which its man"),
    "no manifest": (
        lambda all_: {name: one for name, one in all_.items() if name != "manifest.json"},
        "has no manifest: it is no backup of tagserver, or its end is cut off",
    ),
    "no queue": (lambda all_: manifest(all_, queue="other.db"), "holds no queue"),
    "a newer format": (lambda all_: manifest(all_, format=2), r"newer tagserver \(format 2, this one knows 1\)"),
    "a manifest of something else": (lambda all_: {**all_, "manifest.json": b"[]"}, "manifest of .* cannot be read"),
    "out of the folder": (lambda all_: {"../evil.json": b"", **all_}, "holds '../evil.json', which no backup"),
    "an absolute path": (lambda all_: {"/etc/cron.d/evil": b"", **all_}, "holds '/etc/cron.d/evil', which no"),
    "a path that goes up below": (lambda all_: {"versions/../../1.json": b"", **all_}, "which no backup of tagserver"),
    "the mark of a restore": (lambda all_: {MARK: b"", **all_}, "which no backup of tagserver"),
}


@pytest.mark.parametrize("what", ALTERED)
async def test_what_was_altered_is_refused_and_nothing_is_changed(
    what: str, made: Path, tmp_path: Path, clock: FakeTime
) -> None:
    change, why = ALTERED[what]
    file = written(tmp_path / "altered.tar", change(contents(made)))
    with pytest.raises(BadBackup, match=why):
        restored(file, tmp_path / "new", clock)
    left = {path.name for path in (tmp_path / "new").glob("*")} if (tmp_path / "new").exists() else set()
    assert left <= {"outbox.db.lock", "other.db.lock"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
async def test_links_and_devices_are_refused(kind: bytes, made: Path, tmp_path: Path, clock: FakeTime) -> None:
    file = tmp_path / "links.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo("serving.json")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BadBackup, match="which no backup of tagserver does"):
        restored(file, tmp_path / "new", clock)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.8])
async def test_a_file_that_is_cut_off_is_refused(share: float, made: Path, tmp_path: Path, clock: FakeTime) -> None:
    whole = made.read_bytes()
    file = tmp_path / "cut.tar"
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadBackup, match=r"no backup of tagserver|no manifest|is not whole"):
        restored(file, tmp_path / "new", clock)


async def test_a_file_that_claims_more_than_the_disk_holds(made: Path, tmp_path: Path, clock: FakeTime) -> None:
    """A hole of eight tebibytes takes no room in the file; nothing of it is written."""
    found = contents(made)
    said = json.loads(found["manifest.json"])
    said["members"] = {"outbox.db": {"size": 1 << 43, "sha256": ""}}
    text = json.dumps(said).encode()
    file = tmp_path / "huge.tar"
    with file.open("wb") as out:
        for name, size in (("outbox.db", 1 << 43), ("manifest.json", len(text))):
            info = tarfile.TarInfo(name)
            info.size = size
            out.write(info.tobuf())
            if name == "outbox.db":
                out.truncate(out.tell() + size)
                out.seek(0, 2)
        out.write(text.ljust(-(-len(text) // 512) * 512, b"\0") + b"\0" * 1024)
    with pytest.raises(NotRestored, match=r"needs .* TiB on the disk .* make room"):
        restored(file, tmp_path / "new", clock)


async def test_a_packed_file_is_named(made: Path, tmp_path: Path, clock: FakeTime) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_bytes(b"\x1f\x8b" + made.read_bytes())
    with pytest.raises(BadBackup, match=r"is packed \(gzip\): unpack it first"):
        restored(file, tmp_path / "new", clock)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (
            "CREATE TRIGGER t AFTER INSERT ON dead BEGIN DELETE FROM dead; END",
            "has a trigger 'dead' that is none",
        ),
        ("CREATE VIEW v AS SELECT 1", "has a view 'v'"),
        ("CREATE TABLE other (a)", "has a table 'other'"),
        (f"PRAGMA user_version={VERSION + 1}", f"newer tagserver .format {VERSION + 1}"),
        ("PRAGMA application_id=7", "is not a queue of tagserver"),
    ],
)
async def test_a_queue_that_somebody_has_made(
    statement: str, why: str, made: Path, tmp_path: Path, clock: FakeTime
) -> None:
    """Its hash is right: whoever makes a file makes the manifest, too."""
    found = contents(made)
    path = tmp_path / "q.db"
    path.write_bytes(found["outbox.db"])
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
    said = json.loads(found["manifest.json"])
    said["members"]["outbox.db"] = {
        "size": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    file = written(
        tmp_path / "made.tar", {**found, "outbox.db": path.read_bytes(), "manifest.json": json.dumps(said).encode()}
    )
    with pytest.raises(BadBackup, match=why):
        restored(file, tmp_path / "new", clock)
    assert not (tmp_path / "new" / STAGE).exists()


PLACES = {
    "is there already": "there.tar",
    "lies in the data folder": "data/b.tar",
    "is a folder": "folder",
    "is not there: make it": "nowhere/b.tar",
    "is no ordinary file": "pipe",
}


@pytest.mark.parametrize("why", PLACES)
def test_places_where_no_backup_is_written(why: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.tar").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotMade, match=why):
        refuse_place(tmp_path / PLACES[why], tmp_path / "data", force=why == "is no ordinary file")


async def test_an_older_backup_is_replaced_by_force_alone_and_whole(tmp_path: Path, clock: FakeTime) -> None:
    folder = await Folder(tmp_path / "data", clock).open()
    file = tmp_path / "b.tar"
    folder.backup(file)
    await folder.outbox.append(deliveries(2))
    with pytest.raises(NotMade, match="is there already"):
        folder.backup(file)
    assert folder.backup(file, force=True).counts["pending"] == 2
    assert [path.name for path in tmp_path.glob("b.tar*")] == ["b.tar"]
    await folder.close()


async def test_a_copy_that_is_taken_away_leaves_no_backup_without_a_queue(made: Path, tmp_path: Path) -> None:
    """By another backup, or by a server that starts anew: the good backup that is there stays."""
    before = made.read_bytes()
    with pytest.raises(NotMade, match="was taken away meanwhile"):
        pack(tmp_path / "data", "outbox.db", tmp_path / "gone", 0, made, force=True)
    sources = [("outbox.db", tmp_path / "gone"), ("install-key", tmp_path / "data" / "install-key")]
    with pytest.raises(FileNotFoundError):
        write_archive(io.BytesIO(), sources, 0, {"schema": VERSION, "queue": "outbox.db", "counts": {}})
    assert made.read_bytes() == before


def test_what_a_killed_backup_has_left_is_removed(tmp_path: Path) -> None:
    """Of a process that lives nothing is."""
    dead, alive = tmp_path / "b.tar.4194305.partial", tmp_path / f"b.tar.{os.getppid()}.partial"
    dead.touch()
    alive.touch()
    partial_of(tmp_path / "b.tar")
    assert not dead.exists()
    assert alive.exists()
