"""The files of the audit: the chain goes on over ends of all kinds, and old files go with a word about it."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest

from tagserver.audit.chain import Check
from tagserver.audit.files import AuditFiles, files_of, read_rows
from tests.fake_time import START, FakeTime

DAY = 86400.0


def opened(folder: Path, clock: FakeTime, **options: Any) -> AuditFiles:
    return AuditFiles(folder, **({"keep": 30 * DAY, "max_size": 1 << 20, "min_free": 0, "time": clock} | options))


def write(files: AuditFiles, number: int, size: int = 20, at: int = START) -> None:
    for _ in range(number):
        files.append([{"kind": "decision", "t": at, "pad": "x" * size}])


def holds(folder: Path) -> int:
    """The chain holds; how many rows it has."""
    check = Check()
    assert [str(one) for one in (*check.follow(read_rows(folder)), *check.finish())] == []
    return check.rows


def test_a_restart_goes_on(tmp_path: Path, clock: FakeTime) -> None:
    for _ in range(3):
        write(opened(tmp_path, clock), 2)
    assert holds(tmp_path) == 6


def test_rotation_packs_and_goes_on(tmp_path: Path, clock: FakeTime) -> None:
    """The next file's first row names the last of the one before, over a restart, too."""
    files = opened(tmp_path, clock)
    for _ in range(3):
        write(files, 5)
        files.rotate()
    assert [path.name for path in files_of(tmp_path)] == [f"{n:08}.jsonl.gz" for n in (1, 2, 3)]
    files = opened(tmp_path, clock)
    write(files, 1)
    assert holds(tmp_path) == 16
    assert files.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_a_line_that_was_cut_is_taken_off(tmp_path: Path, clock: FakeTime, cut: int) -> None:
    """Until then readers leave it out."""
    write(opened(tmp_path, clock), 3)
    (path,) = files_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert holds(tmp_path) == 2
    files = opened(tmp_path, clock)
    assert files.torn > 0
    write(files, 1)
    assert holds(tmp_path) == 3


def test_a_file_of_nothing_but_a_cut_line(tmp_path: Path, clock: FakeTime) -> None:
    files = opened(tmp_path, clock)
    write(files, 2)
    files.rotate()
    (tmp_path / "00000002.jsonl").write_bytes(b'{"n":3,"pr')
    files = opened(tmp_path, clock)
    write(files, 1)
    assert holds(tmp_path) == 3


@pytest.mark.parametrize("when", ["before it is packed", "while it is packed", "before the plain one is removed"])
def test_an_end_in_the_middle_of_a_rotation(tmp_path: Path, clock: FakeTime, when: str) -> None:
    files = opened(tmp_path, clock)
    write(files, 3)
    first = tmp_path / "00000001.jsonl"
    plain = first.read_bytes()
    files.rotate()
    write(files, 2)
    if when != "before the plain one is removed":
        (tmp_path / "00000001.jsonl.gz").unlink()
    first.write_bytes(plain)
    if when == "while it is packed":
        (tmp_path / "00000001.jsonl.gz.new").write_bytes(gzip.compress(plain)[:-5])
    assert holds(tmp_path) == 5
    write(opened(tmp_path, clock), 1)
    assert holds(tmp_path) == 6
    assert [path.name for path in files_of(tmp_path)] == ["00000001.jsonl.gz", "00000002.jsonl"]
    assert not list(tmp_path.glob("*.new"))


def test_what_is_too_old_is_removed_with_a_word(tmp_path: Path, clock: FakeTime) -> None:
    """So that the chain still holds, and everybody can see why it begins later."""
    files = opened(tmp_path, clock)
    for _ in range(3):
        write(files, 4, at=clock.now())
        files.rotate()
        clock.advance(20 * DAY)
    removed = files.remove_old()
    assert [(one["file"], one["from"], one["to"], one["why"]) for one in removed] == [
        ("00000001.jsonl.gz", 1, 4, "age"),
        ("00000002.jsonl.gz", 5, 8, "age"),
    ]
    files.append(removed)
    assert holds(tmp_path) == 4 + 2
    assert files.remove_old() == []


def test_all_together_stay_within_their_size(tmp_path: Path, clock: FakeTime) -> None:
    """The oldest go first; the present one stays."""
    files = opened(tmp_path, clock, max_size=20_000)
    for _ in range(40):
        write(files, 5, size=200)
        if files.full:
            files.rotate()
            files.append(files.remove_old())
        assert files.bytes < 20_000 + 20_000 // 4
    assert files_of(tmp_path)[0].name > "00000001"
    assert holds(tmp_path) > 10


def test_on_a_disk_that_is_nearly_full_it_grows_no_more(tmp_path: Path, clock: FakeTime) -> None:
    """A new file takes the place of an old one: what is left of the disk is the queue's. Nothing else is removed."""
    files = opened(tmp_path, clock)
    for _ in range(4):
        write(files, 40)
        files.rotate()
        assert files.remove_old() == []
    before = sum(path.stat().st_size for path in tmp_path.iterdir())
    files = opened(tmp_path, clock, min_free=shutil.disk_usage(tmp_path).free * 2 // 3)
    assert files.remove_old() == []
    for number in range(3):
        write(files, 40)
        files.rotate()
        (removed,) = files.remove_old()
        assert (removed["file"], removed["why"]) == (f"{number + 1:08}.jsonl.gz", "disk")
        files.append([removed])
        assert files.bytes <= before + 1000
    assert holds(tmp_path) > 100


def test_a_full_disk_writes_nothing_and_breaks_nothing(tmp_path: Path, clock: FakeTime) -> None:
    write(opened(tmp_path, clock), 2)
    with pytest.raises(OSError, match="of the disk are free"):
        opened(tmp_path, clock, min_free=1 << 60).append([{"kind": "decision"}])
    write(opened(tmp_path, clock), 1)
    assert holds(tmp_path) == 3


def test_nobody_else_can_read_it(tmp_path: Path, clock: FakeTime) -> None:
    folder = tmp_path / "audit"
    files = opened(folder, clock)
    write(files, 1)
    files.rotate()
    write(files, 1)
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


def test_a_clock_that_cannot_be_believed_removes_nothing(tmp_path: Path, clock: FakeTime) -> None:
    """Somebody has set it a year forward."""
    clock.wrong = "it shows 2027"
    files = opened(tmp_path, clock)
    write(files, 4)
    files.rotate()
    clock.jump(365 * DAY)
    assert files.remove_old() == []
    assert holds(tmp_path) == 4
