"""Programs that tests start: none outlives the process that started it, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when the thread that started it has ended."""
_libc = ctypes.CDLL(None, use_errno=True)


def ends_with_parent(prepare: Callable[[], None] | None = None) -> Callable[[], None]:
    """For `preexec_fn` of a `Popen`: the kernel kills the child when its parent has ended, also when that was killed
    itself. `prepare` is called in the child first. Linux alone."""
    parent = os.getpid()

    def in_the_child() -> None:
        if prepare is not None:
            prepare()  # first: a change of user takes the signal back
        if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(1)

    return in_the_child
