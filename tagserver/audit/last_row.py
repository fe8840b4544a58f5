"""When the audit was written last: without reading all of it."""

from __future__ import annotations

import os
from pathlib import Path

from tagserver.audit.chain import Row
from tagserver.audit.files import FOLDER, files_of

_LOOKED_AT = 64 << 10
"""Bytes at the end of the newest file; a row is much shorter."""


def written_last(data: Path) -> int | None:
    """The time of the last row below a data folder, in ms by the clock of then; None when there is none, or when it
    cannot be read."""
    files = files_of(data / FOLDER)
    if not files or files[-1].suffix == ".gz":
        return None
    try:
        with files[-1].open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOOKED_AT))
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return None
    for line in reversed(lines):
        record = Row.of(files[-1].name, 0, line).record
        if record is not None and type(at := record.get("t")) is int:
            return at
    return None
