"""Ctrl-C in a command, told apart from a KeyboardInterrupt that a plugin raises.

Python raises a KeyboardInterrupt in whatever line runs, which may be a plugin's. Ours is a class of its own, so that
what a plugin raises is never taken for the wish of whoever sits there, nor that wish for a plugin's fault.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tagserver.plugin.fault import Interrupted


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


@contextmanager
def told_apart() -> Iterator[None]:
    """While it lasts, Ctrl-C raises Interrupted. Where somebody else has their way with it, it stays theirs."""
    yield from _instead(signal.default_int_handler, _interrupt)


@contextmanager
def left_to_the_loop() -> Iterator[None]:
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
