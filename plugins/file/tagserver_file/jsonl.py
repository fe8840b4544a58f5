"""JSON lines: `dt=YYYY-MM-DD/NAME-0001.jsonl`, appended to until it is large enough."""

from __future__ import annotations

import re
from pathlib import Path

from tagserver_file.disk import append, make_folder


def write_lines(base: Path, name: str, date: str, lines: bytes, most: int) -> None:
    """Append the rows of one date. `most`: bytes after which the next file is begun."""
    folder = base / f"dt={date}"
    make_folder(folder)
    number = _last_number(folder, name)
    path = folder / f"{name}-{number:04}.jsonl"
    if path.exists() and (size := path.stat().st_size) and size + len(lines) > most:
        path = folder / f"{name}-{number + 1:04}.jsonl"
    append(path, lines)


def _last_number(folder: Path, name: str) -> int:
    known = re.compile(re.escape(name) + r"-(\d{4,9})\.jsonl").fullmatch
    return max((int(found[1]) for one in folder.iterdir() if (found := known(one.name))), default=1)
