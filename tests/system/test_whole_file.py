"""Small files: whole or not at all, for their owner's eyes, and never in another file's place."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagserver.audit.index import write_index
from tagserver.system.files import write_whole


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """As most systems have it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def _state(folder: Path) -> Path:
    """A small file; the name that it has while it is written."""
    write_whole(folder / "state.json", b"state")
    return folder / f"state.json.{os.getpid()}"


def _index(folder: Path) -> Path:
    (folder / "00000001.jsonl.gz").write_bytes(gzip.compress(b'{"event":"0123456789abcdef"}\n'))
    write_index(folder / "00000001.jsonl.gz")
    return folder / "00000001.ids.new"


@pytest.mark.parametrize("write", [_state, _index])
def test_what_was_left_or_put_in_the_way_is_replaced(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    """By a killed process or somebody else: a link is not followed, and no file keeps modes that are not ours."""
    aside = write(tmp_path)
    target = tmp_path / "of somebody else"
    target.write_text("mine")
    aside.symlink_to(target)
    write(tmp_path)
    assert target.read_text() == "mine"
    assert not aside.is_symlink()
    aside.write_text("left")
    aside.chmod(0o644)
    write(tmp_path)
    written = next(path for path in tmp_path.iterdir() if path.name in ("state.json", "00000001.ids"))
    assert written.stat().st_mode & 0o777 == 0o600
