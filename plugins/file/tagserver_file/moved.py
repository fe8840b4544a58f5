"""Rows from before relative folders lay below the data folder: they lie below the folder that the server was started
in, and stay there."""

from __future__ import annotations

from pathlib import Path

from tagserver_file.parquet import JOURNAL


def left_behind(path: str, base: Path) -> Path | None:
    """The folder in which a server of before has written rows under a relative `path`, when it is another one than
    `base`."""
    before = Path(path)
    if before.is_absolute():
        return None
    before = before.absolute()
    try:
        if base.exists() and before.exists() and before.samefile(base):
            return None
        found = (before / JOURNAL).is_dir() or next(before.glob("dt=*"), None) is not None
    except OSError:  # nobody lets us look there, so nothing of ours lies there
        return None
    return before if found else None
