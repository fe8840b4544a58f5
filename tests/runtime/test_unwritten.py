"""Small files that cannot be written keep nobody from serving: they are said, and written as soon as that is
possible."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagserver.runtime.server_files import address_in, leave_address, leave_token
from tagserver.runtime.unwritten import EVERY, Unwritten
from tests.fake_time import FakeTime
from tests.small_disk import fill, small_disk

ADDRESS = "http://127.0.0.1:8080"
TOKEN = "a-token-that-a-server-has-made-for-itself"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk without a byte left."""
    with small_disk(tmp_path / "disk", 2) as made:
        (made / "data").mkdir()
        fill(made)
        yield made / "data"


async def test_it_is_said_once_and_written_when_that_is_possible(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "below" / "address"
    unwritten = Unwritten(FakeTime())
    assert not unwritten.attempt("address", lambda: leave_address(path.parent, ADDRESS), "commands do not find it")
    (said,) = unwritten.notices().values()
    assert said.startswith("the address could not be written: ")
    assert "No such file or directory" in said
    assert said.endswith("commands do not find it")
    await unwritten.try_again()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    path.parent.mkdir()
    await unwritten.try_again()
    assert (unwritten.notices(), path.read_text()) == ({}, ADDRESS + "\n")


async def test_what_is_not_wanted_any_more_is_not_written(tmp_path: Path) -> None:
    unwritten = Unwritten(FakeTime())
    folder = tmp_path / "below"
    unwritten.attempt("address", lambda: leave_address(folder, ADDRESS), "")
    unwritten.drop("address")
    folder.mkdir()
    await unwritten.try_again()
    assert (unwritten.notices(), list(folder.iterdir())) == ({}, [])


async def test_it_is_minded_within_ten_seconds() -> None:
    """And so is what waits besides."""
    slept: list[float] = []
    asked: list[int] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 2:
            raise asyncio.CancelledError

    async def besides() -> None:
        asked.append(len(slept))

    time = FakeTime()
    time.sleeper = sleep
    with pytest.raises(asyncio.CancelledError):
        await Unwritten(time).mind(besides)
    assert (slept, asked) == ([EVERY] * 3, [1, 2])
    assert EVERY <= 5


def test_an_address_needs_no_room(full: Path) -> None:
    leave_address(full, ADDRESS)
    assert (full / "address").is_symlink()
    assert address_in(full) == ADDRESS


def test_an_address_of_before_misleads_nobody(full: Path) -> None:
    (full / "address").symlink_to("http://127.0.0.1:1")
    leave_address(full, ADDRESS)
    assert address_in(full) == ADDRESS


def test_with_room_an_address_is_a_file_for_its_owner(tmp_path: Path) -> None:
    (tmp_path / "address").symlink_to("http://127.0.0.1:1")
    leave_address(tmp_path, ADDRESS)
    found = (tmp_path / "address").lstat()
    assert stat.S_ISREG(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert address_in(tmp_path) == ADDRESS


@pytest.mark.parametrize(
    ("left", "mode", "taken"),
    [(TOKEN, 0o600, True), (TOKEN, 0o644, False), ("short", 0o600, False), (TOKEN + " and more", 0o600, False)],
    ids=["ours", "others read it", "too short", "no token"],
)
def test_a_token_of_before_is_taken_where_there_is_no_room(full: Path, left: str, mode: int, taken: bool) -> None:
    """Only one that a server of ours can have made."""
    (full.parent / "theirs").unlink()
    (full / "admin-token").write_text(left)
    (full / "admin-token").chmod(mode)
    fill(full.parent)
    if taken:
        assert leave_token(full, "x" * 43) == left
    else:
        with pytest.raises(OSError, match="No space left"):
            leave_token(full, "x" * 43)
    assert (full / "admin-token").read_text() == left


def test_a_link_is_no_token(full: Path) -> None:
    """Whoever could put one there would choose who may come in."""
    (full / "admin-token").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="No space left"):
        leave_token(full, "x" * 43)
