"""Secrets from files: what is no short text in a regular file is missing, and holds nobody up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagserver.config.configuration import ConfigurationFolder, read_env_file
from tagserver.plugin.registry import Registry
from tagserver.system.files import LARGEST, in_time, read_secret_file

CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${file:%s}"}
  other: {type: meta_capi, pixel_id: "1234567891", access_token: "${env:TOKEN}"}
triggers: {buy: {event: purchase}}
tags:
  - {name: Meta, destination: meta, triggers: [buy]}
  - {name: Other, destination: other, triggers: [buy]}
"""


def fifo(folder: Path) -> Path:
    """Nobody writes into it."""
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def device(folder: Path) -> Path:
    """A link to what is no file at all."""
    (folder / "link").symlink_to("/dev/null")
    return folder / "link"


def too_large(folder: Path) -> Path:
    """One byte too many."""
    (folder / "large").write_bytes(b"x" * (LARGEST + 1))
    return folder / "large"


def of_a_process(folder: Path) -> Path:
    """All that somebody has in the environment, by which every other secret would leave as the one of a destination."""
    (folder / "environ").write_bytes(b"HOME=/root\0DATABASE_URL=postgres://a:b@db\0")
    return folder / "environ"


NO_SECRETS: list[Callable[[Path], Path]] = [
    fifo,
    device,
    too_large,
    of_a_process,
    lambda folder: Path("/proc/self/environ"),
    lambda folder: folder,
    lambda folder: Path("/dev/zero"),
    lambda folder: Path("/dev/tty"),
    lambda folder: folder / "missing",
]


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    """Also behind links, as container platforms mount them; and one that an editor began with a byte order mark."""
    (tmp_path / "data").write_bytes(b"\xef\xbb\xbftok\xc3\xa9n\n")
    (tmp_path / "link").symlink_to("data")
    assert read_secret_file(str(tmp_path / "link")) == "tokén\n"
    (tmp_path / "most").write_bytes(b"x" * LARGEST)
    assert len(read_secret_file(str(tmp_path / "most"))) == LARGEST


@pytest.mark.parametrize("make", NO_SECRETS)
def test_what_is_no_secret_pauses_its_destination_alone(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    config = tmp_path / "config"
    config.mkdir()
    (config / "container.yaml").write_text(CONTAINER % path)
    began = time.monotonic()
    loaded = ConfigurationFolder(config, Registry.load(), {"TOKEN": "t"}).compile()
    assert time.monotonic() - began < 5  # not for ever
    assert loaded.container is not None
    paused = loaded.container.destinations["meta"].paused
    assert paused is not None
    assert f"the file {path} cannot be read (" in paused
    assert loaded.container.destinations["other"].paused is None


@pytest.mark.parametrize("make", NO_SECRETS)
def test_an_env_file_is_one_of_them(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"regular file|KiB|no text|No such"):
        read_env_file(make(tmp_path))


def test_a_disk_that_does_not_answer() -> None:
    """Given up in time; asked again only when the first question has ended, so that threads do not gather."""
    answers = threading.Event()
    asked: list[str] = []

    def hang(name: str) -> bytes:
        asked.append(name)
        answers.wait()
        return b"late"

    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"did not come within 0\.05 s"):
            in_time("/net/secret", hang, 0.05)
    assert asked == ["/net/secret"]
    assert in_time("/net/other", lambda name: b"sound", 5.0) == b"sound"
    answers.set()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            assert in_time("/net/secret", hang, 5.0) == b"late"
            break
        except TimeoutError:
            time.sleep(0.01)
    assert asked == ["/net/secret"] * 2


def test_files_of_our_own_folder_are_no_secrets_of_others(tmp_path: Path) -> None:
    """By their own name, by a way round, and by a link."""
    private = tmp_path / "data"
    private.mkdir()
    (private / "admin-token").write_text("token")
    (tmp_path / "link").symlink_to(private / "admin-token")
    for name in (private / "admin-token", tmp_path / "data" / ".." / "data" / "admin-token", tmp_path / "link"):
        assert read_secret_file(str(name)) == "token"
        with pytest.raises(PermissionError, match="data folder"):
            read_secret_file(str(name), private)
