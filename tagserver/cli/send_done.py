"""What is done of a file that is sent: beside it, so that whoever runs the command again goes on where it ended.

`FILE.sent` holds how many events are done, each time with a hash of all of them, and no value of any: the events of a
file that has grown since go on behind them, and of one that was changed from the first change on. `FILE.refused.csv`
holds the rows that were not taken, with the reason of each.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from tagserver.inbound.files.columns import REPORT
from tagserver.inbound.files.faults import RefusedRow
from tagserver.inbound.files.rows import FileEvent

VERSION = 1
MARK = b"\xef\xbb\xbf"
"""Without it a spreadsheet takes UTF-8 for something else."""


class InUse(Exception):
    """Another run sends this file."""


class Mark(NamedTuple):
    """The first `done` events are done; `chain` is a hash of them; `refused`: bytes of the file of refused rows."""

    done: int
    chain: str
    refused: int


def first_chain(server: str, source: str) -> str:
    """The hash of no events, sent to this server by this source."""
    return blake2b(f"{VERSION}\0{server}\0{source}".encode(), digest_size=20).hexdigest()


def chained(chain: str, one: FileEvent | RefusedRow) -> str:
    """The hash of all events up to this one."""
    said = one.raw if isinstance(one, FileEvent) else one.rows
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(errors="surrogatepass"), key=bytes.fromhex(chain), digest_size=20).hexdigest()


class Done:
    """The two files of one that is sent. Of standard input there are none (`sent` is None)."""

    def __init__(self, sent: io.FileIO | None, refused: Path | None, header: Sequence[str], separator: str) -> None:
        self._sent = sent
        self._refused = refused
        self._header = [*header, *REPORT]
        self._separator = separator

    def resumed(self, start: str, found: Iterator[FileEvent | RefusedRow]) -> Mark:
        """Where to go on: the last mark that the events `found`, from the first on, agree with. What does not agree is
        taken off both files."""
        marks = {one.done: one for one in self._marks()}
        kept, chain = [Mark(0, start, 0)], start
        last = max(marks, default=0)
        for number, one in enumerate(found, 1):
            if number > last:
                break
            chain = chained(chain, one)
            if number in marks:
                if marks[number].chain != chain:
                    break
                kept.append(marks[number])
        if self._sent is not None:
            self._sent.seek(0)
            self._sent.truncate()
            for mark in kept[1:]:
                self.note(mark)
        self._cut(kept[-1].refused)
        return kept[-1]

    def _marks(self) -> Iterator[Mark]:
        if self._sent is None:
            return
        self._sent.seek(0)
        for line in self._sent.readall().splitlines():
            try:
                yield Mark(*json.loads(line))
            except (ValueError, TypeError):  # the last one, of a run that was killed
                return

    def _cut(self, size: int) -> None:
        if self._refused is None or not self._refused.exists():
            return
        if size == 0:
            self._refused.unlink()
        elif self._refused.stat().st_size > size:
            os.truncate(self._refused, size)

    def note(self, mark: Mark) -> None:
        """So many are done."""
        if self._sent is not None:
            self._sent.write(json.dumps(mark).encode() + b"\n")

    def refuse(self, refused: Sequence[RefusedRow]) -> int:
        """Write these rows down; the bytes of their file then."""
        if self._refused is None:
            return 0
        if refused:
            with os.fdopen(_opened(self._refused), "ab", buffering=0) as file:
                text = io.StringIO(newline="")
                lines = csv.writer(text, delimiter=self._separator)
                new = file.seek(0, os.SEEK_END) == 0
                if new:
                    lines.writerow(self._header)
                for one in refused:
                    for at, cells in enumerate(one.rows):
                        width = len(self._header) - len(REPORT)
                        filled = [*cells[:width], *[""] * (width - len(cells))]
                        lines.writerow([*filled, *((one.line, one.column, one.reason) if at == 0 else ("", "", ""))])
                file.write((MARK if new else b"") + text.getvalue().encode(errors="replace"))
                os.fsync(file.fileno())
        return self._refused.stat().st_size if self._refused.exists() else 0


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextmanager
def done_of(file: Path | None, header: Sequence[str], separator: str) -> Iterator[Done]:
    """The two files beside `file`, which nobody else writes meanwhile. Raises InUse, and OSError."""
    if file is None:
        yield Done(None, None, header, separator)
        return
    with io.FileIO(_opened(beside(file, ".sent")), "r+") as sent:
        try:
            fcntl.flock(sent, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse from None
        yield Done(sent, beside(file, ".refused.csv"), header, separator)


def beside(file: Path, ending: str) -> Path:
    """The file of that name with this ending behind it."""
    return file.with_name(file.name + ending)
