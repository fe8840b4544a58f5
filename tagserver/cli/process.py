"""The process of a command: Ctrl-C, the event loop of a server, and an end that nothing of a plugin's delays.

Python raises a KeyboardInterrupt in whatever line runs, which may be a plugin's. Ours is a class of its own, so that
what a plugin raises is never taken for the wish of whoever typed Ctrl-C, nor that wish for a plugin's fault.

At the end something may still run: a task of a plugin that ignores its cancellation, a thread that waits for a disk, a
plugin's or that of the journal. Nobody may need `kill -9` for that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from tagserver.plugin.fault import Interrupted

log = logging.getLogger("tagserver")

GRACE = 3.0
"""Seconds that what plugins have started gets to end, after all that is ours is closed."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


@contextmanager
def own_interrupts() -> Iterator[None]:
    """While it lasts, Ctrl-C raises Interrupted. Where somebody else has their way with it, it stays theirs."""
    yield from _instead(signal.default_int_handler, _interrupt)


@contextmanager
def default_interrupts() -> Iterator[None]:
    """While it lasts, Ctrl-C is Python's, as asyncio wants it: it then cancels what runs, and raises nothing."""
    yield from _instead(_interrupt, signal.default_int_handler)


def _instead(expected: object, handler: object) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not expected:
        yield
        return
    before = signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]  # (one of two functions)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run a coroutine function on uvloop where there is one, and return its exit code. When it has ended, nothing that
    a plugin has started keeps the process alive."""
    timers: list[threading.Timer] = []

    async def ended() -> int:
        code = await main()
        timers.append(exit_soon(code))
        return code

    try:
        with default_interrupts():
            if sys.platform == "win32":
                return asyncio.run(ended())
            import uvloop  # not installed on Windows

            return int(uvloop.run(ended()))
    finally:
        for timer in timers:
            timer.cancel()


def exit_soon(code: int) -> threading.Timer:
    """End the process after GRACE seconds, whatever still runs in it. To be called when all that is ours is closed."""
    timer = threading.Timer(GRACE, _exit_all_the_same, (code,))
    timer.daemon = True
    timer.start()
    return timer


def other_threads_run() -> bool:
    """Whether there are threads that Python would wait for."""
    return any(one is not threading.main_thread() and not one.daemon for one in threading.enumerate())


def _exit_all_the_same(code: int) -> None:
    log.warning("what a plugin has begun, or a disk that does not answer, does not end: the server ends without it")
    exit_now(code)


def exit_now(code: int) -> NoReturn:
    """End the process at once: nothing is waited for or closed any more, but what was logged and printed is out."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
