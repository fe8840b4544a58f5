"""The data folder: whether it can be used, and the key of the installation that lies in it."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagserver.queue.errors import OutboxStartError
from tagserver.system.files import os_fault, write_whole
from tagserver.system.machine import this_user

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
    said = f"the data folder {data} cannot be used by {this_user()}: {os_fault(error)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{said}. A first start has to write the key of the installation and a queue: make room, then start again"
        )
    return said


def install_key(data: Path) -> bytes:
    """The 32 bytes that key this installation's hashes of persons; made at the first start, readable by the owner
    only."""
    path = data / "install-key"
    key = path.read_bytes() if path.exists() else b""
    if len(key) != KEY_BYTES:  # none yet, or the power went while it was written
        key = secrets.token_bytes(KEY_BYTES)
        write_whole(path, key)
    return key
