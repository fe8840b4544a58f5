"""One process owns the data folder: a lock that ends with the process, and names it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tagserver.delivery.errors import InUse


class FolderLock:
    """An exclusive lock on `path`, held until `release` or the end of the process. Raises InUse."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise InUse(
                f"the data folder {path.parent} is in use by another tagserver (process {owner}); "
                "stop it, or give this one a folder of its own with --data"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
