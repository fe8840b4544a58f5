"""An event is found without all files being read; an index that is missing, cut or foreign costs time, never a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tagserver.audit.files import FOLDER, AuditFiles, files_of, rows_about, size_of
from tagserver.audit.index import WIDTH, body_of, index_of, may_have, read_index, write_index
from tagserver.cli import main
from tests.fake_time import FakeTime

from .test_files import holds, opened

FILES, ROWS = 3, 40


def key(file: int, row: int) -> str:
    return f"{file:02x}{row:04x}{'c' * 10}"


def record(event: str, at: int) -> dict[str, object]:
    return {"kind": "decision", "t": at, "event": event, "tag": 'a "event":"0123456789abcdef" of somebody'}


@pytest.fixture
def files(tmp_path: Path, clock: FakeTime) -> AuditFiles:
    """Three packed files, and one more row in the present one."""
    made = opened(tmp_path / FOLDER, clock)
    for file in range(FILES):
        made.append([record(key(file, row), clock.now()) for row in range(ROWS)])
        made.rotate()
    made.append([record(key(9, 9), clock.now())])
    return made


@pytest.fixture
def folder(files: AuditFiles, tmp_path: Path) -> Path:
    return tmp_path / FOLDER


def found(folder: Path, event: str) -> list[str]:
    """In which files."""
    return [row.file for row in rows_about(folder, event) if row.record and row.record.get("event") == event]


def test_an_event_is_found_wherever_it_is(folder: Path) -> None:
    for file in range(FILES):
        assert found(folder, key(file, 7)) == [f"{file + 1:08}.jsonl.gz"]
    assert found(folder, key(9, 9)) == ["00000004.jsonl"]
    assert found(folder, "f" * 16) == []


def test_files_that_do_not_have_it_are_not_read(folder: Path) -> None:
    """They could not even be."""
    for packed in (folder / "00000001.jsonl.gz", folder / "00000003.jsonl.gz"):
        packed.write_bytes(b"x" * packed.stat().st_size)
    assert found(folder, key(1, 7)) == ["00000002.jsonl.gz"]


def test_an_index_has_the_events_of_its_file_alone(folder: Path) -> None:
    """And not what somebody has called a tag."""
    for file, packed in enumerate(files_of(folder)[:FILES]):
        assert read_index(packed) == body_of(key(file, row) for row in range(ROWS))
    assert index_of(folder / "00000001.jsonl.gz").stat().st_size == 20 + ROWS * WIDTH


HARMS: dict[str, Callable[[Path], object]] = {
    "missing": lambda index: index.unlink(),
    "empty": lambda index: index.write_bytes(b""),
    "cut": lambda index: index.write_bytes(index.read_bytes()[:-WIDTH]),
    "garbled": lambda index: index.write_bytes(index.read_bytes()[:-1] + b"?"),
    "of another file": lambda index: index.write_bytes(index.with_name("00000002.ids").read_bytes()),
    "of a later format": lambda index: index.write_bytes(b"tsids\x00\x00\x02" + index.read_bytes()[8:]),
}


@pytest.mark.parametrize("harm", list(HARMS))
def test_one_that_cannot_be_used_is_not_asked_and_made_anew(folder: Path, clock: FakeTime, harm: str) -> None:
    """Its bytes count."""
    if harm == "of another file":  # whose size is the same by chance
        packed = folder / "00000001.jsonl.gz"
        packed.write_bytes(packed.read_bytes() + bytes(4))
    index = folder / "00000001.ids"
    HARMS[harm](index)
    assert read_index(folder / "00000001.jsonl.gz") is None
    assert found(folder, key(0, 7)) == ["00000001.jsonl.gz"]
    files = opened(folder, clock)
    for _ in range(3):
        files.index_one()
    assert read_index(folder / "00000001.jsonl.gz") == body_of(key(0, row) for row in range(ROWS))
    assert size_of(folder) == sum(path.stat().st_size for path in folder.iterdir())
    assert files.bytes == size_of(folder)


def test_it_goes_with_its_file(folder: Path, clock: FakeTime) -> None:
    """Also when the end came between the two."""
    clock.advance(40 * 86400)
    files = opened(folder, clock)
    files.append(files.remove_old())
    assert sorted(path.name for path in folder.iterdir()) == ["00000004.jsonl"]
    assert files.bytes == size_of(folder)
    (folder / "00000003.ids").write_bytes(b"left over")
    opened(folder, clock)
    assert not (folder / "00000003.ids").exists()


def test_nobody_else_can_read_it(folder: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


@given(
    keys=st.sets(st.binary(min_size=8, max_size=8).map(bytes.hex), max_size=200),
    other=st.binary(min_size=8, max_size=8),
)
def test_no_event_is_ever_missed(tmp_path_factory: pytest.TempPathFactory, keys: set[str], other: bytes) -> None:
    """And one that is not there is mostly not looked for."""
    packed = tmp_path_factory.mktemp("a") / "00000001.jsonl.gz"
    plain = AuditFiles(packed.parent, keep=1e9, max_size=1 << 20, min_free=0, time=FakeTime(1))
    plain.append([record(one, 1) for one in keys] or [{"kind": "start", "t": 1}])
    plain.rotate()
    assert all(may_have(packed, one) for one in keys)
    assert may_have(packed, other.hex()) == (other[:WIDTH] in {bytes.fromhex(one)[:WIDTH] for one in keys})


def verified(folder: Path) -> tuple[int, list[str]]:
    done = CliRunner().invoke(main, ["audit", "--data", str(folder.parent), "--verify"])
    return done.exit_code, done.output.splitlines()


def test_verify_does_not_believe_an_index(folder: Path) -> None:
    """One that was made to leave an event out is found; the chain itself holds."""
    assert verified(folder)[0] == 0
    packed = folder / "00000002.jsonl.gz"
    other = folder / "00000009.jsonl.gz"
    other.write_bytes(packed.read_bytes())
    good = packed.read_bytes()
    lines = AuditFiles(folder.parent / "forged", keep=1e9, max_size=1 << 20, min_free=0, time=FakeTime(1))
    lines.append([record(key(7, 7), 1)])
    lines.rotate()
    other.unlink()
    forged = folder.parent / "forged" / "00000001.jsonl.gz"
    forged.write_bytes(forged.read_bytes() + bytes(len(good) - forged.stat().st_size))
    write_index(forged)
    index_of(packed).write_bytes(index_of(forged).read_bytes())
    assert found(folder, key(1, 7)) == []
    code, lines_said = verified(folder)
    assert code == 1
    assert any("00000002.ids does not fit its file" in line for line in lines_said)
    assert holds(folder) == FILES * ROWS + 1
