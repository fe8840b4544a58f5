"""The audit of a running server: what was decided is handed over in memory, and written by a thread of its own.

The loop does no more than to append to a list. Once a second the thread takes what is there, in small pieces, so that
it never holds up the loop. A kill loses the last second.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tagserver.audit.chain import Record
from tagserver.audit.files import FOLDER, AuditFiles
from tagserver.audit.forecast import room_for, shortage_of
from tagserver.audit.records import Decided, Recorder, event_key
from tagserver.system.time import Time

log = logging.getLogger("tagserver.audit")

EVERY = 1.0
PIECE = 100
"""Events that are written before others have the interpreter again, and the seconds that they have it."""
PAUSE = 0.002
_OWN = frozenset({"start", "lost", "stop", "state", "removed"})
"""Kinds of rows that tell of no event."""
MOST = 100_000
"""Events that may wait; what is beyond is lost, and counted."""
DAY = 86400.0
SAID_EVERY = 60.0
"""Seconds between two lines that it cannot be written: on a disk that is nearly full this comes and goes."""
LOOK_EVERY = 3600.0
"""Seconds between two looks for files that are too old, and at how long the room lasts."""


class Audit:
    """One for each data folder. `keep` in seconds, sizes in bytes (`max_size`: see `forecast.room_for`).
    `install_key` keys event ids. A folder that cannot be used costs rows, never an event."""

    def __init__(
        self,
        data: Path,
        install_key: bytes,
        *,
        keep: float,
        max_size: int | None,
        min_free: int,
        time: Time,
        every: float = EVERY,
    ) -> None:
        self._time = time
        self._every = every
        self._install_key = install_key
        self.keep = keep
        self.max_size = room_for(max_size, data)
        """Bytes that all files may have."""
        self.lasts: float | None = None
        """Seconds that they hold at today's rate; None: it is too early to tell."""
        self._recorder = Recorder(install_key)
        self._open = partial(AuditFiles, data / FOLDER, keep=keep, max_size=self.max_size, min_free=min_free, time=time)
        self._files: AuditFiles | None = None
        self._decided: deque[Decided] = deque()
        self._noted: deque[Mapping[str, Any]] = deque()
        self._unsaid = 0
        self._looked = self._warned = self._said = float("-inf")
        self._complained = False
        self._told = 0
        """Of what is lost, what the log knows."""
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self.rows = 0
        """Written by this process."""
        self.lost = 0
        """Events and notes that could not be written."""
        self._thread = threading.Thread(target=self._run, name="tagserver-audit", daemon=True)
        self._thread.start()

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return self._files.bytes if self._files is not None else 0

    def shown(self) -> dict[str, Any]:
        """What `status.json` says: counts, bytes, and seconds. `notice`: what operations should know, or None."""
        short = None if self.lasts is None else shortage_of(self.lasts, self.keep, self.max_size)
        return {
            "rows": self.rows,
            "lost": self.lost,
            "bytes": self.bytes,
            "limit": self.max_size,
            "keep_s": self.keep,
            "lasts_s": self.lasts,
            "notice": short,
        }

    # ── called by the event loop

    def decided(self, events: Sequence[Decided]) -> None:
        """What was decided of some events has come to pass."""
        room = max(0, MOST - len(self._decided))
        self._decided.extend(events[:room])
        if len(events) > room:
            self._lose(len(events) - room)

    def note(self, kind: str, **facts: Any) -> None:
        """Something else happened to what is kept: consent was withdrawn, rows were erased."""
        if len(self._noted) >= MOST:
            self._lose(1)
            return
        self._noted.append({"t": self._time.now(), "kind": kind, **facts})

    def stopped(self, event_id: str, tag: str, destination: str, sentence: str) -> None:
        """A delivery was stopped for want of consent, just before it was sent."""
        self.note(
            "stopped", event=event_key(event_id, self._install_key), tag=tag, destination=destination, why=sentence
        )

    def close(self) -> None:
        """Write what is there, and end. Blocks for that long."""
        self._stop.set()
        self._thread.join()

    def _lose(self, number: int) -> None:
        with self._counting:
            self.lost += number
            self._unsaid += number

    # ── the thread

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._stop.wait(self._every)
            try:
                self._turn(ended)
            except OSError as error:
                if not self._complained and self._time.monotonic() - self._said >= SAID_EVERY:
                    log.error("the audit cannot be written: %s; what is decided meanwhile is counted as lost", error)
                    self._complained, self._said = True, self._time.monotonic()
                self._lose(len(self._decided) + len(self._noted))
                self._decided.clear()
                self._noted.clear()

    def _turn(self, ended: bool) -> None:
        files = self._files
        if files is None:
            files = self._files = self._open()
            self._write(files, [{"t": self._time.now(), "kind": "start", "torn": files.torn}])
        if number := self._unsaid:
            self._write(files, [{"t": self._time.now(), "kind": "lost", "count": number}])
            with self._counting:
                self._unsaid -= number
        while self._decided or self._noted:
            noted = _taken(self._noted)
            self._write(files, itertools.chain(noted, self._recorder.records(_taken(self._decided))))
            if not ended:
                self._stop.wait(PAUSE)
        if self._time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = self._time.monotonic()
            self._write(files, files.remove_old())
            self._look_ahead(files)
        files.index_one()
        if ended:
            self._write(files, [{"t": self._time.now(), "kind": "stop"}])
            files.sync()
        if self._complained:
            self._complained = False
            missing, self._told = self.lost - self._told, self.lost
            sentence = "the audit is written again; events and acts of meanwhile that are not on record: %d"
            log.info(sentence, missing, extra={"count": missing})

    def _write(self, files: AuditFiles, records: Iterable[Record]) -> None:
        rows = list(records)
        if not rows:
            return
        try:
            files.append(rows)
        except OSError:
            self._recorder.new_file()  # states of these rows are not there
            self._lose(sum(isinstance(row, bytes) or row["kind"] not in _OWN for row in rows))
            raise
        self.rows += len(rows)
        if files.full:
            files.rotate()
            self._recorder.new_file()
            self._write(files, files.remove_old())
            if self.lasts is None:
                self._look_ahead(files)

    def _look_ahead(self, files: AuditFiles) -> None:
        """How long the room lasts; a line in the log, once a day, when that is not as long as it should."""
        written = files.written()
        self.lasts = None if written is None else written.lasts(self.max_size)
        short = None if self.lasts is None else shortage_of(self.lasts, self.keep, self.max_size)
        if short is not None and self._time.monotonic() - self._warned >= DAY:
            self._warned = self._time.monotonic()
            log.warning("the audit is not kept for as long as it should be: %s", short)


def _taken(waiting: deque[Any]) -> list[Any]:
    """The next ones, taken out."""
    return [waiting.popleft() for _ in range(min(PIECE, len(waiting)))]
