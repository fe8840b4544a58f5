"""Which functions of ours are called, in every thread, while something is looked at.

A call is a function that begins: a coroutine that goes on after a wait was called before. Functions of the standard
library, of other packages and of C are not counted, what they call of ours is.
"""

from __future__ import annotations

import dis
import functools
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

HOME = Path(__file__).parents[2]
OURS = ("tagserver", "plugins")
"""Folders of the repository."""


STORE = "tagserver-outbox"
"""The name of the queue's thread."""
Function = tuple[str, str]
"""Its file and its name in there."""


@dataclass(frozen=True)
class Call:
    """`file` from the repository's folder on; `depth`: how many functions of ours are under way
    on the stack, this one with them; `root`: the first of these; `thread`: its name."""

    file: str
    function: str
    depth: int
    root: str
    thread: str

    @property
    def name(self) -> Function:
        """What was called."""
        return self.file, self.function


@functools.cache
def file_of(code: CodeType) -> str | None:
    """Where a function of ours is written, None for all others."""
    path = Path(code.co_filename)
    if not path.is_relative_to(HOME):
        return None
    within = path.relative_to(HOME)
    return within.as_posix() if within.parts[0] in OURS else None


@functools.cache
def _start(code: CodeType) -> int:
    """The offset at which a call is seen to begin; where it is seen to go on is behind that."""
    return next((one.offset for one in dis.get_instructions(code) if one.opname == "RESUME"), 0)


def begins(frame: FrameType) -> bool:
    """Whether a frame that a profiler is told of is called, and does not go on."""
    return frame.f_lasti <= _start(frame.f_code)


class Tracer:
    """Between `install` and `remove` the interpreter tells it of each call; what is called between `begin` and `end` is
    kept. Only threads that are started after `install` are seen, and the one that installs it."""

    def __init__(self) -> None:
        self._calls: list[Call] | None = None

    def install(self) -> None:
        """Look on in this thread, and in each that is started from now on."""
        threading.setprofile(self._told)
        sys.setprofile(self._told)

    def remove(self) -> None:
        """Look no more here."""
        threading.setprofile(None)
        sys.setprofile(None)

    def begin(self) -> None:
        """From here on."""
        self._calls = []

    def end(self) -> list[Call]:
        """Up to here: the calls, in order."""
        calls, self._calls = self._calls, None
        assert calls is not None
        return calls

    @property
    def calls(self) -> int:
        """How many have been seen since `begin`."""
        return len(self._calls or ())

    def _told(self, frame: FrameType, event: str, given: Any) -> None:
        calls = self._calls
        if calls is None or event != "call" or (file := file_of(frame.f_code)) is None or not begins(frame):
            return
        ours = _stack(frame)
        name = frame.f_code.co_qualname
        calls.append(Call(file, name, len(ours), ours[-1].f_code.co_qualname, threading.current_thread().name))


def _stack(frame: FrameType | None) -> list[FrameType]:
    ours: list[FrameType] = []
    while frame is not None:
        if file_of(frame.f_code) is not None:
            ours.append(frame)
        frame = frame.f_back
    return ours
