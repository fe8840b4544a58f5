"""The key of an installation, and what is said of a folder that cannot be used."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from pathlib import Path

import pytest

from tagserver.queue.data_folder import install_key, usable
from tagserver.queue.errors import OutboxStartError


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    key = install_key(tmp_path)
    assert (len(key), install_key(tmp_path)) == (32, key)
    assert [one.name for one in tmp_path.iterdir()] == ["install-key"]
    assert stat.S_IMODE((tmp_path / "install-key").stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [b"", b"half"])
def test_a_key_whose_writing_was_cut_short_is_made_again(tmp_path: Path, left: bytes) -> None:
    """With an empty key the hashes of persons would be everybody's."""
    (tmp_path / "install-key").write_bytes(left)
    (tmp_path / f"install-key.{os.getpid()}").write_bytes(left)
    key = install_key(tmp_path)
    assert (len(key), install_key(tmp_path)) == (32, key)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOTDIR])
def test_an_unusable_folder_is_named_with_the_user(tmp_path: Path, number: int) -> None:
    with pytest.raises(OutboxStartError) as said, usable(tmp_path):
        raise OSError(number, os.strerror(number))
    for part in (str(tmp_path), os.strerror(number), pwd.getpwuid(os.geteuid()).pw_name):
        assert part in str(said.value)
