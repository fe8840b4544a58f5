"""The files of the audit: `audit/00000001.jsonl` and on, the older ones compressed, each with its index, removed when
they are too old or when all together are too large.

Rows are appended by one thread and not synced one by one: a kill loses what was not handed to the system yet, a power
cut what the system had not written yet. A line that was cut in the middle is taken off at the next start.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tagserver.audit.chain import Link, Record, Row
from tagserver.audit.forecast import Written, first_time, room_for, shortage_of, written
from tagserver.audit.index import ENDING, index_of, may_have, read_index, write_index
from tagserver.system.files import new_file
from tagserver.system.text import size
from tagserver.system.time import LONG_CALM, Time

FOLDER = "audit"
LARGEST = 8 << 20
"""Bytes of a file before the next one is begun; less if all together may hold little."""
SHARE = 8
_PLAIN, _PACKED = ".jsonl", ".jsonl.gz"


def files_of(folder: Path) -> list[Path]:
    """The files, the oldest first. One that is just being packed is there twice, and counts once."""
    found = {path.name.partition(".")[0]: path for ending in (_PACKED, _PLAIN) for path in folder.glob(f"*{ending}")}
    return [path for _, path in sorted(found.items())]


def size_of(folder: Path) -> int:
    """Bytes of all files, with their indexes."""
    return sum(path.stat().st_size for path in (*files_of(folder), *folder.glob(f"*{ENDING}")))


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of one file. A last line without its end is not whole yet, and left out."""
    with gzip.open(path) if path.name.endswith(_PACKED) else path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if text.endswith(b"\n"):
                yield Row.of(path.name, number, text)


def _ends(path: Path) -> tuple[Row, Row] | None:
    """The first row of a file and the last."""
    rows = rows_of(path)
    first = next(rows, None)
    if first is None:
        return None
    (last,) = deque(rows, maxlen=1) or (first,)
    return first, last


def read_rows(folder: Path) -> Iterator[Row]:
    """All rows, the oldest first. A file that is removed or packed meanwhile is read where it is then."""
    for path in files_of(folder):
        try:
            yield from rows_of(path)
        except FileNotFoundError:
            packed = path.with_name(path.name + ".gz")
            if packed.exists():
                yield from rows_of(packed)


def rows_about(folder: Path, key: str) -> Iterator[Row]:
    """The rows of all files that may tell of the event with this key, the oldest first. Others are not read."""
    for path in files_of(folder):
        packed = path if path.name.endswith(_PACKED) else path.with_name(path.name + ".gz")
        try:
            if path != packed or may_have(packed, key):
                yield from rows_of(path)
        except FileNotFoundError:
            if packed.exists() and may_have(packed, key):
                yield from rows_of(packed)


def written_in(folder: Path) -> Written | None:
    """What was packed within the last day, with the indexes; None when there is too little to tell. Raises OSError."""
    *packed, present = files_of(folder) or [folder / _PLAIN]
    began = None if present.name.endswith(_PACKED) else first_time(present)
    if began is None:
        return None
    return written([(path, path.stat().st_size + _index_size(path)) for path in packed], began)


