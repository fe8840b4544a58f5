"""Whether a function's work grows faster than the text that it is given.

Two measures, because neither sees everything. Bytecode instructions are counted: exact, the same on every machine, and
blind for what the interpreter does in C. The processor's time of this thread sees that as well, and is only compared
with itself: a text eight times as long may take three times as much of it as is fair.
"""

from __future__ import annotations

import functools
import gc
import itertools
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any

Function = Callable[[str], object]
Hostile = Callable[[int], str]

STEP = 8
SIZES = (500, 500 * STEP, 500 * STEP * STEP)
COUNTED = (250, 250 * STEP)
"""Characters, about; fewer where each instruction is counted."""
_FAIR = 1.5
_SQUARE = 3 * STEP
"""A square would be `STEP` * `STEP`."""
_NOTHING = 1_000_000
"""Nanoseconds that hold nobody up: below them is noise. No length of time is ever asked for."""


def forget() -> None:
    """Empty what our modules remember of texts they have seen: it is the work that is measured."""
    for cache in _caches(len(sys.modules)):
        cache.cache_clear()


@functools.cache
def _caches(modules: int) -> list[Any]:
    ours = [vars(module).values() for name, module in sys.modules.items() if name.startswith("tagserver")]
    return [one for values in ours for one in values if isinstance(one, functools._lru_cache_wrapper)]


def instructions(function: Function, text: str) -> int:
    """The bytecode instructions that a call runs."""
    forget()
    if sys.version_info >= (3, 12):  # tracing has to learn a function's instructions there before it counts them
        return _monitored(function, text)
    count = 0

    def each(frame: FrameType, event: str, given: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return each

    before = sys.gettrace()
    sys.settrace(each)
    try:
        function(text)
    finally:
        sys.settrace(before)
    return count


if sys.version_info >= (3, 12):

    def _monitored(function: Function, text: str) -> int:
        count, here = 0, threading.get_ident()

        def each(code: CodeType, offset: int) -> None:
            nonlocal count
            count += threading.get_ident() == here

        watch, tool, event = sys.monitoring, sys.monitoring.PROFILER_ID, sys.monitoring.events.INSTRUCTION
        watch.use_tool_id(tool, "growth")
        watch.register_callback(tool, event, each)
        watch.set_events(tool, event)
        try:
            function(text)
        finally:
            watch.set_events(tool, 0)
            watch.free_tool_id(tool)
        return count


def nanoseconds(function: Function, text: str, times: int = 1) -> int:
    """The processor's time of a call, the least of some."""
    took = []
    for _ in range(times):
        forget()
        begun = time.thread_time_ns()
        function(text)
        took.append(time.thread_time_ns() - begun)
    return min(took)


def excess(function: Function, hostile: Hostile) -> str | None:
    """What grows too fast, in words; None when nothing does."""
    return excess_of_instructions(function, hostile) or excess_of_time(function, hostile)


def excess_of_instructions(function: Function, hostile: Hostile) -> str | None:
    """The count alone."""
    function(hostile(10))  # what is imported and worked out once
    small, large = (instructions(function, hostile(size)) for size in COUNTED)
    if large > _FAIR * STEP * small:
        return f"{small} instructions for {COUNTED[0]} characters, {large} for {COUNTED[1]}"
    return None


def excess_of_time(function: Function, hostile: Hostile, sizes: Sequence[int] = SIZES) -> str | None:
    """The time alone. The sizes go up, so that the first excess ends it; before anybody is blamed it is measured once
    more, for the machine may have stumbled."""
    function(hostile(10))
    gc.disable()
    try:
        took = nanoseconds(function, hostile(sizes[0]))
        for smaller, size in itertools.pairwise(sizes):
            before, took = took, nanoseconds(function, hostile(size))
            if took > _NOTHING and took > _SQUARE * before:
                small, large = (nanoseconds(function, hostile(one), 3) for one in (smaller, size))
                if large > _SQUARE * small:
                    return f"{size} characters take {large / small:.0f} times as long as {smaller}"
        return None
    finally:
        gc.enable()
