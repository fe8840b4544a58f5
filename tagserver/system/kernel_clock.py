"""What the kernel says of its clock."""

from __future__ import annotations

import ctypes

_TIME_ERROR = 5
"""What adjtimex(2) gives for a clock that is not synchronised."""


def clock_is_kept() -> bool | None:
    """The word of Linux' kernel on whether its clock is synchronised; None on other systems."""
    asked = ctypes.create_string_buffer(1024)  # struct timex, larger than on any machine; zero changes nothing
    try:
        state = int(ctypes.CDLL(None).adjtimex(asked))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