class AuditFiles:
    """Writes rows. `keep` in seconds, `max_size` (see `forecast.room_for`) and `min_free` (of the disk) in bytes,
    Used by one thread. Raises OSError when the folder cannot be used."""

    def __init__(
        self,
        folder: Path,
        *,
        keep: float,
        max_size: int | None,
        min_free: int,
        time: Time,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._max_size = room_for(max_size, folder)
        self._min_free = min_free
        self._time = time
        self._largest = max(4096, min(LARGEST, self._max_size // SHARE))
        folder.mkdir(mode=0o700, exist_ok=True)
        self.link = Link()
        self.torn = 0
        """Bytes of a line that the last end of the process has cut."""
        self._path, self._size = self._continue()
        self.bytes = size_of(folder)
        self._held = self.bytes - self._size
        self._no_index = [path for path in self._packed() if read_index(path) is None]

    def _packed(self) -> list[Path]:
        return [path for path in files_of(self._folder) if path.name.endswith(_PACKED)]

    def _continue(self) -> tuple[Path, int]:
        for left in self._folder.glob("*.new"):
            left.unlink()
        for index in self._folder.glob(f"*{ENDING}"):
            if not index.with_name(index.stem + _PACKED).exists():
                index.unlink()
        for path in self._folder.glob(f"*{_PLAIN}"):
            if path.with_name(path.name + ".gz").exists():
                path.unlink()  # the last end came when it was packed already
        plain = [path for path in files_of(self._folder) if path.name.endswith(_PLAIN)]
        for path in plain[:-1]:  # … or before
            self._pack(path)
        for path in reversed(files_of(self._folder)):
            if path.name.endswith(_PLAIN):
                self.torn += _mend(path)
            if end := _ends(path):
                self.link = end[1].link
                break
        if plain:
            return plain[-1], plain[-1].stat().st_size
        numbers = [int(path.name.partition(".")[0]) for path in files_of(self._folder)]
        return self._folder / f"{max(numbers, default=0) + 1:08}{_PLAIN}", 0

    def append(self, records: Sequence[Record]) -> None:
        """Write records as the next rows, all or none. Raises OSError."""
        text, link = self.link.rows(records)
        if shutil.disk_usage(self._folder).free < self._min_free + len(text):
            raise OSError(f"less than {size(self._min_free)} of the disk are free")
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, text) != len(text):
                raise OSError("the disk is full")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._size)
            raise
        finally:
            os.close(descriptor)
        self._size += len(text)
        self.bytes += len(text)
        self.link = link

    @property
    def full(self) -> bool:
        """Whether the next file should be begun."""
        return self._size >= self._largest

    def rotate(self) -> None:
        """Begin the next file, and pack the present one."""
        before = self._path
        self._path = before.with_name(f"{int(before.name.partition('.')[0]) + 1:08}{_PLAIN}")
        self._size = 0
        self._pack(before)
        self._no_index.append(before.with_name(before.name + ".gz"))
        self.index_one()
        self.bytes = size_of(self._folder)

    def index_one(self) -> None:
        """Make the index of a packed file that has none, if there is one."""
        if not self._no_index:
            return
        path = self._no_index.pop()
        # It was removed, or is damaged, which --verify tells, or the disk is full: then it is read without.
        with contextlib.suppress(OSError, EOFError, zlib.error):
            before = _index_size(path)
            self.bytes += write_index(path) - before

    def written(self) -> Written | None:
        """What was written within the last day; None when there is too little to tell."""
        return written_in(self._folder)

    def remove_old(self) -> list[dict[str, Any]]:
        """Remove files that are too old, too much, or more than a full disk can bear; a record for each, to be written
        before anything else."""
        removed = []
        # A clock that was set forward by mistake must not be the end of it.
        limit = self._time.now() - int(self._keep * 1000) if self._time.trusted(LONG_CALM) else 0
        # On a disk that is nearly full the packed files grow no more: what is left is the queue's.
        short = shutil.disk_usage(self._folder).free < 2 * self._min_free
        most = self._held if short else self.bytes
        for path in files_of(self._folder):
            if path == self._path:
                break
            ends = _ends(path)
            last_time = ends[1].record.get("t") if ends and ends[1].record else None
            too_old = isinstance(last_time, int) and last_time < limit
            size = path.stat().st_size + _index_size(path)
            too_much = self.bytes > self._max_size
            # One for one: a new file is hardly ever just as large as an old one.
            if not too_old and not too_much and self.bytes - self._size - most <= size // 2:
                break
            self.bytes -= size
            index_of(path).unlink(missing_ok=True)
            path.unlink()
            if ends is not None:
                first, last = (row.link for row in ends)
                told = {"from": first.number, "to": last.number, "last": last.hash}
                why = "age" if too_old else "size" if too_much else "disk"
                removed.append({"t": self._time.now(), "kind": "removed", "file": path.name, "why": why, **told})
        if not short:
            self._held = self.bytes - self._size
        return removed

    def sync(self) -> None:
        """See to it that a power cut takes nothing of what was written."""
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _pack(self, path: Path) -> None:
        """Compress a file."""
        packed = path.with_name(path.name + ".gz")
        aside = packed.with_name(packed.name + ".new")
        with path.open("rb") as plain, new_file(aside) as out:
            with gzip.GzipFile(path.name, "wb", 6, out, mtime=0) as pack:
                shutil.copyfileobj(plain, pack, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(packed)
        path.unlink()


def _index_size(packed: Path) -> int:
    try:
        return index_of(packed).stat().st_size
    except FileNotFoundError:
        return 0


def _mend(path: Path) -> int:
    """Take off a line that was cut; how many bytes."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = size
        while whole:
            begin = max(0, whole - (64 << 10))
            file.seek(begin)
            end = file.read(whole - begin).rfind(b"\n")
            if end >= 0:
                whole = begin + end + 1
                break
            whole = begin
        file.truncate(whole)
    return size - whole


# ── what a data folder tells without a server

WHAT_TO_DO = "raise audit.max_size, or lower audit.keep to what you need"


def shortage(data: Path, max_size: int | None, keep: float) -> str | None:
    """The sentence for a data folder (`max_size` in bytes or by the disk, `keep` in seconds); None when all is well, or
    nobody can tell: there is no audit, too little of it, or it cannot be read by this user."""
    try:
        found = written_in(data / FOLDER)
    except OSError:
        return None
    room = room_for(max_size, data)
    return None if found is None else shortage_of(found.lasts(room), keep, room)


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
