"""Who runs a command, as records of it say."""

from __future__ import annotations

import getpass
import os

LONGEST = 100


def who() -> str:
    """The login name of whoever runs the command; through sudo, of the person behind it."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError, ImportError):  # containers like to run under numbers without a name
        return "a user without a name"
    return name[:LONGEST].encode(errors="replace").decode()
