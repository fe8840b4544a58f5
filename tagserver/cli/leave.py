"""The end of a process in which something does not end: a task of a plugin that does not hear that it should, a thread
that waits for a disk, a plugin's or that of the journal. Nobody may need `kill -9` for that."""

from __future__ import annotations

import logging
import os
import sys
import threading

log = logging.getLogger("tagserver")

WITHIN = 3.0
"""Seconds that what plugins have begun gets, after all that is ours is closed."""


def leave_soon(code: int) -> threading.Timer:
    """End the process in a while, whatever still runs in it. To be called when all that is ours is closed."""
    timer = threading.Timer(WITHIN, _leave, (code,))
    timer.daemon = True
    timer.start()
    return timer


def others_run() -> bool:
    """Whether there are threads that Python would wait for."""
    return any(one is not threading.main_thread() and not one.daemon for one in threading.enumerate())


def _leave(code: int) -> None:
    log.warning("what a plugin has begun, or a disk that does not answer, does not end: the server ends without it")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
