"""The journal: what persons have withdrawn, written a second time on another disk.

A backup does not know what happened after it was made. Most of that is lost with the disk; that somebody asked to be
forgotten, or took consent back, must not be. So each such act is a line here, on disk before it is answered as done:
keyed hashes as in the queue, which tell nobody who that was. A line now and then says that the journal is still kept,
so that somebody who restores can tell how far it reaches.

A journal that cannot be written refuses nobody's wish: the act counts, readiness and the log say that the journal lacks
it, and as soon as it can be written again everything that the queue still knows is written anew.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from tagserver.queue.sqlite.snapshot import Laid, Lifted
from tagserver.queue.values import Tombstone
from tagserver.system.files import write_whole
from tagserver.system.time import LONG_CALM, Time

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
    """The line for what was withdrawn; `keep`: ms until when the queue keeps it."""
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


# ── the journal of a running server: appended to, synced, and written anew when lines are past their time or lacking

log = logging.getLogger("tagserver.journal")

PATIENCE = 5.0
"""Seconds that an act waits for the disk of the journal; then it counts without it."""
ALIVE = 3600_000
"""Milliseconds between two lines that say that the journal is kept."""
AGAIN = 30.0
"""Seconds until a journal that could not be written is tried again."""
RENEWED = 86400_000
"""Milliseconds after which lines that are past their time are removed."""


class JournalFile:
    """Appends lines. `of`: the installation that writes it. `stones`: all that the queue knows to be withdrawn, as
    lines, asked from another thread. `data`: the data folder, whose disk should be another one. No line
    goes for its age unless the clock is trusted.

    One thread of its own does all work with the file. What could not be written is not kept here: when the file can be
    written again, it is made anew with all that the queue knows then. `trouble` says until then why it lacks something.
    """

    def __init__(
        self,
        path: Path,
        of: str,
        stones: Callable[[], Iterable[Line]],
        data: Path,
        time: Time,
    ) -> None:
        self._path = path
        self._of = of
        self._stones = stones
        self._data = data
        self._time = time
        self._waiting: deque[Line] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tagserver-journal")
        self._stuck: asyncio.Future[None] | None = None
        self._renewed = self._written = 0
        self._sound = False
        self.trouble: str | None = None
        self.patience = PATIENCE
        self.write = _append

    # ── called by the event loop

    async def withdrawn(self, stones: Sequence[Tombstone], ttl: float) -> None:
        """Persons have taken something back, which the queue keeps for `ttl` seconds."""
        now = self._time.now()
        await self._append(laid(now, stones, now + int(ttl * 1000)))

    async def granted_again(self, persons: Sequence[bytes], purposes: frozenset[str], at: int) -> None:
        """Persons have granted purposes again, from `at` (ms) on."""
        lifted = ([person.hex() for person in persons], sorted(purposes), at)
        await self._append(Line(at=self._time.now(), lifted=lifted))

    async def mark(self, word: str) -> None:
        """Say that the journal is kept."""
        await self._append(Line(at=self._time.now(), mark=word))

    async def mind(self) -> None:
        """Keep it alive, and try one that could not be written again; until cancelled."""
        while True:
            await self._time.sleep(AGAIN)
            if self.trouble is not None or self._time.now() - self._written >= ALIVE:
                await self.mark("alive")

    async def close(self) -> None:
        """The last line, as far as the disk answers."""
        await self.mark("stop")
        self._thread.shutdown(wait=False)

    async def _append(self, line: Line) -> None:
        """On disk when it returns, or `trouble` says why not. Lines that wait are written together."""
        if self._stuck is not None and not self._stuck.done():
            self._sound = False
            return
        self._waiting.append(line)
        writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write)
        done, _ = await asyncio.wait([writing], timeout=self.patience)
        if not done:
            self._stuck = writing
            self._fails(f"its disk did not answer within {self.patience:.0f} s")

    def _fails(self, why: str) -> None:
        self._sound = False
        before, self.trouble = self.trouble, f"the journal {self._path} cannot be written: {why}"
        if before is None:
            log.error("%s. What persons withdraw counts; a restored backup would not know it", self.trouble)

    # ── the thread

    def _write(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not lines:
            return
        now = self._time.now()
        try:
            if not (self._sound and now - self._renewed < RENEWED and self.write(self._path, text_of(lines))):
                self._renew(now, lines)
        except BadJournal as bad:
            self._fails(
                f"{bad}. Move it aside and keep it (to restore a backup of then needs it); another one is begun"
            )
        except OSError as error:
            self._fails(error.strerror or str(error))
        else:
            self._written = now

    def _renew(self, now: int, lines: list[Line]) -> None:
        """Write it anew: what is not past its time, what the queue knows, and the new lines."""
        try:
            before: Journal | None = Journal(self._path, self._of)
        except FileNotFoundError:
            before = None
        since = now if before is None else before.since
        if before is not None and self._time.trusted(LONG_CALM):
            since = max(since, now - KEEP)
        known = list(self._stones())
        reach: dict[tuple[str, str], tuple[int, int]] = {row[:2]: (-1, -1) for one in known for row in one.laid}
        for line in _kept(before, since):
            reach.update({row[:2]: row[2:4] for row in line.laid if row[:2] in reach})
        lacking = (one for one in known if any(reach[row[:2]] < row[2:4] for row in one.laid))
        write_whole(self._path, texts_of([Head(of=self._of, since=since)], _kept(before, since), lacking, lines))
        if self._renewed == 0 and self._path.stat().st_dev == self._data.stat().st_dev:
            log.warning("the journal %s lies on the disk of the data folder: both can be lost together", self._path)
        if self.trouble is not None:
            log.warning("the journal %s is written again, with all that the queue knows", self._path)
        self._renewed, self._sound, self.trouble = now, True, None


def _kept(before: Journal | None, since: int) -> Iterator[Line]:
    """What stays of a journal: no line from before `since`, and of the lines that only say that it is kept the last."""
    if before is None:
        return
    for line in before.lines():
        if line.at >= since and (not line.mark or line == before.mark):
            yield line


def _append(path: Path, text: bytes) -> bool:
    """Whether it could be appended; False when the file has gone. All of it or, as far as that is possible, nothing.
    Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        before = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
    return True
