"""The journal: what persons have taken back, written a second time on another disk.

A backup does not know what happened after it was made. Most of that is lost with the disk; that somebody asked to be
forgotten, or took consent back, must not be. So each such act is a line here, on disk before it is answered as done:
keyed hashes as in the queue, which tell nobody who that was. A line now and then says that the journal is still kept,
so that somebody who restores can tell how far it reaches.

A journal that cannot be written refuses nobody's wish: the act counts, readiness and the log say that the journal lacks
it, and as soon as it can be written again everything that the queue still knows is written anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from tagserver.queue.sqlite.snapshot import Laid, Lifted
from tagserver.queue.values import Tombstone

FORMAT = 1
"""Rises when a program of before would misread the file."""
KEEP = 90 * 86400_000
"""Milliseconds that a line is kept: for a backup that is older it reaches not far enough."""
LONGEST = 1 << 20
"""Bytes of a line at most."""


class BadJournal(Exception):
    """The file is no journal that can be used; the text says why."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `of`: the installation whose hashes these are; `since`: from when on nothing is missing (ms)."""

    journal: int = FORMAT
    of: str
    since: int


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Every other line, written at `at` (ms). `laid`: [person in hex, purpose, since, until, keep]. `lifted`: [persons
    in hex, purposes, from when on]. `mark`: the journal is kept: `start`, `alive`, `backup`, `stop`."""

    at: int
    laid: list[tuple[str, str, int, int, int]] = []
    lifted: tuple[list[str], list[str], int] | None = None
    mark: str = ""

    def acts(self) -> Iterator[Laid | Lifted]:
        """What it says. Raises ValueError."""
        for person, purpose, since, until, keep in self.laid:
            yield Laid(Tombstone(bytes.fromhex(person), purpose, since, until), keep)
        if self.lifted is not None:
            persons, purposes, at = self.lifted
            yield Lifted(tuple(map(bytes.fromhex, persons)), frozenset(purposes), at)


_line = msgspec.json.Decoder(Line)
_head = msgspec.json.Decoder(Head)
_encode = msgspec.json.Encoder().encode


def installation(install_key: bytes) -> str:
    """What a journal calls the installation that writes it; tells nothing of its key."""
    return hmac.new(install_key, b"tagserver journal", hashlib.sha256).hexdigest()[:16]


def laid(at: int, stones: Iterable[Tombstone], keep: int) -> Line:
    """The line for what was taken back; `keep`: ms until when the queue keeps it."""
    return Line(at=at, laid=[(one.person.hex(), one.purpose, one.since, one.until, keep) for one in stones])


def text_of(lines: Iterable[Head | Line]) -> bytes:
    """Lines as they stand in the file."""
    return b"".join(_encode(line) + b"\n" for line in lines)


def texts_of(*many: Iterable[Head | Line]) -> Iterator[bytes]:
    """The same, a line at a time."""
    for line in chain(*many):
        yield _encode(line) + b"\n"


class Journal:
    """A journal as it was read: what it says, from `since` until `until` (ms). It may be larger than memory, so its
    lines are read anew each time. Raises BadJournal, OSError; with `forgiving` not for a line that cannot be read:
    `unread` says so then.

    A last line without its end was never answered as done, and is left out.
    """

    def __init__(self, path: Path, of: str, *, forgiving: bool = False) -> None:
        self._path = path
        self._forgiving = forgiving
        with path.open("rb") as file:
            first = file.readline(LONGEST)
        self.head = _read_head(path, first, of)
        self.since = self.until = self.head.since
        self.unread: str | None = None
        """A sentence about the first line that cannot be read, or None."""
        self.mark: Line | None = None
        """The last line that says that the journal is kept."""
        for line in self.lines():
            self.until = line.at  # of the last one: in between a clock may have been far ahead
            if line.mark:
                self.mark = line

    def lines(self) -> Iterator[Line]:
        """Everything behind the head that can be read."""
        with self._path.open("rb") as file:
            file.readline(LONGEST)
            number = 1
            while text := file.readline(LONGEST + 1):
                number += 1
                if not text.endswith(b"\n") and len(text) <= LONGEST:
                    return
                try:
                    line = _line.decode(text)
                    tuple(line.acts())
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    why = f"line {number} of the journal {self._path} cannot be read: what it said may be lost"
                    if not self._forgiving:
                        raise BadJournal(why) from None
                    self.unread = self.unread or why
                else:
                    yield line

    def acts(self) -> Iterator[Laid | Lifted]:
        """Everything that it says, in its order."""
        for line in self.lines():
            yield from line.acts()

    def covers(self, begin: int, end: int) -> bool:
        """Whether nothing of what came between two moments (ms) and its end is missing."""
        return self.since <= begin and end <= self.until and self.unread is None


def _read_head(path: Path, text: bytes, of: str) -> Head:
    try:
        said: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        if type(said.get("journal")) is int and said["journal"] > FORMAT:
            raise BadJournal(
                f"the journal {path} is of a newer tagserver (format {said['journal']}, this one knows {FORMAT})"
            )
        head = _head.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadJournal(f"{path} is no journal of tagserver") from None
    if head.of != of:
        raise BadJournal(f"the journal {path} is of another installation: its hashes mean nothing here")
    return head
