"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


def new_file(path: Path) -> BinaryIO:
    """An empty file to be written, which its owner alone can read. What a killed process has left under its name, or
    somebody has put there, is removed: a link is not followed. Raises OSError."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Make or replace a file, of pieces if it is large, readable by its owner only: a kill or a power cut leaves the
    old content or the new one, and of two files that are written one after the other never the second alone. Raises
    OSError."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with new_file(aside) as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)  # a disk that is full has no room for half a file
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
