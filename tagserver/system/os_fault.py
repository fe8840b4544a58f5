"""What the system refuses, in words: which file, and why. The one form in which people read of an OSError."""

from __future__ import annotations

import os


def os_reason(error: OSError) -> str:
    """The system's reason alone: `No space left on device`; of an error that has none, what it says, or its class."""
    if error.strerror:
        return str(error.strerror)
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


def os_fault(error: OSError) -> str:
    """`/srv/tagserver/data/address: No space left on device`. Calls on open files do not know their path: whoever does
    sets the error's `filename` on its way."""
    path = error.filename
    if path is None or isinstance(path, int):
        return os_reason(error)
    return f"{os.fsdecode(path)}: {os_reason(error)}"
