"""The data folder: whether it can be used, and the key of the installation that lies in it."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagserver.delivery.errors import OutboxStartError
from tagserver.whole_file import write_whole

KEY_BYTES = 32


@contextmanager
def usable(data: Path) -> Iterator[None]:
    """Around the first use of the folder. Raises OutboxStartError, with what the file system says about it as a
    sentence that names folder and user."""
    try:
        yield
    except OSError as error:
        raise OutboxStartError(unusable(data, error)) from None


def unusable(data: Path, error: OSError) -> str:
    """The sentence for what the file system says."""
    return f"the data folder {data} cannot be used by {_user()}: {error.strerror}"


def _user() -> str:
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:  # containers like to run under numbers without a name
        return f"the user with the number {number}"


def install_key(data: Path) -> bytes:
    """The 32 bytes that key this installation's hashes of persons; made at the first start, readable by the owner
    only."""
    path = data / "install-key"
    key = path.read_bytes() if path.exists() else b""
    if len(key) != KEY_BYTES:  # none yet, or the power went while it was written
        key = secrets.token_bytes(KEY_BYTES)
        write_whole(path, key)
    return key
